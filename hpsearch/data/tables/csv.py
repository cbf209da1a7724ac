"""CSV files with a header line and a column of labels. May import NumPy.

Python's own reader and `float` are exact, fast enough (1 s for 10 million numbers), and know the line of an error.
"""

import os
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.data.progress import Reading
from hpsearch.data.tables.dialect import (
    SEPARATORS,
    Row,
    check_names,
    decimal_of,
    encoding_of,
    names_of_header,
    open_text,
    rows_in,
    separator_of,
)
from hpsearch.data.tables.rows import TableReader
from hpsearch.data.tables.table import Table, labels_of, read_dataset
from hpsearch.errors import DataError

_CHUNK = 4096
"""So many lines are held as texts at a time."""


@dataclass(frozen=True)
class TextTable:
    """A CSV file whose header is read: how it is written, and its other lines."""

    path: Path
    encoding: str
    separator: str
    decimal: str
    header: list[str]
    _rows: Iterator[Row]
    _file: TextIOWrapper

    @property
    def position(self) -> int:
        """How many of its bytes have been read."""
        return self.path.stat().st_size if self._file.closed else os.lseek(self._file.fileno(), 0, os.SEEK_CUR)

    def close(self) -> None:
        """Close the file, which its last line does, too."""
        self._file.close()

    def chunks(self, lines: int) -> Iterator[list[Row]]:
        """Yield its lines, so many at a time. Raises DataError for a line with more or fewer cells than the header."""
        while chunk := list(islice(self._rows, lines)):
            for line, cells in chunk:
                if len(cells) != len(self.header):
                    rule = f"must have {len(self.header):,} columns, as line 1 has, has {len(cells):,}"
                    raise DataError(f"{self.path}: line {line}: {rule}")
            yield chunk


def open_table(path: Path, given: Mapping[str, Any], names: Collection[str]) -> TextTable:
    """Open a file of a study, or another one with the same columns; its `encoding` is a hint for what is not UTF-8.

    `given` are the keys of data.dataset, `names` columns by which the separator is found. Raises DataError for an
    encoding that is none, and a header with a column twice.
    """
    encoding = encoding_of(path, given.get("encoding"))
    separator = given.get("separator") or separator_of(path, encoding, names)
    decimal = given.get("decimal") or decimal_of(path, encoding, separator)
    file = open_text(path, encoding)
    rows = rows_in(file, path, encoding, separator)
    try:
        header = names_of_header(next(rows, (1, []))[1])
        check_names(path, header, given.get("drop", ()))
    except BaseException:
        file.close()
        raise
    return TextTable(path, encoding, separator, decimal, header, rows, file)


def read_csv(path: Path, given: Mapping[str, Any], workspace: Path, task: str | None = None) -> Dataset:
    """Read a file with a header line; the column `label` has the labels, the others numbers, dates or categories.

    With the `task` "regression" the labels must be numbers, and `label` may list several columns, the targets.
    `test_path` names another such file to test on, else `test` rows are held out; `image_shape` is (channels, height,
    width) if the numbers are pixels in that order. Raises `DataError` with file, line, column and value.
    """
    labels_of(given, task)  # refused before a file of gigabytes is read
    return read_dataset(path, given, workspace, task, _read)


def _read(path: Path, given: Mapping[str, Any], task: str | None, train: Table | None = None) -> Table:
    """Read a file; a test file must have the columns of `train`, in any order."""
    labels = labels_of(given, task)
    lines, size = array("q"), path.stat().st_size
    with closing(open_table(path, given, labels)) as file, Reading(path) as reading:
        reader = TableReader(path, file.header, given, labels, file.decimal, task, train)
        for chunk in file.chunks(_CHUNK):
            lines.extend(line for line, _ in chunk)
            reader.extend([cells for _, cells in chunk], lines)
            reading.at(file.position, size)
    said = []
    if "separator" not in given and file.separator != ",":
        said.append(f"separated by {SEPARATORS[file.separator]}")
    if "decimal" not in given and file.decimal == ",":
        said.append("with decimal commas")
    if file.encoding == "utf-16" and "encoding" not in given:
        said.append("in UTF-16")
    return reader.table(lines, [f"{path.name} is read as {' and '.join(said)}"] if said else [])
