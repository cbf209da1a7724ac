"""CSV and Parquet files read and written some rows at a time. May import pandas, and pyarrow where there is Parquet."""

import contextlib
import csv
import difflib
import os
import os.path
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import pandas as pd

from hpsearch.data.tables.csv import open_table
from hpsearch.errors import DataError, InputError, nearest
from hpsearch.files import require_file

FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Rows:
    """Some rows of a file, cells of a CSV file as they are written, and the name of each row's place: "line 7"."""

    frame: pd.DataFrame
    places: Sequence[str]
    decimal: str = "."


class Writer(Protocol):
    """Takes columns of equal length, the same ones at each call."""

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> None: ...


def format_of(path: Path | None, given: str | None = None) -> str:
    """Return the format that is given, else the one that the name ends in, else csv."""
    ending = path.suffix.lower().lstrip(".") if path is not None else ""
    return given or (ending if ending in FORMATS else "pq" if ending == "pq" else "csv").replace("pq", "parquet")


def read_rows(path: Path, rows: int, names: Collection[str], given: Mapping[str, Any]) -> Iterator[Rows]:
    """Yield the rows of a file, at most so many at a time; at least once, so that its columns are known.

    The separator is the one by which the header has these names; `given` are a study's keys of how texts are read.

    Raises DataError for a file that is missing, or is no table.
    """
    if not os.path.isfile(path):  # nor may the name be too long
        if os.path.exists(path):
            raise DataError(f"{path}: must be a file, but is {'a folder' if path.is_dir() else 'a device or a pipe'}")
        there = [each.name for each in path.parent.glob("*")] if os.path.isdir(path.parent) else []
        raise DataError(f"{path}: no such file{nearest(path.name, difflib.get_close_matches(path.name, there))}")
    try:
        yield from _parquet(path, rows) if format_of(path) == "parquet" else _csv(path, rows, names, given)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _csv(path: Path, rows: int, names: Collection[str], given: Mapping[str, Any]) -> Iterator[Rows]:
    with closing(open_table(path, given, names)) as file:
        chunks, header = file.chunks(rows), file.header
        for chunk in chain([next(chunks, [])], chunks):
            frame = pd.DataFrame([cells for _, cells in chunk], columns=header, dtype=object)
            if header and header[-1] == f"column {len(header)}" and not frame[header[-1]].astype(bool).any():
                frame = frame.iloc[:, :-1]  # a separator at the end of each line
            yield Rows(frame, [f"line {line}" for line, _ in chunk], file.decimal)


def _parquet(path: Path, rows: int) -> Iterator[Rows]:
    _require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            yield Rows(file.schema_arrow.empty_table().to_pandas(ignore_metadata=True), ())
            done = 0
            for batch in _whole(file.iter_batches(batch_size=rows), rows):
                yield Rows(batch, [f"row {done + number}" for number in range(1, len(batch) + 1)])
                done += len(batch)
    except (pyarrow.ArrowException, ValueError) as error:  # the latter for what pandas wrote beside its columns
        raise DataError(f"{path}: not a Parquet file that can be read: {error}") from error


def _whole(batches: Iterator[Any], rows: int) -> Iterator[pd.DataFrame]:
    """Frames of exactly so many rows, but the last: a batch of pyarrow may end with a row group."""
    left: list[pd.DataFrame] = []
    for batch in batches:
        left.append(batch.to_pandas(ignore_metadata=True))  # in which an index is a column
        while sum(map(len, left)) >= rows:
            all_of_them = pd.concat(left, ignore_index=True)
            yield all_of_them[:rows]
            left = [all_of_them[rows:]]
    if any(map(len, left)):
        yield pd.concat(left, ignore_index=True)


def _require_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise InputError("Parquet needs pyarrow, which is not installed: pip install 'hpsearch[parquet]'")


@contextmanager
def writer(path: Path | None, format_name: str, stream: TextIO) -> Iterator[Writer]:
    """Yield what writes to a file, which appears when all is written, or to the stream where the path is None."""
    if format_name == "parquet":
        _require_pyarrow()
        if path is None:
            raise InputError("--format parquet needs --out, the name of a file")
    if path is None:
        yield _CsvWriter(stream)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        require_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if format_name == "parquet":
            with contextlib.closing(_ParquetWriter(temporary)) as to_parquet:
                yield to_parquet
        else:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                yield _CsvWriter(file)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


class _CsvWriter:
    """Floats have as many digits as distinguish them."""

    def __init__(self, stream: TextIO) -> None:
        self._writer, self._begun = csv.writer(stream, lineterminator="\n"), False

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        if not self._begun:
            self._writer.writerow(columns)
            self._begun = True
        plain = (each.tolist() if isinstance(each, np.ndarray) else each for each in columns.values())
        self._writer.writerows(zip(*plain, strict=True))


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        self._path, self._writer = path, None  # type: Path, Any

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.Table.from_pandas(pd.DataFrame(dict(columns)), preserve_index=False)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
