"""The dense (fully connected) layer. May import NumPy, `hpsearch.nn` and `hpsearch.platform`."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.initialisation import INITIALISATIONS
from hpsearch.nn.layers.base import Layer, Sizes
from hpsearch.nn.parameters import Parameter, Weights, multiply_by_trial
from hpsearch.platform import memory

Array = npt.NDArray[Any]

COPIES = 4
"""Copies of a weight matrix that training needs at least: the weights, their gradient, the best and the stored ones."""


class Dense(Layer):
    """z = x W + b for each trial: W (K, D, H), regularised; b (K, H), not regularised.

    init: "he" draws W from N(0, 2/D) (He et al. 2015), "gaussian" from N(0, 0.01²); biases start at 0.
    """

    def __init__(self, outputs: int, init: str = "he") -> None:
        if outputs < 1:
            raise ValueError(f"outputs must be at least 1, got {outputs}")
        if init not in INITIALISATIONS:
            raise ValueError(f"init must be one of {', '.join(INITIALISATIONS)}, got {init!r}")
        self.outputs, self.init = outputs, init

    def bind(self, sizes: Sizes) -> int:
        trials, inputs, dtype = sizes.trials, sizes.inputs, sizes.dtype
        check_memory(inputs, self.outputs, dtype)
        self.weights = Weights(trials, inputs, self.outputs, dtype, shared=sizes.shared, rows=sizes.rows)
        self.bias = Parameter(np.zeros((trials, self.outputs), dtype), np.zeros((trials, self.outputs), dtype))
        self.params = {"weights": self.weights, "bias": self.bias}
        self._buffers: dict[tuple[str, int], Array] = {}
        return self.outputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        _, inputs, outputs = self.weights.shape
        self.weights.load(k, {"": INITIALISATIONS[self.init](rng, inputs, outputs)})
        self.bias.load(k, {"": np.zeros(outputs, self.weights.dtype)})

    def _buffer(self, name: str, rows: int, columns: int) -> Array:
        """Return an array (K, rows, columns) that is reused."""
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


def check_memory(inputs: int, outputs: int, dtype: str) -> None:
    """Raise ValueError for a weight matrix too large to train on this machine, before it is allocated."""
    there = memory()
    needed = COPIES * inputs * outputs * np.dtype(dtype).itemsize
    if there is not None and needed > there:
        rule = f"a layer of {inputs:,} × {outputs:,} weights needs {needed / 1e9:,.0f} GB to train"
        raise ValueError(f"{rule}; this machine has {there / 1e9:,.0f} GB")
