"""A dataset as it was published: complete, unscaled and in memory. May import NumPy only."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples: those to train and validate on, and the published test set; all arrays are read-only.

    samples, test_samples: (n, features), uint8 or floats; an image is a row, flattened as (channel, height, width).
    labels, test_labels: (n,) int64 in [0, len(classes)).
    fingerprint: SHA-256 (hex) of the arrays' bytes, types and shapes and of the class names.
    """

    name: str
    samples: Samples
    labels: Labels
    test_samples: Samples
    test_labels: Labels
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    fingerprint: str


def make_dataset(
    name: str,
    train: tuple[Samples, Labels],
    test: tuple[Samples, Labels],
    classes: tuple[str, ...],
    image_shape: tuple[int, int, int],
) -> Dataset:
    """Return a `Dataset` of (samples, labels) to train on and to test on, read-only and with its fingerprint."""
    arrays: list[Any] = [np.ascontiguousarray(array) for array in (*train, *test)]
    digest = hashlib.sha256(repr((classes, image_shape)).encode())
    for array in arrays:
        array.setflags(write=False)
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(array.data)
    samples, labels, test_samples, test_labels = arrays
    return Dataset(name, samples, labels, test_samples, test_labels, classes, image_shape, digest.hexdigest())
