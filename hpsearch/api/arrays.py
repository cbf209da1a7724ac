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
from hpsearch.files import write_file

TEST_SHARE, VALIDATION_SHARE = 5, 5
"""One sample in so many is held out for testing, and as many to validate on, where sizes are not given."""

OF_FRAMES = ("drop", "keep", "columns", "missing", "categories")
"""The keys of a table's columns, which a study file has in [data.dataset]."""


def data_table(given: Any) -> Any:
    """The table [data] of `Study(data=...)`: a table, whose dataset may be (X, y), or (X, y) alone.

    Without sizes a fifth is held out for testing, and another one to validate on; y of fractions is a regression. With
    sizes, what is neither trained nor validated on is held out. Beside a DataFrame the table may have the keys of its
    columns, `OF_FRAMES`. Raises InputError for what is no samples with labels.
    """
    table = given if isinstance(given, Mapping) else {"dataset": given}
    if not _is_pair(pair := table.get("dataset")):
        return given  # a table of a study file, or what its rules refuse
    labels, of_frame = np.asarray(pair[1]), {key: table[key] for key in OF_FRAMES if key in table}
    more = {key: value for key, value in table.items() if key not in ("dataset", *OF_FRAMES)}
    if of_frame and not hasattr(pair[0], "to_csv"):
        raise InputError(f"data.{next(iter(of_frame))} is a key of a DataFrame's columns, got {type(pair[0]).__name__}")
    if not {"train", "validation"} & more.keys():
        test, validation = (max(1, len(labels) // share) for share in (TEST_SHARE, VALIDATION_SHARE))
        more |= {"train": len(labels) - test - validation, "validation": validation}
        if labels.dtype.kind == "f" and bool((labels != np.round(labels)).any()):
            more.setdefault("task", "regression")
    taken = _taken(more.get("train"), more.get("validation"))
    if taken >= len(labels):
        raise InputError(f"data must leave samples to test on, but train and validation take {taken:,}")
    return {"dataset": {**_kept(*pair), **of_frame, "test": len(labels) - taken}, **more}


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
    if arrays["y"].dtype == bool:
        arrays["y"] = arrays["y"].astype(str)  # as a table has them, so that predictions are truth values again
    if bad := next((name for name, array in arrays.items() if array.dtype.kind == "O"), None):
        rule = "must be numbers, or a DataFrame" if bad == "x" else "must be numbers or text"
        raise InputError(f"data (X, y): {'X' if bad == 'x' else 'y'} {rule}, is an array of objects")
    if arrays["x"].dtype.kind == "f" and not np.isfinite(arrays["x"]).all():
        rule = "must be finite numbers in an array; in a DataFrame missing values are filled, or kept"
        raise InputError(f'data (X, y): X {rule} with "missing": "keep"; write pandas.DataFrame(X)')
    buffer = io.BytesIO()
    np.savez(buffer, x=arrays["x"], y=arrays["y"])
    path = _file(_hash(*(part for array in arrays.values() for part in _parts(array))), ".npz", buffer.getvalue())
    return {"kind": "npz", "path": path, "samples": "x", "labels": "y"}


def _frame(samples: Any, labels: Any) -> dict[str, Any]:
    table = np.asarray(labels).reshape(len(samples), -1)
    given = getattr(labels, "columns", None)
    asked = [str(getattr(labels, "name", None) or "label")] if given is None else [str(each) for each in given]
    asked = asked if len(asked) == table.shape[1] else [f"target {i}" for i in range(table.shape[1])]
    names: list[str] = []
    for each in asked:
        while each in (*map(str, samples.columns), *names):
            each += "_"
        names.append(each)
    frame = samples.reset_index(drop=True).assign(**dict(zip(names, table.T, strict=True)))
    text = frame.to_csv(index=False, lineterminator="\n").encode()
    label = names[0] if len(names) == 1 else names
    categorical = [str(key) for key in samples.columns if _is_categorical(samples[key])]
    more = {"categorical": categorical} if categorical else {}
    return {"kind": "csv", "path": _file(_hash(text), ".csv", text), "label": label, "separator": ",", **more}


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
