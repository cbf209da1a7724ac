"""What every layer offers, and the dense layer. May import NumPy and the rest of `hpsearch.nn`.

All arrays have a leading trial axis: activations are (K, N, H) for K trials and N rows; the first layer's input (N, D)
is shared by all trials. A layer is made without sizes and bound to them once, when a cohort is put together.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.initialisation import INITIAL
from hpsearch.nn.parameters import Parameter, Weights, multiply_by_trial

Array = npt.NDArray[Any]

COPIES = 4
"""Times that training holds a weight matrix at least: as it is, its gradient, as it was best, as it is stored."""


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
        refuse_giants(inputs, self.outputs, dtype)
        self.weights = Weights(trials, inputs, self.outputs, dtype, shared=sizes.shared, rows=sizes.rows)
        self.bias = Parameter(np.zeros((trials, self.outputs), dtype), np.zeros((trials, self.outputs), dtype))
        self.params = {"weights": self.weights, "bias": self.bias}
        self._buffers: dict[tuple[str, int], Array] = {}
        return self.outputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        _, inputs, outputs = self.weights.shape
        self.weights.load(k, {"": INITIAL[self.init](rng, inputs, outputs)})
        self.bias.load(k, {"": np.zeros(outputs, self.weights.dtype)})

    def _buffer(self, name: str, rows: int, columns: int) -> Array:
        """A reused array (K, rows, columns)."""
        if (name, rows) not in self._buffers:
            self._buffers[name, rows] = np.empty((self.weights.shape[0], rows, columns), self.weights.dtype)
        return self._buffers[name, rows]

    def forward(self, x: Array, training: bool) -> Array:
        z = self._buffer("z", x.shape[-2], self.outputs)
        self.weights.multiply(x, z)
        z += self.bias.value[:, None, :]
        return z

    def backward(self, delta: Array) -> Array:
        """dW = xᵀ δ, db = Σ_n δ_n, dx = δ Wᵀ, where W = scale · stored; the first layer's dx is not needed."""
        weights = self.weights
        weights.delta = delta
        np.add.reduce(delta, axis=1, out=self.bias.grad)
        if weights.shared:
            return delta
        into = self._buffer("dx", delta.shape[1], weights.shape[1])
        np.matmul(delta, weights.stored.transpose(0, 2, 1), out=into)
        multiply_by_trial(into, weights.scale)
        return into


def refuse_giants(inputs: int, outputs: int, dtype: str) -> None:
    """Raise ValueError for a weight matrix that this machine could not train, before memory is asked for."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    needed = COPIES * inputs * outputs * np.dtype(dtype).itemsize
    if needed > pages:
        rule = f"a layer of {inputs:,} × {outputs:,} weights needs {needed / 1e9:,.0f} GB to train"
        raise ValueError(f"{rule}; this machine has {pages / 1e9:,.0f} GB")


def total_parameters(layers: Sequence[Layer]) -> int:
    """How many numbers one trial's network learns."""
    params = (p for layer in layers for p in layer.params.values())
    shapes = (p.value.shape if isinstance(p, Parameter) else p.shape for p in params)
    return sum(math.prod(shape[1:]) for shape in shapes)
