"""Functions that all datasets by path share: the path, classes from labels, the test set. May import NumPy."""

import difflib
import os.path
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Dataset, Labels, Samples, Targets, make_dataset
from hpsearch.data.sources.targets import MOST, is_number, refuse_values, target_names, targets_of
from hpsearch.data.stratification import hold_out
from hpsearch.data.tables.cells import in_order
from hpsearch.data.tables.columns import Columns
from hpsearch.errors import DataError

Shape = tuple[int, int, int]

AT_ONCE = 1 << 14
"""So many rows are copied at a time."""


@dataclass(frozen=True, eq=False)
class Part:
    """Samples (n, features) of one shape (channels, height, width) with their labels (n,), read from `place`.

    In a regression it has `targets` (n, T) and their `names` in place of labels.
    """

    place: str
    samples: Samples
    labels: Sequence[str]
    image_shape: Shape
    targets: Targets | None = None
    names: tuple[str, ...] = ()
    said: bool = False
    """Whether labels are certainly classes, by the task or the kind of file: numbers are names then."""


def existing(workspace: Path, given: str, *, folder: bool) -> Path:
    """Return the path that a study file gives, relative to `workspace`. Raises `DataError` if it is not there."""
    path = workspace / Path(given).expanduser()
    missing = next((each for each in (*reversed(path.parents), path) if not os.path.exists(each)), None)
    what = "folder" if folder else "file"
    if missing is not None:
        there = [entry.name for entry in missing.parent.iterdir()] if missing.parent.is_dir() else []
        match = difflib.get_close_matches(missing.name, there, n=1)
        hint = f"; did you mean {str(missing.parent / match[0])!r}?" if match else ""
        raise DataError(f"{path}: no such {what}{hint}")
    if not (path.is_dir() if folder else path.is_file()):
        found = "a folder" if path.is_dir() else "a file" if path.is_file() else "a device, a pipe or a socket"
        raise DataError(f"{path}: must be a {what}, is {found}")
    return path


def numbers(place: str, array: npt.NDArray[Any]) -> Samples:
    """Return an array as it is if uint8 or float32, else as float64; refuse what is not a finite number."""
    if array.dtype.kind not in "biuf":
        raise DataError(f"{place}: must be numbers, is {array.dtype}")
    if array.dtype != np.uint8 and array.dtype != np.float32:
        array = array.astype(np.float64)
    usable = not array.size or bool(array.min() >= -MOST and array.max() <= MOST)  # NaN is neither
    if not usable:
        raise DataError(f"{place}: must be finite numbers, none beyond {MOST:.1e}, has NaN, infinite or larger ones")
    return array


def part_with_targets(place: str, samples: Samples, shape: Shape, labels_place: str, labels: npt.NDArray[Any]) -> Part:
    """Return the part of a regression whose labels are an array, and have no names."""
    targets = targets_of(labels_place, labels, len(samples))
    return Part(place, samples, (), shape, targets, target_names(targets.shape[1]))


def assemble(
    name: str,
    train: Part,
    test: Part | int,
    *,
    names: Sequence[str] | None = None,
    key: str = "test",
    columns: Columns | None = None,
    said: Sequence[str] = (),
) -> Dataset:
    """Make a dataset of two parts, to train and to test on, or of one with so many samples held out for testing.

    The classes are the distinct labels: numbers in ascending order, else text in alphabetical order; they need not be
    contiguous. `names` renames them in that order; `columns` are those of a table, of which `said` has what is to be
    said. Raises `DataError` if the parts do not fit together.
    """
    if train.targets is not None:
        return _with_targets(name, train, train.targets, test, key, columns, said)
    if not train.said:
        refuse_values(train.place, train.labels)
    found = in_order(set(train.labels))
    if len(found) < 2:
        raise DataError(f"{train.place}: must have samples of at least 2 classes, has {len(found)}")
    if names is not None and len(names) != len(found):
        rule = f"must name the {len(found)} classes that the labels have ({_listed(found)})"
        raise DataError(f"data.dataset.classes {rule}, got {len(names)} names")
    _check_spelling(train, found)
    labels = _encode(train, found)
    classes = tuple(names or found)
    if isinstance(test, Part):
        _check_alike(train, test)
        tested = test.samples, _encode(test, found)
        return make_dataset(name, (train.samples, labels), tested, classes, train.image_shape, (), columns, said)
    _check_held_out(train, test, key)
    kept, held_out = hold_out(labels, test, "test")
    samples = train.samples
    parts = (_taken(samples, kept), labels[kept]), (samples[held_out], labels[held_out])
    return make_dataset(name, *parts, classes, train.image_shape, (), columns, said)


