"""What every layer offers, and the dense layer. May import NumPy and the rest of `hpsearch.nn`.

All arrays have a leading trial axis: activations are (K, N, H) for K trials and N rows; the first layer's input (N, D)
is shared by all trials. A layer is made without sizes and bound to them once, when a cohort is put together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.initial import INITIAL
from hpsearch.nn.parameters import Parameter, Weights
from hpsearch.nn.products import ROWS_PER_CHUNK, wide_is_exact

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a layer is bound to: trials side by side, numbers per input row, rows of the training batches."""

    trials: int
    inputs: int
    rows: tuple[int, ...]
    shared: bool  # is the input one (N, D) array for all trials?
    dtype: str = "float32"


class Layer:
    """A step of a network: `forward`, `backward`, and what it learns in `params` (each with its gradient).

    A layer of one's own derives from this, overrides `forward` and `backward`, and `bind` if it learns something or
    changes the number of outputs.
    """

    params: dict[str, Parameter | Weights]
    statistics: Mapping[str, Array] = MappingProxyType({})
    """Arrays (K, …) that training leaves for evaluation and that no optimiser changes, e.g. running means."""

    def bind(self, sizes: Sizes) -> int:
        """Take the sizes, make the parameters; return the number of outputs per row."""
        self.params = {}
        return sizes.inputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        """Draw trial k's first parameters."""

    def begin_epoch(self, k: int, rng: np.random.Generator) -> None:
        """Take the generator of all that trial k draws in this epoch; a layer without chance needs none."""

    def forward(self, x: Array, training: bool) -> Array:
        """Return the outputs (K, N, H); may overwrite and return its input where that is (K, N, D)."""
        raise NotImplementedError

    def backward(self, delta: Array) -> Array:
        """From dLoss/d(output) (K, N, H) set the parameters' gradients and return dLoss/d(input) (K, N, D)."""
        raise NotImplementedError


class Dense(Layer):
    """z = x W + b for each trial: W (K, D, H), regularised; b (K, H), not regularised.

    init: "he" draws W from N(0, 2/D) (He et al. 2015), "gaussian" from N(0, 0.01²); biases start at 0.
    """

    def __init__(self, outputs: int, init: str = "he") -> None:
        if outputs < 1:
            raise ValueError(f"outputs must be at least 1, got {outputs}")
        if init not in INITIAL:
            raise ValueError(f"init must be one of {', '.join(INITIAL)}, got {init!r}")
        self.outputs, self.init = outputs, init

    def bind(self, sizes: Sizes) -> int:
        trials, inputs, dtype = sizes.trials, sizes.inputs, sizes.dtype
        shape = (inputs, self.outputs, trials, dtype)
        wide = (
            sizes.shared
            and all(wide_is_exact(rows, *shape, backward=True) for rows in sizes.rows)
            and wide_is_exact(ROWS_PER_CHUNK, *shape, backward=False)
        )
        self.weights = Weights.zeros(trials, inputs, self.outputs, dtype, wide)
        self.bias = Parameter(np.zeros((trials, self.outputs), dtype), np.zeros((trials, self.outputs), dtype))
        self.params = {"weights": self.weights, "bias": self.bias}
        self._buffers: dict[tuple[str, int], Array] = {}
        return self.outputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        _, inputs, outputs = self.weights.stored.shape
        self.weights.stored[k] = INITIAL[self.init](rng, inputs, outputs)
        self.weights.scale[k] = 1.0
        self.bias.value[k] = 0.0

    def _buffer(self, name: str, rows: int, columns: int, wide: bool) -> Array:
        """A reused (K, rows, columns) array, (rows, K, columns) in memory where products are wide."""
        if (name, rows) not in self._buffers:
            trials, dtype = self.weights.stored.shape[0], self.weights.stored.dtype
            made = (
                np.empty((rows, trials, columns), dtype).transpose(1, 0, 2)
                if wide
                else np.empty((trials, rows, columns), dtype)
            )
            self._buffers[name, rows] = made
        return self._buffers[name, rows]

    def forward(self, x: Array, training: bool) -> Array:
        weights = self.weights
        z = self._buffer("z", x.shape[-2], self.outputs, weights.wide)
        weights.x = x
        if weights.wide:
            inputs = weights.stored.shape[1]
            flat = z.transpose(1, 0, 2).reshape(len(x), -1)
            np.matmul(x, weights.stored.transpose(1, 0, 2).reshape(inputs, -1), out=flat)
        else:
            np.matmul(x, weights.stored, out=z)
        multiply_by_trial(z, weights.scale, weights.wide)
        rows_first = z.transpose(1, 0, 2)
        rows_first += self.bias.value
        return z

    def backward(self, delta: Array) -> Array:
        """dW = xᵀ δ, db = Σ_n δ_n, dx = δ Wᵀ, where W = scale · stored; the first layer's dx is not needed."""
        weights = self.weights
        weights.delta = delta
        np.add.reduce(delta, axis=1, out=self.bias.grad)
        if weights.x.ndim == 2:
            return delta
        into = self._buffer("dx", delta.shape[1], weights.stored.shape[1], weights.x.strides[1] > weights.x.strides[0])
        np.matmul(delta, weights.stored.transpose(0, 2, 1), out=into)
        multiply_by_trial(into, weights.scale, into.strides[1] > into.strides[0])
        return into


def multiply_by_trial(array: Array, factor: npt.NDArray[np.float64], wide: bool) -> None:
    """array_k *= factor_k in place, array (K, N, H) in either memory order."""
    if (factor == 1.0).all():
        return
    small = factor.astype(array.dtype)
    if wide:  # one long row for each n, so that NumPy's inner loop is K·H long
        rows = array.transpose(1, 0, 2)
        rows *= np.repeat(small, array.shape[2]).reshape(1, len(factor), -1)
    else:
        array *= small[:, None, None]


def total_parameters(layers: Sequence[Layer]) -> int:
    """How many numbers one trial's network learns."""
    sizes = (p.value if isinstance(p, Parameter) else p.stored for layer in layers for p in layer.params.values())
    return sum(s[0].size for s in sizes)
