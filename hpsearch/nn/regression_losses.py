"""Losses of predicted values, per sample, and their gradients. May import NumPy and `hpsearch.nn.losses`.

The loss of a sample is the mean over its T targets, so that the mean loss is what scikit-learn's `mean_squared_error`
and PyTorch's losses give by default. Targets have whatever unit the data gives them; a study standardises them.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hpsearch.nn.losses import Task

Array = npt.NDArray[Any]

_overflow_is_a_result = np.errstate(over="ignore", invalid="ignore")
"""A diverging trial is found by its loss, which is then ∞ or NaN; no warning is needed."""


class ResidualLoss(ABC):
    """A loss that is a mean over targets of a function of the residual r = z − y; z (K, N, T), y (N, T).

    Every step works on each number by itself, except the sum over a sample's targets, which `losses` writes out. So
    the bits depend neither on K nor on the memory order of z.
    """

    task: ClassVar[Task] = "regression"

    @_overflow_is_a_result
    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz = slope(z − y) / (N·T), (K, N, T), written over z."""
        assert y.shape == z.shape[1:]  # (N,) would broadcast
        z -= y
        self._slope(z)
        z /= z.dtype.type(z.shape[1] * z.shape[2])
        return z

    @_overflow_is_a_result
    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each sample, (K, N); z is not changed.

        The targets are added one by one, so that the order does not depend on how z lies in memory.
        """
        assert y.shape == z.shape[1:]
        each = self._loss(z - y)
        total: Array = each[:, :, 0].copy()
        for target in range(1, z.shape[2]):
            total += each[:, :, target]
        total /= total.dtype.type(z.shape[2])
        return total

    @abstractmethod
    def _loss(self, r: Array) -> Array:
        """The loss of each residual; may be written over r."""

    @abstractmethod
    def _slope(self, r: Array) -> None:
        """Write the derivative of the loss over each residual."""


class SquaredError(ResidualLoss):
    """r² per target; not halved, as scikit-learn's `MLPRegressor` halves it."""

    def _loss(self, r: Array) -> Array:
        return np.square(r, out=r)

    def _slope(self, r: Array) -> None:
        """2r."""
        r *= r.dtype.type(2)


class AbsoluteError(ResidualLoss):
    """|r| per target. At the kink, r = 0, the derivative is taken as 0."""

    def _loss(self, r: Array) -> Array:
        return np.abs(r, out=r)

    def _slope(self, r: Array) -> None:
        """Sign of r."""
        np.sign(r, out=r)


class Huber(ResidualLoss):
    """½r² where |r| ≤ δ, else δ·(|r| − δ/2), per target (Huber 1964, "Robust estimation of a location parameter").

    `delta` has the unit of the targets: 1 is one standard deviation where they are standardised. The derivative has no
    jump; at |r| = δ it is ±δ from either side.
    """

    def __init__(self, delta: float = 1.0) -> None:
        if not 0 < delta < math.inf:
            raise ValueError(f"delta must be above 0 and finite, got {delta}")
        self.delta = delta

    def _loss(self, r: Array) -> Array:
        delta = r.dtype.type(self.delta)
        size = np.abs(r, out=r)
        near = np.minimum(size, delta)  # with m = min(|r|, δ), both sides are m·(|r| − m/2)
        losses: Array = near * (size - near / r.dtype.type(2))
        return losses

    def _slope(self, r: Array) -> None:
        """r, but no less than −δ and no more than δ."""
        delta = r.dtype.type(self.delta)
        np.clip(r, -delta, delta, out=r)


REGRESSION_LOSSES: dict[str, Callable[..., ResidualLoss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
}
"""By scikit-learn's names. Each can be made without arguments; Huber's takes `delta`."""
