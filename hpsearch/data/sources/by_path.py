"""Datasets by path: calls the reader for the kind in a study file's data.dataset. May import this package."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import existing
from hpsearch.data.sources.csv import read_csv
from hpsearch.data.sources.folder import read_folder
from hpsearch.data.sources.idx import read_idx
from hpsearch.data.sources.npz import read_npz
from hpsearch.data.sources.python import read_python
from hpsearch.errors import DataError, nearest

KINDS: dict[str, Callable[[Path, Mapping[str, Any], Path], Dataset]] = {
    "csv": read_csv,
    "folder": read_folder,
    "idx": lambda path, given, workspace: read_idx(path, given.get("classes")),
    "npz": lambda path, given, workspace: read_npz(path, given),
    "python": lambda path, given, workspace: read_python(path, given),
}
"""The reader of each kind, of the path, the keys that were given and the workspace."""

OF_REGRESSION: dict[str, Callable[[Path, Mapping[str, Any], Path], Dataset]] = {
    "csv": partial(read_csv, regression=True),
    "npz": lambda path, given, workspace: read_npz(path, given, regression=True),
    "python": lambda path, given, workspace: read_python(path, given, regression=True),
}
"""The same, of the kinds whose labels may be the values of a regression."""


def read_by_path(table: Mapping[str, Any], workspace: Path, task: str = "classification") -> Dataset:
    """Read the dataset that `table` describes: its kind, its path relative to `workspace`, and the kind's own keys.

    Keys and types have been checked with the study file; a key that was not given is absent or None. Raises `DataError`
    if a file is missing or not valid.
    """
    given = {key: value for key, value in table.items() if value is not None}
    kind = given.get("kind")
    if kind not in KINDS:
        hint = nearest(str(kind), KINDS)
        raise DataError(f"data.dataset.kind must be one of {', '.join(KINDS)}, got {kind!r}{hint}")
    readers = KINDS if task == "classification" else OF_REGRESSION
    if kind not in readers:
        rule = f'data.task = "{task}" needs numbers as labels, which datasets of kind {", ".join(readers)} may have'
        raise DataError(f"{rule}; those of kind {kind} have classes")
    if kind in ("csv", "folder") and ("test" in given) == ("test_path" in given):
        which = "both" if "test" in given else "neither"
        raise DataError(f"data.dataset must have test_path or test = n, to test on, has {which}")
    path = existing(workspace, given["path"], folder=kind in ("folder", "idx"))
    try:
        return readers[kind](path, given, workspace)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