def _with_targets(
    name: str,
    train: Part,
    targets: Targets,
    test: Part | int,
    key: str,
    columns: Columns | None,
    said: Sequence[str],
) -> Dataset:
    """Make the dataset of a regression; the samples held out for testing are drawn at random."""
    more = (), train.image_shape, train.names, columns, said
    if isinstance(test, Part):
        _check_alike(train, test)
        assert test.targets is not None
        if test.targets.shape[1] != targets.shape[1]:
            rule = f"labels must have the {targets.shape[1]:,} targets of those trained on"
            raise DataError(f"{test.place}: {rule}, have {test.targets.shape[1]:,}")
        return make_dataset(name, (train.samples, targets), (test.samples, test.targets), *more)
    _check_held_out(train, test, key)
    kept, held = hold_out(np.zeros(len(targets), np.int64), test, "test")
    samples = train.samples
    return make_dataset(name, (_taken(samples, kept), targets[kept]), (samples[held], targets[held]), *more)


def _taken(samples: Samples, rows: Labels) -> Samples:
    """Some rows, copied in parts: a gigabyte at once would take seconds in which nobody hears Ctrl-C."""
    found = np.empty((len(rows), *samples.shape[1:]), samples.dtype)
    for first in range(0, len(rows), AT_ONCE):
        found[first : first + AT_ONCE] = samples[rows[first : first + AT_ONCE]]
    return found


def _check_held_out(train: Part, test: int, key: str) -> None:
    samples = len(train.samples)
    if not 1 <= test < samples:
        rule = f"must be from 1 to {samples - 1:,}, of the {samples:,} samples of {train.place}"
        raise DataError(f"data.dataset.{key} {rule}, got {test:,}")


def _check_spelling(train: Part, classes: Sequence[str]) -> None:
    """Refuse classes that are one number, written in two ways."""
    numbers = [label for label in classes if is_number(label)]
    for one, other in pairwise(sorted(numbers, key=float)):
        if float(one) == float(other):
            counts = Counter(train.labels)
            rule = f"labels {one!r} ({counts[one]:,} samples) and {other!r} ({counts[other]:,}) are the same number"
            raise DataError(f"{train.place}: {rule}; write it in one way")


def _encode(part: Part, classes: Sequence[str]) -> Labels:
    known = {label: number for number, label in enumerate(classes)}
    try:
        return np.array([known[label] for label in part.labels], np.int64)
    except KeyError as error:
        label = str(error.args[0])
        number = [each for each in classes if is_number(each) and is_number(label) and float(each) == float(label)]
        match = number or difflib.get_close_matches(label, classes, n=1)
        hint = f"; did you mean {match[0]!r}?" if match else ""
        rule = f"labels must be among those trained on ({_listed(classes)})"
        raise DataError(f"{part.place}: {rule}, got {label!r}{hint}") from None


def _check_alike(train: Part, test: Part) -> None:
    if not len(test.samples):
        raise DataError(f"{test.place}: must have at least 1 sample to test on, has none")
    if train.image_shape != test.image_shape:
        rule = f"samples must have the shape {shown(train.image_shape)} of those trained on"
        raise DataError(f"{test.place}: {rule}, have {shown(test.image_shape)}")


def _listed(classes: Sequence[str]) -> str:
    names = [repr(name) for name in classes]
    return ", ".join(names) if len(names) <= 10 else f"{', '.join(names[:3])} … {names[-1]}"


def shown(shape: Shape) -> str:
    """Return (channels, height, width) as text: "32 × 32 × 3 channels"."""
    channels, height, width = shape
    return f"{height:,} × {width:,}" + (f" × {channels:,} channels" if channels > 1 else "")
