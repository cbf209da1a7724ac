"""A dataset as it was published: complete, unscaled and in memory. May import NumPy and this package's columns."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hpsearch.data.tables.columns import Columns
from hpsearch.data.tables.leaks import Leak

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.float32] | npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float64]
Task = Literal["classification", "regression"]

_PIECE = 1 << 24
"""So many bytes are hashed at a time: Ctrl-C is heard between two."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples: those to train and validate on, and the published test set; all arrays are read-only.

    samples, test_samples: (n, features), uint8 or floats; an image is a row, flattened as (channel, height, width).
    labels, test_labels: (n,) int64 in [0, len(classes)); in a regression (n, T) float64, a column for each target.
    targets: the names of the targets of a regression, which has no classes; () otherwise.
    fingerprint: SHA-256 (hex) of the arrays' bytes, types and shapes and of the names of the classes or targets.
    columns: those of a table, whose samples are (n, columns); a split encodes them as features. None otherwise.
    said: what is to be said of how its files were read.
    leaks: columns of a table that should not be features.
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
    columns: Columns | None = None
    said: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of a table's columns beside the labels; () where they have none."""
        return self.columns.names if self.columns else ()

    @property
    def features(self) -> int:
        """How many features a sample has for a model."""
        return int(np.prod(self.image_shape))

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
    columns: Columns | None = None,
    said: Sequence[str] = (),
) -> Dataset:
    """Return a `Dataset` of (samples, labels) to train on and to test on, read-only and with its fingerprint.

    The names of a table's columns are not part of it where all are numbers: they change no training.
    """
    arrays: list[Any] = [np.ascontiguousarray(array) for array in (*train, *test)]
    names: tuple[Any, ...] = (classes, image_shape, targets) if targets else (classes, image_shape)
    if columns is not None and not columns.is_plain:
        names = (*names, json.dumps(columns.to_json()))
    digest = hashlib.sha256(repr(names).encode())
    for array in arrays:
        array.setflags(write=False)
        digest.update(repr((array.dtype.str, array.shape)).encode())
        content = array.reshape(-1).view(np.uint8)
        for first in range(0, len(content), _PIECE):
            digest.update(content[first : first + _PIECE].data)
    samples, labels, test_samples, test_labels = arrays
    arrays_and_names = samples, labels, test_samples, test_labels, classes, image_shape
    return Dataset(name, *arrays_and_names, digest.hexdigest(), targets, columns, tuple(said))
