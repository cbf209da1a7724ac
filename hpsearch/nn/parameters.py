"""Parameters of a network: arrays with a leading trial axis, their gradients and memory layout. May import NumPy.

Both kinds have the same interface for optimisers: `values` and slots of the same shape (calls, rows, columns),
per-trial numbers broadcast to them by `by_column`, and the gradient in blocks small enough for the cache.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.layouts import Buffer, Scheme
from hpsearch.nn.products import ROWS_PER_STRIP, accumulate, choose_layout, is_exact, strips

Array = npt.NDArray[Any]
Rates = npt.NDArray[np.float64]
Block = tuple[slice, slice]

_RANGE = 2.0**24
"""The scale of a decayed weight stays within (1 / _RANGE, _RANGE), far inside float32's range."""

_NUMBERS_PER_BLOCK = 2**16
"""Elements that an optimiser updates at a time: 256 KB of each array, so that a dozen passes over them stay in L2."""

_SMALL = 2**13
"""Elements of a matrix up to which one BLAS call per trial is slower than to compute all products and subtract them."""


class Parameter:
    """A bias or another parameter without regularisation: value and gradient (K, …)."""

    regularised = False

    def __init__(self, value: Array, grad: Array) -> None:
        self.value, self.grad = value, grad
        self.values = value.reshape(len(value), 1, -1)
        assert np.shares_memory(self.values, value)
        self.slots: dict[str, Array] = {}

    def slot(self, name: str) -> Array:
        """Return an optimiser's array for this parameter, of the shape of `values`, 0 at first."""
        return self.slots.setdefault(name, np.zeros_like(self.values))

    def by_column(self, numbers: Rates) -> Array:
        """Return one number of each trial (K,) as an array that broadcasts with `values`."""
        spread: Array = numbers.astype(self.values.dtype)[:, None, None]
        return spread

    def gradients(self) -> Iterator[tuple[Block, Array]]:
        """Yield the gradient in blocks that may be overwritten: the index in `values`, and the block."""
        yield (slice(None), slice(None)), self.grad.reshape(self.values.shape)

    def clip(self, factor: Rates) -> None:
        """Multiply the gradient by a factor per trial (K,)."""
        self.grad.reshape(self.values.shape)[...] *= self.by_column(factor)

    def gradient_squares(self, two_lam: Rates) -> Rates:
        """Each trial's Σ g², (K,); not regularised, so two_lam does not matter."""
        return np.array([np.sum(np.square(g, dtype=np.float64)) for g in self.grad])

    def state(self, k: int) -> dict[str, Array]:
        """Return what trial k needs to continue, as copies: its values under "", slots under ".<slot>"."""
        return {"": self.value[k].copy()} | {
            f".{name}": slot[k].reshape(self.value[k].shape).copy() for name, slot in self.slots.items()
        }

    def load(self, k: int, state: dict[str, Array]) -> None:
        """Load a `state`; slots that it lacks begin at 0 again."""
        self.value[k] = state[""]
        for name in {key[1:] for key in state if key} | set(self.slots):
            self.slot(name)[k] = state[f".{name}"].reshape(1, -1) if f".{name}" in state else 0.0

    def materialise(self, k: int) -> Array:
        """Return a copy of trial k's values as the model uses them."""
        own: Array = self.value[k].copy()
        return own


