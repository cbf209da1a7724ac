"""The question about the dataset: a name or a path, what it needs beside it, and its task. May import data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch import data
from hpsearch.cli.new_study.prompter import Prompter, count, is_there
from hpsearch.cli.new_study.table import KINDS, without_index
from hpsearch.data import LooksLikeValuesError
from hpsearch.errors import DataError, InputError, nearest

TABLES = ("csv", "parquet")
CIFAR10_SAMPLES = 50_000


@dataclass(frozen=True)
class Source:
    """A dataset as a study file writes it, how many samples it has for training and validation, and its task.

    `task` is None where the file need not say it.
    """

    dataset: str | dict[str, Any]
    samples: int
    task: str | None = None


def source(text: str, label: str | None, test: str | None, task: str | None, ask: Prompter) -> Source:
    """Ask what a dataset needs beside its name or path; without a `task` it follows from the labels."""
    if text in data.DATASETS:
        try:
            return Source(text, len(data.load(text, data.data_directory(), task=task).labels), task)
        except DataError:
            if text != "cifar10" or task == "regression":
                raise
            return Source(text, CIFAR10_SAMPLES, task)
    path = expanded(text)
    if not is_there(path):
        raise DataError(f"{text!r} is neither a dataset nor a path{nearest(text, data.DATASETS)}")
    table: dict[str, Any] = {"kind": _kind(path), "path": text}
    if table["kind"] in TABLES:
        table["label"] = ask("Column of the labels", "label", str, label)
    if table["kind"] in (*TABLES, "folder") or test is not None:
        table |= ask("Test set: a path, or how many samples to hold out", 100, _test, test)
    try:
        return _read(table, task)
    except DataError as error:
        if "test" in table or "test = n" not in str(error):
            raise
        table |= ask("It has no test set; how many samples to hold out", 100, _test)
        return _read(table, task)


def _read(table: dict[str, Any], task: str | None) -> Source:
    """Read the dataset; where no task is given and its labels look like values, as a regression."""
    try:
        dataset = data.load(table, None, Path.cwd(), task)
    except LooksLikeValuesError:
        task = "regression"
        dataset = data.load(table, None, Path.cwd(), task)
    without_index(table, dataset)
    return Source(table, len(dataset.labels), task)


def expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody-of-that-name
        raise InputError(f"{text}: {error}") from error


def _kind(path: Path) -> str:
    if path.is_dir():
        return "idx" if any(path.glob("*ubyte*")) else "folder"
    kinds = {".npz": "npz", **KINDS, ".py": "python"}
    if path.suffix not in kinds:
        raise DataError(f"{path}: must be a folder or end in {', '.join(kinds)}, got {path.suffix!r}")
    return kinds[path.suffix]


def _test(text: str) -> dict[str, str | int]:
    return {"test": count("test", text)} if text.isascii() and text.isdecimal() else {"test_path": text}
