"""Batch normalisation, with each trial's own statistics. May import NumPy and `hpsearch.nn`."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.layers.base import Layer, Sizes, refuse_shared_input
from hpsearch.nn.parameters import Parameter

Array = npt.NDArray[Any]

EPSILON = 1e-5
"""Added to the variance, so that a constant column does not divide by 0."""


class BatchNorm(Layer):
    """γ·x̂ + β with x̂ = (x − mean) / √(variance + ε), for each column (Ioffe & Szegedy 2015, algorithms 1 and 2).

    Training takes mean and variance from the batch, and keeps running ones, running ← (1 − momentum)·running +
    momentum·batch, that evaluation takes; the running variance is that of the unbiased estimate, N/(N−1) times the
    batch's. γ begins at 1 and β at 0, (K, H), neither regularised; running mean and variance are part of the state.
    """

    def __init__(self, momentum: float = 0.1) -> None:
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum must be above 0 and at most 1, got {momentum}")
        self.momentum = momentum

    def bind(self, sizes: Sizes) -> int:
        refuse_shared_input(self, sizes)
        shape, dtype = (sizes.trials, sizes.inputs), sizes.dtype
        self.gamma = Parameter(np.ones(shape, dtype), np.zeros(shape, dtype))
        self.beta = Parameter(np.zeros(shape, dtype), np.zeros(shape, dtype))
        self.params = {"gamma": self.gamma, "beta": self.beta}
        self.mean, self.variance = np.zeros(shape, dtype), np.ones(shape, dtype)
        self.statistics = {"mean": self.mean, "variance": self.variance}
        return sizes.inputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        self.gamma.value[k] = self.variance[k] = 1.0
        self.beta.value[k] = self.mean[k] = 0.0

    def forward(self, x: Array, training: bool) -> Array:
        rows = x.transpose(1, 0, 2)  # so that (K, H) fits each row of it
        if not training:
            factor = self.gamma.value / np.sqrt(self.variance + EPSILON)
            rows *= factor
            rows += self.beta.value - self.mean * factor
            return x
        mean = row_sums(x) / len(rows)
        rows -= mean
        variance = row_sums(x * x) / len(rows)
        self._deviation = np.sqrt(variance + EPSILON)
        rows /= self._deviation
        self._normalised = x.copy(order="K")
        rows *= self.gamma.value
        rows += self.beta.value
        self._keep(self.mean, mean)
        self._keep(self.variance, variance * (len(rows) / max(len(rows) - 1, 1)))
        return x

    def _keep(self, running: Array, batch: Array) -> None:
        running *= 1 - self.momentum
        running += self.momentum * batch

    def backward(self, delta: Array) -> Array:
        """dγ = Σ_n δ x̂, dβ = Σ_n δ, dx = γ / √(variance + ε) · (δ − dβ/N − x̂ dγ/N), in place.

        mean and variance depend on every x of the column, which gives the last two terms.
        """
        self.gamma.grad[...] = row_sums(delta * self._normalised)
        self.beta.grad[...] = row_sums(delta)
        rows, normalised = delta.transpose(1, 0, 2), self._normalised.transpose(1, 0, 2)
        rows -= self.beta.grad / len(rows)
        normalised *= self.gamma.grad / len(rows)
        rows -= normalised
        rows *= self.gamma.value / self._deviation
        return delta


def row_sums(x: Array) -> Array:
    """Σ_n x_kn, (K, N, H) → (K, H), each trial's in the same order whatever K and the memory order are.

    NumPy adds row by row where a row is longer than one number. Where it is one number, it adds row by row or pairwise
    as strides have it, so each trial is summed by itself.
    """
    if x.shape[2] > 1:
        total: Array = np.add.reduce(x, axis=1)
        return total
    return np.stack([np.add.reduce(own, axis=0) for own in x])
