"""Losses of class scores, per sample, and their gradients. May import NumPy only."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Task = Literal["classification", "regression"]


class Loss(Protocol):
    """A loss of outputs z, in either memory order, with K trials and N samples.

    Where `task` is "classification", z are scores of C classes (K, N, C) and y labels (N,); where it is "regression",
    z are values of T targets (K, N, T) and y the true ones (N, T). A trial's results must not depend on the others,
    nor on the memory order, in any bit.
    """

    task: ClassVar[Task]

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz, of the shape of z and written over it."""

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each sample, (K, N); z is not changed."""


class SoftmaxCrossEntropy:
    """−log softmax(z)_y per sample, from scores z (K, N, C) and labels y (N,)."""

    task: ClassVar[Task] = "classification"

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz = (softmax(z) − onehot(y)) / N, written over z."""
        rows = z.shape[1]
        shifted, total = exponentials(z)
        total *= rows
        np.divide(shifted.transpose(1, 2, 0), total[:, :, None], out=z)
        z[:, np.arange(rows), y] -= z.dtype.type(1.0 / rows)
        return z

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each sample, (K, N); z is not changed."""
        chosen = z[:, np.arange(len(y)), y] - np.maximum.reduce(z, axis=2)
        losses: Array = np.log(exponentials(z)[1]) - chosen
        return losses


def exponentials(z: Array) -> tuple[Array, Array]:
    """exp(z − max_c z), class by class (C, K, N), and its sum (K, N), which is at least 1.

    With the few classes first, NumPy's inner loops are as long as the batch. They are added one by one, so that the
    order does not depend on K and N.
    """
    shifted = np.ascontiguousarray(z.transpose(2, 0, 1))
    shifted -= np.maximum.reduce(shifted, axis=0)
    np.exp(shifted, out=shifted)
    total = shifted[0].copy()
    for exponential in shifted[1:]:
        total += exponential
    return shifted, total


def probabilities(scores: Array) -> npt.NDArray[np.float64]:
    """softmax of the scores (n, C) of a network trained with cross-entropy: float64 (n, C), rows that add up to 1.

    exp(z − max_c z) is at most 1, so no score is too large. A row with a score of NaN or +∞ becomes NaN.
    """
    wide = scores.astype(np.float64, order="C")  # so that rows are added in one order, whatever the scores' is
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        wide -= wide.max(axis=1, keepdims=True)
    np.exp(wide, out=wide)
    wide /= wide.sum(axis=1, keepdims=True)
    return wide


class MulticlassHinge:
    """Σ_{j≠y} max(0, z_j − z_y + 1) per sample (Weston & Watkins 1999), from scores z (K, N, C) and labels y (N,)."""

    task: ClassVar[Task] = "classification"

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz, written over z: 1/N where class j ≠ y comes within the margin, −(their number)/N at y.

        At the hinge itself, z_j − z_y + 1 = 0, the derivative is taken as 0.
        """
        rows = z.shape[1]
        samples = np.arange(rows)
        np.greater(z, z[:, samples, y][:, :, None] - 1, out=z)
        z[:, samples, y] = 0
        z[:, samples, y] = -np.add.reduce(z, axis=2)
        z /= rows
        return z

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each sample, (K, N); z is not changed."""
        samples = np.arange(len(y))
        margins = np.maximum(z - z[:, samples, y][:, :, None] + 1, 0)
        margins[:, samples, y] = 0
        total: Array = np.add.reduce(margins, axis=2)
        return total


LOSSES: dict[str, Callable[[], Loss]] = {"cross_entropy": SoftmaxCrossEntropy, "hinge": MulticlassHinge}