class Weights:
    """The weight matrices of K trials, W_k = scale_k · stored_k (D, H), regularised by λ·Σ‖W‖².

    `stored` is (calls, D, width), arranged by `layout`: wide where all trials share the input x (N, D), (K, D, H) where
    each has its own (K, N, D). The gradient is kept as two factors, xᵀδ, which SGD can add to `stored` in one
    BLAS call; `gradient` multiplies them.
    """

    regularised = True

    def __init__(
        self,
        trials: int,
        inputs: int,
        outputs: int,
        dtype: str = "float32",
        *,
        shared: bool = False,
        rows: tuple[int, ...] = (),
    ) -> None:
        """shared: whether the input is one array for all trials; rows: the sizes of the training batches."""
        self.shape, self.dtype, self.shared = (trials, inputs, outputs), np.dtype(dtype), shared
        self.scheme, self.layout = Scheme(), Scheme().separate(trials, outputs)
        if shared:
            self.scheme, self.layout = choose_layout(trials, rows, inputs, outputs, dtype)
        self.stored = np.zeros((self.layout.calls, inputs, self.layout.width), dtype)
        self.scale = np.ones(trials)
        self.slots: dict[str, Array] = {}
        self.x: Array = np.empty((0, inputs), dtype)
        self.delta: Array = np.empty((trials, 0, outputs), dtype)  # (K, N, H): dLoss/d(xW)
        self._owner = self.layout.owner()
        self._buffers: dict[tuple[int, bool], Buffer] = {}
        self._gradient: Array | None = None  # all of it at once, only while it is being clipped

    # --- products

    def multiply(self, x: Array, out: Array) -> None:
        """out_k ← x_k W_k, (K, N, H); remembers x for the gradient."""
        self.x = x
        if not self.shared:
            np.matmul(x, self.stored, out=out)
        else:
            buffer = self._buffer(len(x), backward=False)
            np.matmul(x, self._arranged(buffer), out=buffer.wide)
            buffer.collect(out)
        multiply_by_trial(out, self.scale)

    def add_product(self, delta: Array) -> None:
        """stored_k ← stored_k − x_kᵀ delta_k, in place."""
        if not self.shared and self.stored[0].size <= _SMALL:
            self.stored -= np.matmul(self.x.swapaxes(1, 2), delta)
            return
        if not self.shared:
            for own, own_x, own_delta in zip(self.stored, self.x, delta, strict=True):
                accumulate(own_x, own_delta, own, alpha=-1.0)
            return
        buffer = self._buffer(len(self.x), backward=True)
        stored = self._arranged(buffer)
        for g, out in zip(buffer.spread(delta), stored, strict=True):
            accumulate(self.x, g, out, alpha=-1.0)
        if stored is not self.stored:
            self.stored[...] = buffer.layout.moved(stored, self.layout)

    def _buffer(self, rows: int, *, backward: bool) -> Buffer:
        """Return the buffer for products of so many rows: of all trials together if exact, else of each alone."""
        if (rows, backward) not in self._buffers:
            trials, inputs, outputs = self.shape
            exact = self.layout.calls == trials or is_exact(
                self.scheme, trials, rows, inputs, outputs, self.dtype.name, backward=backward
            )
            layout = self.layout if exact else self.scheme.separate(trials, outputs)
            self._buffers[rows, backward] = Buffer(layout, rows, self.dtype)
        return self._buffers[rows, backward]

    def _arranged(self, buffer: Buffer) -> Array:
        """Return the weights in a buffer's layout: `stored` itself, or a rearranged copy."""
        return self.stored if buffer.layout is self.layout else self.layout.moved(self.stored, buffer.layout)

    # --- the gradient

    def gradients(self) -> Iterator[tuple[Block, Array]]:
        """Yield dLoss/dW in blocks that may be overwritten: the index in `values`, and the block."""
        if self._gradient is not None:
            for calls, rows in self._strips():
                yield from pieces(calls, rows, self._gradient[calls, rows])
            self._gradient = None
            return
        delta = self.delta
        if self.shared:
            buffer = self._buffer(len(self.x), backward=True)
            delta = buffer.spread(self.delta)
            if buffer.layout is not self.layout:
                separate = np.matmul(self.x.T, delta)
                yield (slice(None), slice(0, self.shape[1])), buffer.layout.moved(separate, self.layout)
                return
        made = self._strip
        for calls, rows in self._strips():
            x = self.x[:, rows] if self.shared else self.x[calls, :, rows]
            own = delta[calls]
            g = np.matmul(x.swapaxes(-1, -2), own, out=made[: len(own), : rows.stop - rows.start])
            yield from pieces(calls, rows, g)

    def _strips(self) -> list[Block]:
        """Return parts of `stored` whose gradient is computed at once. Their rows must not depend on the cohort."""
        calls, inputs, _ = self.stored.shape
        at_once = len(self._strip)
        return [(slice(call, call + at_once), rows) for call in range(0, calls, at_once) for rows in strips(inputs)]

    @cached_property
    def _strip(self) -> Array:
        """Memory for the gradient of one strip, or of several calls where these are small."""
        calls, inputs, width = self.stored.shape
        rows = min(inputs, ROWS_PER_STRIP)
        return np.empty((min(calls, max(1, _NUMBERS_PER_BLOCK // (width * rows))), rows, width), self.dtype)

    def gradient(self) -> Array:
        """dLoss/dW, (K, D, H), without the regularisation's 2λW."""
        gradient = np.empty_like(self.stored)
        for place, g in self.gradients():
            gradient[place] = g
        return np.stack([self.layout.get(gradient, k) for k in range(self.shape[0])])

    def gradient_squares(self, two_lam: Rates) -> Rates:
        """Each trial's Σ g², g = dLoss/dW + two_lam·W, (K,); keeps g, which the next `gradients` then yields."""
        kept, factor, values = np.empty_like(self.stored), self.by_column(two_lam), self.values
        sums = np.zeros(self._owner.shape)
        for (calls, rows), g in self.gradients():
            g += factor[calls] * values[calls, rows]
            kept[calls, rows] = g
        for rows in strips(self.shape[1]):
            sums += np.add.reduce(np.square(kept[:, rows]), axis=1, keepdims=True)
        self._gradient = kept
        return np.array([self.layout.get(sums, k).sum() for k in range(self.shape[0])])

    def clip(self, factor: Rates) -> None:
        """Multiply the gradient that `gradient_squares` kept by a factor per trial (K,)."""
        assert self._gradient is not None
        self._gradient *= self.by_column(factor)

    # --- for optimisers

    @property
    def values(self) -> Array:
        """W itself, (calls, D, width), to be changed in place."""
        if (self.scale != 1.0).any():
            self._fold(np.flatnonzero(self.scale != 1.0))
        return self.stored

    def slot(self, name: str) -> Array:
        """Return an optimiser's array for this parameter, of the shape of `values`, 0 at first."""
        if name not in self.slots:
            self.slots[name] = np.zeros_like(self.stored)
        return self.slots[name]

    def by_column(self, numbers: Rates) -> Array:
        """Return one number of each trial (K,) as an array that broadcasts with `values`."""
        return numbers.astype(self.dtype)[self._owner]

    def decay(self, factor: Rates) -> None:
        """W_k ← factor_k · W_k: one multiplication of the scale, folded into `stored` before it leaves its range."""
        self.scale *= factor
        if not all(1 / _RANGE < abs(each) < _RANGE for each in self.scale.tolist()):  # as arrays it takes twice as long
            size = np.abs(self.scale)
            self._fold(np.flatnonzero(~((size > 1 / _RANGE) & (size < _RANGE))))

    def _fold(self, trials: npt.NDArray[np.intp]) -> None:
        for k in trials:
            self.layout.put(self.stored, k, self.materialise(k))
            self.scale[k] = 1.0

    # --- one trial at a time

    def squared_norm(self, k: int) -> float:
        """Σ W_k², summed in float64 in an order that does not depend on the other trials."""
        flat = self.layout.get(self.stored, k).astype(np.float64, order="C").ravel()
        return float(self.scale[k] ** 2 * np.dot(flat, flat))

    def state(self, k: int) -> dict[str, Array]:
        """Return what trial k needs to continue, as copies: `stored`, ".scale", and an optimiser's slots."""
        slots = {f".{name}": self.layout.get(slot, k) for name, slot in self.slots.items()}
        return {"": self.layout.get(self.stored, k), ".scale": np.array(self.scale[k])} | slots

    def load(self, k: int, state: dict[str, Array]) -> None:
        """Load a `state`; slots that it lacks begin at 0 again, and a scale at 1."""
        self.layout.put(self.stored, k, state[""])
        self.scale[k] = state.get(".scale", 1.0)
        for name in {key[1:] for key in state if key not in ("", ".scale")} | set(self.slots):
            self.layout.put(self.slot(name), k, state.get(f".{name}", np.zeros_like(state[""])))

    def materialise(self, k: int) -> Array:
        """Return a copy of trial k's matrix as the model uses it, (D, H)."""
        own: Array = self.layout.get(self.stored, k) * self.dtype.type(self.scale[k])
        return own


def pieces(calls: slice, rows: slice, block: Array) -> Iterator[tuple[Block, Array]]:
    """Yield a block of `values` in pieces of few rows, so that an optimiser's passes over them stay in the cache."""
    parts = -(-block.size // _NUMBERS_PER_BLOCK)
    size = -(-block.shape[1] // parts)
    for start in range(0, block.shape[1], size):
        part = block[:, start : start + size]
        yield (calls, slice(rows.start + start, rows.start + start + part.shape[1])), part


def multiply_by_trial(array: Array, factor: Rates) -> None:
    """array_k *= factor_k in place, array (K, N, H)."""
    factors = factor.tolist()  # K numbers: their arrays would take longer than the numbers
    if factors.count(1.0) != len(factors):
        array *= factor.astype(array.dtype)[:, None, None]
