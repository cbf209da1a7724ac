"""A dataset as it was published: complete, unscaled and in memory. May import NumPy only."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float64]
Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples: those to train and validate on, and the published test set; all arrays are read-only.

    samples, test_samples: (n, features), uint8 or floats; an image is a row, flattened as (channel, height, width).
    labels, test_labels: (n,) int64 in [0, len(classes)); in a regression (n, T) float64, a column for each target.
    targets: the names of the targets of a regression, which has no classes; () otherwise.
    fingerprint: SHA-256 (hex) of the arrays' bytes, types and shapes and of the names of the classes or targets.
    feature_names: of the columns of a table, in the order of the features; () where they have no names.
    """

    name: str
    samples: Samples
    labels: npt.NDArray[Any]
    test_samples: Samples
    test_labels: npt.NDArray[Any]
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    fingerprint: str
    targets: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """Whether its labels are classes or the values of a regression."""
        return "regression" if self.targets else "classification"

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has: one for each class, or for each target."""
        return len(self.classes) or len(self.targets)


def make_dataset(
    name: str,
    train: tuple[Samples, npt.NDArray[Any]],
    test: tuple[Samples, npt.NDArray[Any]],
    classes: tuple[str, ...],
    image_shape: tuple[int, int, int],
    targets: tuple[str, ...] = (),
) -> Dataset:
    """Return a `Dataset` of (samples, labels) to train on and to test on, read-only and with its fingerprint."""
    arrays: list[Any] = [np.ascontiguousarray(array) for array in (*train, *test)]
    names = (classes, image_shape, targets) if targets else (classes, image_shape)
    digest = hashlib.sha256(repr(names).encode())
    for array in arrays:
        array.setflags(write=False)
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(array.data)
    samples, labels, test_samples, test_labels = arrays
    return Dataset(name, samples, labels, test_samples, test_labels, classes, image_shape, digest.hexdigest(), targets)
