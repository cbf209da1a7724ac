"""`new study FILE` of a table: reads the file for its task, label, sizes, imbalance and columns to leave out.

May import data and spec.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch import data
from hpsearch.cli.new_study.prompter import Prompter, count, is_there
from hpsearch.data import Dataset, LooksLikeValuesError
from hpsearch.data.sources.common import existing
from hpsearch.data.tables.cells import UnusableColumnsError
from hpsearch.data.tables.dialect import columns_of, encoding_of
from hpsearch.data.tables.leaks import Leak
from hpsearch.data.tables.parquet import names_of as names_of_parquet
from hpsearch.errors import DataError, InputError, nearest

KINDS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet"}
"""The kinds of tables, by the ending of their files."""

LABELS = ("label", "labels", "target", "class", "y", "outcome", "species", "kind", "price")
"""Columns of these names probably have the labels; else it is the last column."""

FOLDS, FEW = 5, 2_000
"""With fewer samples to train and validate on, configurations are compared by cross-validation with so many folds."""

IMBALANCED = 0.8
"""From this share of the commonest class on, accuracy says little of the others."""

MANY_CATEGORIES = 32
"""From so many categories in a column on, each gets a code, and not a feature of its own."""

_READINGS = 25
"""The file is read again at most so often, each time without columns that cannot be used."""


@dataclass(frozen=True)
class Inspection:
    """What a file is like: the table data.dataset without its test set, what it gives, and what is to be said of it."""

    table: dict[str, Any]
    dataset: Dataset
    task: str
    says_task: bool
    said: Sequence[str]

    @property
    def samples(self) -> int:
        """How many samples it has, without those of a test file."""
        return len(self.dataset.labels) + (0 if "test_path" in self.table else len(self.dataset.test_labels))

    @property
    def class_sizes(self) -> list[int]:
        """How many samples each class has."""
        labels = self.dataset.labels
        if "test_path" not in self.table:
            labels = np.concatenate([labels, self.dataset.test_labels])
        return np.bincount(labels, minlength=len(self.dataset.classes)).tolist() if self.dataset.classes else []


def is_table(path: Path) -> bool:
    """Tell whether it is named as a table is."""
    return path.suffix.lower() in KINDS


def is_data(path: Path) -> bool:
    """Tell whether it is data, by its name, and not the study file to be written."""
    return path.suffix.lower() in (*KINDS, ".npz", ".py") or (is_there(path) and path.is_dir())


def inspected(path: Path, label: str | None, test: str | None, task: str | None, ask: Prompter) -> Inspection:
    """Inspection at a file; ask for the column of the labels where it is not given. Raises InputError for no table."""
    table: dict[str, Any] = {"kind": KINDS[path.suffix.lower()], "path": str(path), "missing": "keep"}
    said: list[str] = []
    existing(Path.cwd(), str(path), folder=False)
    try:
        names = _names(path, table, said)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    table["label"] = ask("Column of the labels", _probable(names), lambda text: _label(path, names, text), label)
    by_path = test is not None and not (test.isascii() and test.isdecimal())
    table |= {"test_path": test} if by_path else {"test": 1}
    dataset, says_task = _read(table, task, said)
    if not by_path:
        del table["test"]
    columns = dataset.columns
    assert columns is not None
    if not any(each.missing for each in columns.columns):
        del table["missing"]  # which the estimator takes
    if any(len(each.categories) >= MANY_CATEGORIES for each in columns.columns):
        table["categories"] = "codes"
    found = dataset.task
    return Inspection(table, dataset, found, says_task or found == "regression", said)


def without_index(table: dict[str, Any], dataset: Dataset) -> list[Leak]:
    """Leave columns out that number, name or date the rows, and return them; without others, they are kept."""
    useless = [leak for leak in dataset.leaks if leak.refused or leak.kind == "identifier"]
    if not useless or dataset.columns is None:
        return []
    key = "drop" if len(useless) < len(dataset.columns.columns) else "keep"
    table[key] = [*table.get(key, ()), *(leak.column for leak in useless)]
    return useless


def _names(path: Path, table: dict[str, Any], said: list[str]) -> list[str]:
    """The names of the columns; where it is not in UTF-8, its encoding is added to the table."""
    if table["kind"] == "parquet":
        return names_of_parquet(path)
    encoding = encoding_of(path, None)
    if encoding == "utf-8" and not _is_utf8(path):
        encoding = table["encoding"] = "cp1252" if _decodes(path, "cp1252") else "latin-1"
        said.append(f"{path.name} is not in UTF-8, and read as {encoding}")
    names = columns_of(path, encoding)[1]
    if not names:
        raise DataError(f"{path}: line 1: must have the names of columns, has none")
    return names


def _is_utf8(path: Path) -> bool:
    return _decodes(path, "utf-8")


def _decodes(path: Path, encoding: str) -> bool:
    with path.open(encoding=encoding, newline="") as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeError:
            return False
    return True


def _probable(names: Sequence[str]) -> str:
    known = {name.lower(): name for name in reversed(names)}
    return next((known[name] for name in LABELS if name in known), next((name for name in reversed(names) if name), ""))


def _label(path: Path, names: Sequence[str], text: str) -> str:
    if text in names:
        return text
    has = ", ".join(name for name in names[:20] if name) + (" …" if len(names) > 20 else "")
    near = nearest(text, names) if nearest(text, names).startswith("; did") else ""
    raise InputError(f"the label must be a column of {path}, got {text!r}{near}; its columns: {has}")


def _read(table: dict[str, Any], task: str | None, said: list[str]) -> tuple[Dataset, bool]:
    """Read it, without the columns that cannot be features; and tell whether the study has to say its task."""
    says = task is not None
    for _ in range(_READINGS):
        try:
            dataset = data.load(table, None, Path.cwd(), task)
        except LooksLikeValuesError:
            said.append("the labels look like values: a regression (--task classification takes them for names)")
            task, says = "regression", True
            continue
        except UnusableColumnsError as error:
            table["drop"] = [*table.get("drop", ()), *error.names]
            said.append(f"left out: {str(error).partition(': ')[2].partition(';')[0]}")
            said += [f"left out: column {name!r} as well" for name in error.names[1:]]
            continue
        if useless := without_index(table, dataset):
            why = "kept, since there is nothing else" if "keep" in table else "left out"
            said += [f"{why}: {leak}" for leak in useless]
            continue
        said += [*dataset.said, *(f"{leak}; if it is not known beforehand, add it to drop" for leak in dataset.leaks)]
        return dataset, says
    raise DataError(f"{table['path']}: has no columns that can be features")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def sizes_of(found: Inspection, test: str | None) -> tuple[dict[str, int], int, int | dict[str, int]]:
    """The test set (as keys of data.dataset), and the numbers of samples to train and to validate on, or the folds.

    Every class must be in each. Raises InputError for a file with too few samples for that.
    """
    samples, smallest = found.samples, min(found.class_sizes, default=10**9)
    held: dict[str, int] = {}
    if "test_path" not in found.table:
        held["test"] = count("test", test) if test is not None else test_size(samples)
    rest = samples - held.get("test", 0)
    if rest < 4 or smallest < 3:
        names = found.dataset.classes
        few = f"class {names[found.class_sizes.index(smallest)]!r} has {smallest:,}" if names else f"it has {samples:,}"
        rule = "must have at least 3 samples of each class, to train, to validate and to test on"
        raise DataError(f"{found.table['path']}: {rule}, but {few}; remove the class, or give it to another")
    if rest < FEW and smallest * rest // samples >= FOLDS + 1:
        return held, rest // FOLDS * (FOLDS - 1), {"folds": FOLDS}
    validation = max(1, rest // 5 if rest < 20_000 else rest // 10)
    return held, rest - validation, validation


def test_size(samples: int) -> int:
    """How many samples to hold out for testing: a fifth of few, ten thousand of very many."""
    return max(1, samples // 5 if samples < 10_000 else max(2_000, min(10_000, samples // 10)))


def said_of(found: Inspection) -> str:
    """One line that says what the file is."""
    columns = found.dataset.columns
    assert columns is not None
    what = f"{found.samples:,} samples, {len(columns.columns):,} column{'s' * (len(columns.columns) != 1)}"
    if found.task == "regression":
        return f"{what}; a regression of {_listed(found.dataset.targets)}"
    sizes, names = found.class_sizes, found.dataset.classes
    shares = [
        f"{names[i]!r} {100 * sizes[i] / sum(sizes):.3g}%"
        for i in dict.fromkeys((int(np.argmax(sizes)), int(np.argmin(sizes))))
    ]
    return f"{what}; {len(names):,} classes, {' … '.join(shares)}"


def is_imbalanced(found: Inspection) -> bool:
    """Has one class nearly all samples?"""
    sizes = found.class_sizes
    return bool(sizes) and max(sizes) >= IMBALANCED * sum(sizes)
