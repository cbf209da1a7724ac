"""CSV and Parquet files read and written some rows at a time. May import pandas, and pyarrow where there is Parquet."""

import contextlib
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import pandas as pd

from hpsearch.errors import DataError, InputError, nearest
from hpsearch.exporting.predictions.samples import one_name

FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Rows:
    """Some rows of a file, cells of a CSV file as text, and the name of each row's place: "line 7"."""

    frame: pd.DataFrame
    places: Sequence[str]


class Writer(Protocol):
    """Takes columns of equal length, the same ones at each call."""

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> None: ...


def format_of(path: Path | None, given: str | None = None) -> str:
    """Return the format that is given, else the one that the name ends in, else csv."""
    ending = path.suffix.lower().lstrip(".") if path is not None else ""
    return given or (ending if ending in FORMATS else "pq" if ending == "pq" else "csv").replace("pq", "parquet")


def read_rows(path: Path, rows: int) -> Iterator[Rows]:
    """Yield the rows of a file, at most so many at a time; at least once, so that its columns are known.

    Raises DataError for a file that is missing, or is no table.
    """
    if not path.is_file():
        there = [each.name for each in path.parent.glob("*")] if path.parent.is_dir() else []
        raise DataError(f"{path}: {'must be a file' if path.exists() else 'no such file'}{nearest(path.name, there)}")
    try:
        yield from (_parquet if format_of(path) == "parquet" else _csv)(path, rows)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _csv(path: Path, rows: int) -> Iterator[Rows]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [one_name(name) for name in next(reader, [])]
            if twice := next((name for name in header if header.count(name) > 1), None):
                raise DataError(f"{path}: line 1: must not have a column twice, has {twice!r}")
            cells: list[list[str]] = []
            places: list[str] = []
            any_yet = False
            for line in reader:
                if not line:
                    continue
                if len(line) != len(header):
                    rule = f"must have {len(header):,} columns, as line 1 has, has {len(line):,}"
                    raise DataError(f"{path}: line {reader.line_num}: {rule}")
                cells.append(line)
                places.append(f"line {reader.line_num}")
                if len(cells) == rows:
                    yield Rows(pd.DataFrame(cells, columns=header, dtype=object), places)
                    cells, places, any_yet = [], [], True
            if cells or not any_yet:
                yield Rows(pd.DataFrame(cells, columns=header, dtype=object), places)
        except UnicodeDecodeError:
            raise DataError(f"{path}: near line {reader.line_num + 1}: must be text in UTF-8, is not") from None
        except csv.Error as error:
            raise DataError(f"{path}: line {reader.line_num}: not a line of a CSV file: {error}") from error


def _parquet(path: Path, rows: int) -> Iterator[Rows]:
    _require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            yield Rows(file.schema_arrow.empty_table().to_pandas(), ())
            done = 0
            for batch in _whole(file.iter_batches(batch_size=rows), rows):
                yield Rows(batch, [f"row {done + number}" for number in range(1, len(batch) + 1)])
                done += len(batch)
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a Parquet file: {' '.join(str(error).split())}") from error


def _whole(batches: Iterator[Any], rows: int) -> Iterator[pd.DataFrame]:
    """Frames of exactly so many rows, but the last: a batch of pyarrow may end with a row group."""
    left: list[pd.DataFrame] = []
    for batch in batches:
        left.append(batch.to_pandas())
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
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise InputError(f"{path}: must be a file, or a name for a new one, but is a folder")
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
