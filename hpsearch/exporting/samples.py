"""Samples as users have them, frames, lists or arrays, as the array of numbers that a model was trained on.

The one place where a table becomes an array. Raises ValueError, as scikit-learn does. May import NumPy.
"""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def to_array(X: Any, names: Sequence[str] = ()) -> Array:
    """Return samples (n, …) as an array of numbers; a frame's columns are put in the order of `names`."""
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        raise TypeError("Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert it")
    if is_frame(X) and names and any(isinstance(name, str) for name in X.columns):
        X = in_order(X, names)
    samples = np.asarray(X)
    if samples.dtype == object:
        try:
            samples = samples.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"X must be numbers (samples, features), got {_not_a_number(X, samples)}") from None
    if samples.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must be real numbers")
    return samples


def is_frame(X: Any) -> bool:
    """Whether it has named columns, as the frames of pandas and Polars have."""
    return hasattr(X, "columns") and hasattr(X, "shape") and hasattr(X, "__getitem__")


def in_order(frame: Any, names: Sequence[str]) -> Any:
    """Return the frame with its columns in the order of `names`; refuse missing, unknown and repeated ones."""
    columns = [" ".join(str(name).split()) for name in frame.columns]  # as the names of a CSV file are read
    place = {name: number for number, name in enumerate(columns)}
    if len(place) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise ValueError(f"X must not have a column twice, has {twice!r}")
    unknown = [name for name in columns if name not in set(names)]
    if missing := [name for name in names if name not in place]:
        match = difflib.get_close_matches(missing[0], unknown, n=1)
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        hint = f"; did you mean {match[0]!r}?" if match else ""
        raise ValueError(f"X must have the {len(names):,} columns trained on, lacks {missing[0]!r}{more}{hint}")
    if unknown:
        listed = ", ".join(map(repr, unknown[:3])) + (" …" if len(unknown) > 3 else "")
        raise ValueError(f"X must have the {len(names):,} columns trained on and no other, has {listed} as well")
    return frame[[frame.columns[place[name]] for name in names]]


def _not_a_number(X: Any, samples: Array) -> str:
    """Name the first cell that is no number, by its row, counted from 0, and its column."""
    for position, value in enumerate(samples.ravel().tolist()):
        try:
            float(value)
        except (TypeError, ValueError):
            row, *rest = (int(number) for number in np.unravel_index(position, samples.shape))
            column = f", column {X.columns[rest[0]]!r}" if is_frame(X) and len(rest) == 1 else ""
            return f"{value!r:.40} in row {row}{column}"
    return f"an array of {samples.dtype} {samples.shape}"
