"""Parquet files with a column of labels, read as a CSV file of the same columns is. May import pyarrow when called."""

from array import array
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.data.progress import Reading
from hpsearch.data.tables.dialect import check_names
from hpsearch.data.tables.rows import TableReader
from hpsearch.data.tables.table import Table, labels_of, read_dataset
from hpsearch.errors import DataError

_CHUNK = 4096


def read_parquet(path: Path, given: Mapping[str, Any], workspace: Path, task: str | None = None) -> Dataset:
    """Read a file; see `read_csv`, whose keys it has but those of texts. Lines in messages are rows, from 1.

    Raises DataError for a file that is none, or where pyarrow is missing.
    """
    _require(path)
    return read_dataset(path, given, workspace, task, _read)


def names_of(path: Path) -> list[str]:
    """The names of the columns. Raises DataError for a file that is none, or where pyarrow is missing."""
    _require(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, ValueError) as error:
        raise _not_parquet(path, error) from error


def _require(path: Path) -> None:
    if find_spec("pyarrow") is None:
        raise DataError(f"{path}: Parquet files need pyarrow, not installed here: pip install 'hpsearch[parquet]'")


def _not_parquet(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: not a Parquet file that can be read: {' '.join(str(error).split())[:200]}")


def _read(path: Path, given: Mapping[str, Any], task: str | None, train: Table | None = None) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file, Reading(path) as reading:
            header = list(file.schema_arrow.names)
            check_names(path, header, given.get("drop", ()))
            texts = [field.name for field in file.schema_arrow if _is_text(pa, field.type)]
            reader = TableReader(path, header, given, labels_of(given, task), ".", task, train, texts)
            lines = array("q")
            for batch in file.iter_batches(_CHUNK):
                rows = list(zip(*(_texts(column.to_pylist()) for column in batch.columns), strict=True))
                lines.extend(range(len(lines) + 1, len(lines) + 1 + len(rows)))
                reader.extend(rows, lines)
                reading.at(len(lines), file.metadata.num_rows)
    except (pa.ArrowException, ValueError) as error:
        raise _not_parquet(path, error) from error
    return reader.table(lines, [])


def _is_text(pa: Any, kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(cells: list[Any]) -> Iterator[str]:
    """Cells as a CSV file has them; the text of a float is exact."""
    for cell in cells:
        if cell is None:
            yield ""
        elif isinstance(cell, bool):
            yield str(cell).lower()
        elif hasattr(cell, "isoformat"):
            yield cell.isoformat()
        else:
            yield str(cell)
