"""What a network learns: arrays with a leading trial axis, their gradients, and how they lie in memory. NumPy only.

Optimisers see both kinds alike: `values` and slots of the same shape (calls, rows, columns), per-trial numbers spread
over them by `by_column`, and the gradient in blocks small enough for the cache.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.products import Scheme, accumulate, choose_layout, is_exact, strips

Array = npt.NDArray[Any]
Rates = npt.NDArray[np.float64]
Block = tuple[slice, slice]

_RANGE = 2.0**24
"""The scale of a decayed weight stays within (1 / _RANGE, _RANGE), far inside float32's range."""

_NUMBERS_PER_BLOCK = 2**15
"""Numbers that an optimiser works on at a time: 128 KB of each array, so that a dozen passes over them stay in L2."""


class Parameter:
    """A bias or another parameter without regularisation: value and gradient (K, …)."""

    regularised = False

    def __init__(self, value: Array, grad: Array) -> None:
        self.value, self.grad = value, grad
        self.values = value.reshape(len(value), 1, -1)
        assert np.shares_memory(self.values, value)
        self.slots: dict[str, Array] = {}

    def slot(self, name: str) -> Array:
        """An optimiser's array for this parameter, like `values`, 0 at first."""
        return self.slots.setdefault(name, np.zeros_like(self.values))

    def by_column(self, numbers: Rates) -> Array:
        """One number of each trial (K,) → an array that multiplies `values`."""
        return numbers.astype(self.values.dtype)[:, None, None]

    def gradients(self) -> Iterator[tuple[Block, Array]]:
        """The gradient in blocks that may be written over: where in `values`, and the numbers there."""
        yield (slice(None), slice(None)), self.grad.reshape(self.values.shape)

    def clip(self, factor: Rates) -> None:
        """Multiply the gradient by a factor per trial (K,)."""
        self.grad.reshape(self.values.shape)[...] *= self.by_column(factor)

    def gradient_squares(self, two_lam: Rates) -> Rates:
        """Each trial's sum of squares of the gradient, (K,)."""
        return np.array([np.sum(np.square(g, dtype=np.float64)) for g in self.grad])

    def state(self, k: int) -> dict[str, Array]:
        """What trial k must keep to go on, as copies: its numbers under "", an optimiser's under ".<slot>"."""
        return {"": self.value[k].copy()} | {
            f".{name}": slot[k].reshape(self.value[k].shape).copy() for name, slot in self.slots.items()
        }

    def load(self, k: int, state: dict[str, Array]) -> None:
        """Take a `state`; slots that it lacks begin at 0 again."""
        self.value[k] = state[""]
        for name in {key[1:] for key in state if key} | set(self.slots):
            self.slot(name)[k] = state[f".{name}"].reshape(1, -1) if f".{name}" in state else 0.0

    def materialise(self, k: int) -> Array:
        """Trial k's numbers as they enter the model, as a copy."""
        return self.value[k].copy()


class Weights:
    """The weight matrices of K trials, W_k = scale_k · stored_k (D, H), regularised by λ·Σ‖W‖².

    `stored` is (calls, D, width), arranged by `layout`: wide where all trials share the input x (N, D), (K, D, H) where
    each has its own (K, N, D). The gradient stays in two factors, xᵀδ, because that is what SGD can add to `stored` in
    one BLAS call; `gradient` multiplies it out.
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
        """shared: is the input one array for all trials? rows: the sizes of the training batches."""
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
        self._flat: dict[int, tuple[Array, Array]] = {}
        self._separate: dict[int, bool] = {}
        self._clipped: Array | None = None

    # --- products

    @property
    def values(self) -> Array:
        """What an optimiser changes: W itself, arranged by `layout`."""
        self.fold(np.flatnonzero(self.scale != 1.0))
        return self.stored

    def multiply(self, x: Array, out: Array) -> None:
        """out_k ← x_k W_k, (K, N, H); remembers x for the gradient."""
        self.x = x
        if self.layout.width == self.shape[2] and self.layout.calls == self.shape[0]:
            np.matmul(x, self.stored, out=out)
        elif self._must_separate(len(x)):
            for k, matrix in enumerate(self._separated()):
                self._one_layout.get_into(np.matmul(x, matrix), out[k])
        else:
            flat, index = self._buffer(len(x))
            np.matmul(x, self.stored, out=flat)
            collect(flat, index, out)
        multiply_by_trial(out, self.scale)
