"""CSV files with a header line and a column of labels. May import NumPy.

Python's own reader and `float` are exact, fast enough (1 s for 10 million numbers), and know the line of an error.
"""

from array import array
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import existing
from hpsearch.data.tables.dialect import (
    SEPARATORS,
    check_names,
    decimal_of,
    encoding_of,
    names_of_header,
    rows_of,
    separator_of,
)
from hpsearch.data.tables.rows import TableReader
from hpsearch.data.tables.table import Table, assembled, labels_of
from hpsearch.errors import DataError

_CHUNK = 4096
"""So many lines are held as texts at a time."""


def read_csv(path: Path, given: Mapping[str, Any], workspace: Path, task: str | None = None) -> Dataset:
    """Read a file with a header line; the column `label` has the labels, the others numbers, dates or categories.

    With the `task` "regression" the labels must be numbers, and `label` may list several columns, the targets.
    `test_path` names another such file to test on, else `test` rows are held out; `image_shape` is (channels, height,
    width) if the numbers are pixels in that order. Raises `DataError` with file, line, column and value.
    """
    labels_of(given, task)  # refused before a file of gigabytes is read
    train = _read(path, given, task)
    if "test_path" not in given:
        return assembled(path, train, given, task)
    test_path = existing(workspace, given["test_path"], folder=False)
    return assembled(path, train, given, task, (test_path, _read(test_path, given, task, train)))


def _read(path: Path, given: Mapping[str, Any], task: str | None, train: Table | None = None) -> Table:
    """Read a file; a test file must have the columns of `train`, and is written as that is."""
    labels = labels_of(given, task)
    encoding = encoding_of(path, given.get("encoding"))
    separator = given.get("separator") or separator_of(path, encoding, labels)
    decimal = given.get("decimal") or decimal_of(path, encoding, separator)
    rows = rows_of(path, encoding, separator)
    _, names = next(rows, (1, []))
    header = names_of_header(names)
    check_names(path, header, given.get("drop", ()))
    reader = TableReader(path, header, given, labels, decimal, task, train)
    lines = array("q")
    while chunk := list(islice(rows, _CHUNK)):
        for line, cells in chunk:
            if len(cells) != len(header):
                rule = f"must have {len(header):,} columns, as line 1 has, has {len(cells):,}"
                raise DataError(f"{path}: line {line}: {rule}")
            lines.append(line)
        reader.extend([cells for _, cells in chunk], lines)
    said = [f"separated by {SEPARATORS[separator]}"] * (
        separator in SEPARATORS and separator != "," and "separator" not in given
    )
    said += ["with decimal commas"] * (decimal == "," and "decimal" not in given)
    said += [f"in {encoding.upper()}"] * (encoding == "utf-16" and "encoding" not in given)
    return reader.table(lines, [f"{path.name} is read as {' and '.join(said)}"] if said else [])
