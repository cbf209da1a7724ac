"""All datasets, by name or path. May import this package and NumPy; readers import what else they need when called."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset, make_dataset
from hpsearch.data.directories import VARIABLE, data_directory, default_data_directory
from hpsearch.data.sources import cifar10, digits, download
from hpsearch.data.sources.by_path import read_by_path
from hpsearch.errors import DataError, nearest

DATASETS = ("cifar10", "digits")

NONE = "none"
"""The dataset of functions, which have none."""


def load(
    dataset: str | Mapping[str, Any],
    directory: Path | None = None,
    workspace: Path | None = None,
    task: str | None = None,
) -> Dataset:
    """Read a dataset, by name or as a study file's table describes it: `{kind = "npz", path = "x.npz"}`.

    `directory` is where those with a name are (None: see `data_directory`); paths in a table are relative to
    `workspace` (None: the current folder); `task` is "classification" or "regression" where the study file has
    data.task; without it labels are classes, and refused where they look like the values of a regression. Raises
    `DataError` for an unknown name, a missing directory, and files that are missing, truncated or not safe to read.
    """
    if not isinstance(dataset, str):
        return read_by_path(dataset, workspace or Path.cwd(), task)
    if dataset == NONE:
        return nothing()
    _check_name(dataset)
    if task == "regression":
        raise DataError(f'data.task = "regression" needs numbers as labels, {dataset} has classes')
    if dataset == "digits":
        return digits.read_digits()
    directory = data_directory(directory)
    if not directory.is_dir() and directory != default_data_directory():
        raise DataError(f"{directory}: no such directory; --data-dir and {VARIABLE} must name one that holds {dataset}")
    try:
        return cifar10.read_cifar10(directory)
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {error.strerror or error}") from error


def nothing() -> Dataset:
    """A row to train on, one to validate on and one to test on, which no function reads."""
    rows = np.zeros((2, 1), np.float32), np.zeros((2, 1))
    return make_dataset(NONE, rows, (rows[0][:1], rows[1][:1]), (), (1, 1, 1), (NONE,))


def fetched(name: str, directory: Path, layout: str = "python") -> Path | None:
    """Return the folder of this layout if it was fetched and is complete, else None."""
    chosen = _layout(name, layout)
    try:
        cifar10.read_layout(chosen, directory / chosen.folder)
    except DataError:
        return None
    return directory / chosen.folder


def fetch(name: str, directory: Path, layout: str = "python", url: str | None = None, progress: bool = False) -> Path:
    """Download a dataset as published into `directory`, check it, unpack it and return its folder.

    A complete copy is left as it is; a damaged file is replaced. `url` is that of a mirror of the archives; `progress`
    shows the percentage on standard error. Raises `DataError` if it fails, and leaves nothing behind.
    """
    chosen = _layout(name, layout)
    return fetched(name, directory, layout) or download.fetch_layout(
        chosen, directory, url or cifar10.PUBLISHED_AT, progress=progress
    )


def _layout(name: str, layout: str) -> cifar10.Layout:
    _check_name(name)
    if name == "digits":
        raise DataError("digits: there is nothing to fetch, scikit-learn brings them")
    if layout not in cifar10.LAYOUTS:
        hint = nearest(layout, cifar10.LAYOUTS)
        raise DataError(f"layout must be one of {', '.join(sorted(cifar10.LAYOUTS))}, got {layout!r}{hint}")
    return cifar10.LAYOUTS[layout]


def _check_name(name: str) -> None:
    if name not in DATASETS:
        raise DataError(f"dataset must be one of {', '.join(DATASETS)}, got {name!r}{nearest(name, DATASETS)}")
