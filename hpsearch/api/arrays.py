"""Data that a script has in memory, arrays or a DataFrame, kept in files, so that a resume finds them.

Files are named by the hash of what they have, in the user's cache: arrays as .npz, a DataFrame as .csv. May import
data, and exporting's files.
"""

import hashlib
import io
from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np

from hpsearch.data.directories import default_data_directory
from hpsearch.data.sources.targets import is_number
from hpsearch.data.tables.cells import MOST_CATEGORIES
from hpsearch.errors import InputError
from hpsearch.exporting.files import write_file

TEST_SHARE, VALIDATION_SHARE = 5, 5
"""One sample in so many is held out for testing, and as many to validate on, where sizes are not given."""


def data_table(given: Any) -> Any:
    """The table [data] of `Study(data=...)`: a table, whose dataset may be (X, y), or (X, y) alone.

    Of (X, y) alone a fifth is held out for testing, and another one to validate on; y of fractions is a regression.
    With sizes, what is neither trained nor validated on is held out. Raises InputError for what is no samples with
    labels.
    """
    if isinstance(given, Mapping):
        dataset = given.get("dataset")
        if not _is_pair(dataset):
            return given
        taken = _taken(given.get("train"), given.get("validation"))
        rest = len(dataset[1]) - taken
        if rest < 1:
            raise InputError(f"data must leave samples to test on, but train and validation take {taken:,}")
        return {**given, "dataset": {**_kept(*dataset), "test": rest}}
    if not _is_pair(given):
        return given  # which the rules of a study file refuse
    labels = np.asarray(given[1])
    test, validation = (max(1, len(labels) // share) for share in (TEST_SHARE, VALIDATION_SHARE))
    split = {"train": len(labels) - test - validation, "validation": validation}
    fractions = labels.dtype.kind == "f" and bool((labels != np.round(labels)).any())
    task = {"task": "regression"} if fractions else {}
    return {"dataset": {**_kept(*given), "test": test}, **split, **task}


def _taken(train: Any, validation: Any) -> int:
    """How many samples these sizes take; one of several folds is as large as an equal share of the others."""
    if not isinstance(train, int):
        return 0
    folds = validation.get("folds") if isinstance(validation, Mapping) else None
    if isinstance(folds, int) and folds > 1:
        return train + train // (folds - 1)
    return train + (validation if isinstance(validation, int) else 0)


def _is_pair(given: Any) -> TypeGuard[tuple[Any, Any]]:
    return isinstance(given, tuple | list) and len(given) == 2 and all(hasattr(each, "__len__") for each in given)


def _kept(samples: Any, labels: Any) -> dict[str, Any]:
    """The table [data.dataset] of samples with their labels, which are in a file now."""
    if len(samples) != len(labels):
        raise InputError(f"data (X, y) must have as many labels as samples, got {len(samples):,} and {len(labels):,}")
    if hasattr(samples, "to_csv"):
        return _frame(samples, labels)
    arrays = {"x": np.asarray(samples), "y": np.asarray(labels)}
    if bad := next((name for name, array in arrays.items() if array.dtype.kind == "O"), None):
        rule = "must be numbers, or a DataFrame" if bad == "x" else "must be numbers or text"
        raise InputError(f"data (X, y): {'X' if bad == 'x' else 'y'} {rule}, is an array of objects")
    buffer = io.BytesIO()
    np.savez(buffer, x=arrays["x"], y=arrays["y"])
    path = _file(_hash(*(part for array in arrays.values() for part in _parts(array))), ".npz", buffer.getvalue())
    return {"kind": "npz", "path": path, "samples": "x", "labels": "y"}


def _frame(samples: Any, labels: Any) -> dict[str, Any]:
    name = str(getattr(labels, "name", None) or "label")
    while name in map(str, samples.columns):
        name += "_"
    frame = samples.reset_index(drop=True).assign(**{name: np.asarray(labels)})
    text = frame.to_csv(index=False, lineterminator="\n").encode()
    categorical = [str(key) for key in samples.columns if _is_categorical(samples[key])]
    more = {"categorical": categorical} if categorical else {}
    return {"kind": "csv", "path": _file(_hash(text), ".csv", text), "label": name, "separator": ",", **more}


def _is_categorical(column: Any) -> bool:
    """Has a column of a frame categories, by its type, that the texts of a file would not show?"""
    if str(column.dtype) == "category":
        return True
    texts = [] if column.dtype.kind not in "OTU" else column.dropna().unique().tolist()
    if not texts or len(texts) > MOST_CATEGORIES or not all(isinstance(text, str) for text in texts):
        return False
    return any(map(is_number, texts))


def _parts(array: np.ndarray) -> tuple[bytes, bytes]:
    return repr((array.dtype.str, array.shape)).encode(), np.ascontiguousarray(array).tobytes()


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _file(name: str, suffix: str, content: bytes) -> str:
    """Write a file, unless it is there; whole or not at all."""
    path = default_data_directory() / "arrays" / f"{name}{suffix}"
    return str(path if path.exists() else write_file(path, content))
