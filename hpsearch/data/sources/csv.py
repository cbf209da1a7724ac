"""CSV files of numbers with a column of labels. May import NumPy.

Python's own reader and `float` are exact, fast enough (1 s for 10 million numbers), and know the line of an error.
"""

import csv
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import Part, Shape, assemble, existing, numbers, shown
from hpsearch.data.sources.targets import is_number, target_of
from hpsearch.errors import DataError, nearest

Row = tuple[int, list[str]]
"""A line's number, counted from 1, and its cells."""


def read_csv(path: Path, table: Mapping[str, Any], workspace: Path, task: str | None = None) -> Dataset:
    """Read a file with a header line; the column `label` may be any text, all others must be numbers.

    With the `task` "regression" the labels must be numbers too, and `label` may list several columns, the targets.
    `test_path` names another such file to test on, else `test` rows are held out; `image_shape` is (channels, height,
    width) if the numbers are pixels in that order. Raises `DataError` with file, line, column and value.
    """
    label, image_shape = table["label"], table.get("image_shape")
    if not isinstance(label, str) and task != "regression":
        rule = 'must be one column, and may be a list only where data.task = "regression"'
        raise DataError(f"data.dataset.label {rule}, got {list(label)!r:.60}")
    columns = [label] if isinstance(label, str) else list(label)
    header, train = _read_part(path, columns, image_shape, task)
    names = tuple(name for name in header if name not in columns)
    if "test_path" not in table:
        return replace(assemble(path.name, train, table["test"]), feature_names=names)
    test_path = existing(workspace, table["test_path"], folder=False)
    of_test, test = _read_part(test_path, columns, image_shape, task)
    if of_test != header:
        raise DataError(
            f"{test_path}: line 1: must have the columns of {path}, in their order{_first(header, of_test)}"
        )
    return replace(assemble(path.name, train, test), feature_names=names)


def _first(header: list[str], other: list[str]) -> str:
    """Describe the first difference between two headers."""
    if len(header) != len(other):
        return f": {len(header):,}, has {len(other):,}"
    n, (wanted, got) = next(
        (n, pair) for n, pair in enumerate(zip(header, other, strict=True), 1) if pair[0] != pair[1]
    )
    return f": column {n} {wanted!r}, is {got!r}"


def _read_part(
    path: Path, labels_of: list[str], image_shape: Sequence[int] | None, task: str | None
) -> tuple[list[str], Part]:
    """Return the header, and all rows as samples; `labels_of` are the columns of the labels."""
    rows = _rows(path)
    _, header = next(rows, (1, []))
    header = [" ".join(name.split()) for name in header]
    for label in labels_of:
        if header.count(label) != 1:
            rule = f"must have one column {label!r}, which data.dataset.label names, has {header.count(label)}"
            raise DataError(f"{path}: line 1: {rule}{nearest(label, header) if len(header) <= 20 else ''}")
    shape = _image_shape(path, len(header) - len(labels_of), image_shape)
    columns = [header.index(label) for label in labels_of]
    names = [name for name in header if name not in labels_of]
    values, targets, labels, lines = array("d"), array("d"), [], array("q")
    for line, cells in rows:
        if len(cells) != len(header):
            raise DataError(
                f"{path}: line {line}: must have {len(header):,} columns, as line 1 has, has {len(cells):,}"
            )
        for label, column in zip(labels_of, columns, strict=True):
            text = " ".join(cells[column].split())
            if not text:
                raise DataError(f"{path}: line {line}: column {label!r} must have a label, is empty")
            if task == "regression":
                targets.append(target_of(f"{path}: line {line}: column {label!r}", text))
            else:
                labels.append(text)
        for column in sorted(columns, reverse=True):
            del cells[column]
        lines.append(line)
        try:
            values.extend(map(float, cells))
        except ValueError:
            raise _not_a_number(path, line, names, cells) from None
    if not lines:
        raise DataError(f"{path}: must have lines of numbers below its header, has none")
    samples = np.frombuffer(values).reshape(len(lines), -1)
    for row in np.flatnonzero(~np.isfinite(samples).all(axis=1))[:1]:
        raise _not_a_number(path, lines[row], names, [str(value) for value in samples[row]])
    found = numbers(str(path), samples)
    if task != "regression":
        return header, Part(str(path), found, labels, shape, said=task is not None)
    return header, Part(str(path), found, (), shape, np.array(targets).reshape(len(lines), -1), tuple(labels_of))


def _not_a_number(path: Path, line: int, names: list[str], cells: list[str]) -> DataError:
    name, value = next((name, cell) for name, cell in zip(names, cells, strict=True) if not is_number(cell))
    return DataError(f"{path}: line {line}: column {name!r} must have a finite number, has {value[:40]!r}")


def _image_shape(path: Path, columns: int, given: Sequence[int] | None) -> Shape:
    if not columns:
        raise DataError(f"{path}: line 1: must have columns of numbers beside the label, has none")
    if given is None:
        return 1, 1, columns
    shape = (given[0], given[1], given[2])
    if math.prod(shape) != columns:
        rule = f"[channels, height, width] must have as many pixels as {path} has columns of numbers, {columns:,}"
        raise DataError(f"data.dataset.image_shape: {rule}, has {math.prod(shape):,} ({shown(shape)})")
    return shape


def _rows(path: Path) -> Iterator[Row]:
    """Yield each line's number and cells; empty lines are left out."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except UnicodeDecodeError:
            raise DataError(f"{path}: near line {reader.line_num + 1}: must be text in UTF-8, is not") from None
        except csv.Error as error:
            raise DataError(f"{path}: line {reader.line_num}: not a line of a CSV file: {error}") from error
