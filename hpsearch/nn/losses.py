"""Losses over class scores, per image and as gradients. May import NumPy only."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Loss(Protocol):
    """A loss of class scores z (K, N, C), in either memory order, given labels y (N,)."""

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz (K, N, C), written over z."""

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each image, (K, N); z is left as it is."""


class SoftmaxCrossEntropy:
    """−log softmax(z)_y per image, from scores z (K, N, C) and labels y (N,)."""

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz = (softmax(z) − onehot(y)) / N, written over z."""
        rows = z.shape[1]
        z -= np.maximum.reduce(z, axis=2, keepdims=True)
        np.exp(z, out=z)
        total = np.add.reduce(z, axis=2, keepdims=True)
        total *= rows
        z /= total
        z[:, np.arange(rows), y] -= z.dtype.type(1.0 / rows)
        return z

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each image, (K, N); z is left as it is."""
        shifted = z - np.maximum.reduce(z, axis=2, keepdims=True)
        log_total = np.log(np.add.reduce(np.exp(shifted), axis=2))
        losses: Array = log_total - shifted[:, np.arange(len(y)), y]
        return losses


class MulticlassHinge:
    """Σ_{j≠y} max(0, z_j − z_y + 1) per image (Weston & Watkins 1999), from scores z (K, N, C) and labels y (N,)."""

    def gradient(self, z: Array, y: Array) -> Array:
        """d(mean loss)/dz, written over z: 1/N where class j ≠ y comes within the margin, −(their number)/N at y.

        At the hinge itself, z_j − z_y + 1 = 0, the derivative is taken as 0.
        """
        rows = z.shape[1]
        images = np.arange(rows)
        np.greater(z, z[:, images, y][:, :, None] - 1, out=z)
        z[:, images, y] = 0
        z[:, images, y] = -np.add.reduce(z, axis=2)
        z /= rows
        return z

    def losses(self, z: Array, y: Array) -> Array:
        """Loss of each image, (K, N); z is left as it is."""
        images = np.arange(len(y))
        margins = np.maximum(z - z[:, images, y][:, :, None] + 1, 0)
        margins[:, images, y] = 0
        total: Array = np.add.reduce(margins, axis=2)
        return total


LOSSES: dict[str, Callable[[], Loss]] = {"cross_entropy": SoftmaxCrossEntropy, "hinge": MulticlassHinge}
