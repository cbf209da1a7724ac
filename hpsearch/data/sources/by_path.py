"""Datasets by path: calls the reader for the kind in a study file's data.dataset. May import this package."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import existing
from hpsearch.data.sources.folder import read_folder
from hpsearch.data.sources.idx import read_idx
from hpsearch.data.sources.npz import read_npz
from hpsearch.data.sources.python import read_python
from hpsearch.data.tables.csv import read_csv
from hpsearch.data.tables.parquet import read_parquet
from hpsearch.errors import DataError, nearest
from hpsearch.text import require_utf8

Reader = Callable[[Path, Mapping[str, Any], Path, str | None], Dataset]

KINDS: dict[str, Reader] = {
    "csv": read_csv,
    "folder": lambda path, given, workspace, task: read_folder(path, given, workspace),
    "idx": lambda path, given, workspace, task: read_idx(path, given.get("classes")),
    "npz": lambda path, given, workspace, task: read_npz(path, given, task),
    "parquet": read_parquet,
    "python": lambda path, given, workspace, task: read_python(path, given, task),
}
"""The reader of each kind, of the path, the keys that were given, the workspace, and the task where it was given."""

OF_REGRESSION = ("csv", "npz", "parquet", "python")
"""The kinds whose labels may be the values of a regression."""


def read_by_path(table: Mapping[str, Any], workspace: Path, task: str | None = None) -> Dataset:
    """Read the dataset that `table` describes: its kind, its path relative to `workspace`, and the kind's own keys.

    Keys and types have been checked with the study file; a key that was not given is absent or None. Without a `task`
    labels are classes, and refused where they look like the values of a regression. Raises `DataError` if a file is
    missing or not valid.
    """
    given = {key: value for key, value in table.items() if value is not None}
    kind = given.get("kind")
    if kind not in KINDS:
        hint = nearest(str(kind), KINDS)
        raise DataError(f"data.dataset.kind must be one of {', '.join(KINDS)}, got {kind!r}{hint}")
    if task == "regression" and kind not in OF_REGRESSION:
        kinds = ", ".join(OF_REGRESSION)
        rule = f'data.task = "regression" needs numbers as labels, which datasets of kind {kinds} may have'
        raise DataError(f"{rule}; those of kind {kind} have classes")
    if kind in ("csv", "folder", "parquet") and ("test" in given) == ("test_path" in given):
        which = "both" if "test" in given else "neither"
        raise DataError(f"data.dataset must have test_path or test = n, to test on, has {which}")
    path = existing(workspace, given["path"], folder=kind in ("folder", "idx"))
    try:
        dataset = KINDS[kind](path, given, workspace, task)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
    for name in (*dataset.classes, *dataset.targets):
        require_utf8(f"{path}: the name of a class", name)
    return dataset
