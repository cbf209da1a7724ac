"""A table that was read: its columns, values and labels, and the dataset that they make. May import NumPy."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import AT_ONCE, Part, Shape, assemble, existing, shown
from hpsearch.data.tables.columns import Column, Columns, Floats
from hpsearch.data.tables.leaks import Leak, class_numbers, leaks_of
from hpsearch.errors import DataError, nearest


@dataclass(frozen=True, eq=False)
class Table:
    """Columns with their values (rows,), and a label for each row: a text, or in a regression numbers (rows, T).

    names: the columns of the labels. said: what is to be said of how the file was read.
    """

    path: Path
    columns: tuple[Column, ...]
    values: list[Floats]
    labels: list[str]
    targets: Floats | None
    names: tuple[str, ...]
    said: list[str]

    @property
    def names_of_columns(self) -> tuple[str, ...]:
        """The names of the columns that are features."""
        return tuple(column.name for column in self.columns)


def labels_of(given: Mapping[str, Any], task: str | None) -> list[str]:
    """The columns of the labels. Raises DataError for several in a classification."""
    label = given["label"]
    if not isinstance(label, str) and task != "regression":
        rule = 'must be one column, and may be a list only where data.task = "regression"'
        raise DataError(f"data.dataset.label {rule}, got {list(label)!r:.60}")
    return [label] if isinstance(label, str) else list(label)


def missing_label(text: str, task: str | None) -> bool:
    """Is there no label? "NA" is one, it may be Namibia; so is "nan" where labels are said to be names."""
    return not text or (text.lower() == "nan" and task != "classification")


def check_header(
    path: Path, header: Sequence[str], labels: Sequence[str], given: Mapping[str, Any], train: Table | None
) -> None:
    """Refuse columns that are not there, and a test file with other columns than the training file."""
    few = len(header) <= 20
    for label in labels:
        if header.count(label) != 1:
            rule = f"must have one column {label!r}, which data.dataset.label names, has {header.count(label)}"
            near = nearest(label, header) if few else ""
            has = f"; its columns: {', '.join(header)}" if few and not near and header else ""
            raise DataError(f"{path}: line 1: {rule}{near}{has}")
    for key in ("drop", "columns", "categorical", "keep"):
        for name in given.get(key, ()):
            if name not in header:
                rule = f"must name columns of {path}, got {name!r}"
                raise DataError(f"data.dataset.{key} {rule}{nearest(name, header)}")
            if name in labels:
                raise DataError(f"data.dataset.{key} must not name the label, got {name!r}")
    names = chosen_names(header, labels, given)
    if not names:
        raise DataError(f"{path}: line 1: must have columns of values beside the label, has none")
    if train is not None:
        wanted = train.names_of_columns
        extra = [name for name in names if name not in wanted and name != f"column {len(header)}"]
        lost = [name for name in wanted if name not in names]
        if lost or extra:
            what = f"has no {lost[0]!r}{nearest(lost[0], extra)}" if lost else f"has {extra[0]!r} as well"
            raise DataError(f"{path}: line 1: must have the columns of {train.path}, {what}")


def chosen_names(header: Sequence[str], labels: Sequence[str], given: Mapping[str, Any]) -> list[str]:
    """The columns that are features, in the order of the file."""
    wanted, dropped = given.get("columns"), set(given.get("drop", ()))
    return [
        name for name in header if name not in labels and name not in dropped and (wanted is None or name in wanted)
    ]


def read_dataset(
    path: Path,
    given: Mapping[str, Any],
    workspace: Path,
    task: str | None,
    read: Callable[[Path, Mapping[str, Any], str | None, Table | None], Table],
) -> Dataset:
    """The dataset of a file, and of the other one, `test_path`, to test on, each of which `read` reads.

    `read` is given the table to train on where it reads the one to test on, which must have its columns.
    """
    train = read(path, given, task, None)
    if "test_path" not in given:
        return _assembled(path, train, given, task)
    test_path = existing(workspace, given["test_path"], folder=False)
    return _assembled(path, train, given, task, read(test_path, given, task, train))


def _assembled(
    path: Path, train: Table, given: Mapping[str, Any], task: str | None, test: Table | None = None
) -> Dataset:
    """The dataset of a table, and of another one to test on."""
    keep, codes = given.get("missing") == "keep", given.get("categories") == "codes"
    columns = Columns(train.columns, as_codes=codes, keep_missing=keep)
    if len(columns.features) > 100_000:
        raise DataError(f"{path}: makes {len(columns.features):,} features; set categories = 'codes', or drop columns")
    shape = _image_shape(path, columns, given.get("image_shape"))
    table = columns if given.get("image_shape") is None else None
    leaks: tuple[Leak, ...] = ()
    if table is not None:
        labels = class_numbers(train.labels) if train.targets is None else train.targets
        found = leaks_of(train.columns, train.values, labels, given.get("keep", ()))
        meant = given.get("categorical", ())  # as categories, also where they are dates
        leaks = tuple(each for each in found if each.kind != "date" or each.column not in meant)
    first = _part(train, shape, task)
    notes = [*train.said, *_notes(path.name, columns)]
    if test is None:
        dataset = assemble(path.name, first, given["test"], columns=table, said=notes)
    else:
        said = [*notes, *test.said]
        dataset = assemble(path.name, first, _part(test, shape, task), columns=table, said=said)
    return replace(dataset, leaks=leaks)


def _notes(name: str, columns: Columns) -> list[str]:
    """What is to be said of categories and missing values, each in one line."""
    categories = [f"{each.name} ({len(each.categories):,})" for each in columns.columns if each.kind == "category"]
    gaps = [each.name for each in columns.columns if each.missing]
    found = [f"{name}: categories in {_some(categories)}"] if categories else []
    kept = "kept" if columns.keep_missing else "filled by what the training samples have"
    return found + ([f"{name}: missing values in {_some(gaps)} are {kept}"] if gaps else [])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6:,} more columns"


def _part(table: Table, shape: Shape, task: str | None) -> Part:
    """The samples of a table, whose columns it takes: the two together are twice the table."""
    place, samples = str(table.path), np.empty((len(table.values[0]), len(table.values)))
    for first in range(0, len(samples), AT_ONCE):
        samples[first : first + AT_ONCE] = np.column_stack([each[first : first + AT_ONCE] for each in table.values])
    table.values.clear()
    if table.targets is None:
        return Part(place, samples, table.labels, shape, said=task is not None)
    return Part(place, samples, (), shape, table.targets, table.names)


def _image_shape(path: Path, columns: Columns, given: Sequence[int] | None) -> Shape:
    if given is None:
        return 1, 1, len(columns.features)
    if not columns.is_plain:
        raise DataError(f"data.dataset.image_shape: {path} must have numbers alone, without gaps, to be images")
    shape = (given[0], given[1], given[2])
    if math.prod(shape) != len(columns.columns):
        rule = f"[channels, height, width] must have as many pixels as {path} has columns of numbers"
        has = f"{len(columns.columns):,}, has {math.prod(shape):,} ({shown(shape)})"
        raise DataError(f"data.dataset.image_shape: {rule}, {has}")
    return shape
