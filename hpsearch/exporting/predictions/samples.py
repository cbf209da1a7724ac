"""Samples as users have them, frames, lists or arrays, as the array of numbers that a model was trained on.

The one place where a table becomes an array. Raises ValueError, as scikit-learn does. May import NumPy.
"""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.tables import cells as data_cells
from hpsearch.data.tables.cells import read_again
from hpsearch.data.tables.columns import Columns

Array = npt.NDArray[Any]


class CellError(ValueError):
    """A value in a row, counted from 0, and perhaps a column, breaks `rule`; `got` says what is there."""

    def __init__(self, rule: str, row: int, column: str | None, got: str = "") -> None:
        where = f"row {row}" + (f", column {column!r}" if column is not None else "")
        super().__init__(f"X {rule}, got {got} in {where}" if got else f"X {rule}, in {where}")
        self.rule, self.row, self.column, self.got = rule, row, column, got


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
            raise _not_a_number(X, samples) from None
    if samples.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must be real numbers")
    return samples


def encoded(X: Any, columns: Columns) -> npt.NDArray[np.float64]:
    """Return the features (n, features) of raw rows (n, columns): a frame, or an array in the order of the columns."""
    if is_frame(X):
        X = in_order(X, columns.names)
        cells = [_cells(X[name]) for name in X.columns]
    else:
        table = np.asarray(X, dtype=object)
        if table.ndim != 2 or table.shape[1] != len(columns.names):
            rule = f"must be a frame with the columns {', '.join(columns.names[:5])}"
            raise ValueError(f"X {rule}{', …' * (len(columns.names) > 5)}, or rows of these values, got {table.shape}")
        cells = [table[:, i].tolist() for i in range(table.shape[1])]
    raw: npt.NDArray[np.float64] = np.empty((len(cells[0]), len(cells)))
    for i, column in enumerate(columns.columns):
        try:
            raw[:, i] = read_again(column, cells[i])
        except data_cells.CellError as error:
            rule, _, got = str(error).partition(", has ")
            raise CellError(rule, error.row or 0, column.name, got) from None
    if columns.is_plain and not columns.keep_missing:
        check_finite(raw, columns.names)  # nothing was learned of what to fill in
    return columns.encode(raw)


def unseen(frame: Any, columns: Columns) -> dict[str, int]:
    """In how many rows each column has a category that no training row has; a missing value is none."""
    found = {}
    for column, seen in zip(columns.columns, columns.seen, strict=False):  # a plain table has learned nothing
        if column.kind == "category":
            indices = read_again(column, _cells(frame[column.name]))
            found[column.name] = int((~np.isin(indices, np.flatnonzero(seen)) & ~np.isnan(indices)).sum())
    return {name: rows for name, rows in found.items() if rows}


def _cells(column: Any) -> Any:
    """An array of numbers as it is; other cells as Python's own objects."""
    array = np.asarray(column)
    return array if array.dtype.kind in "iuf" else column.tolist() if hasattr(column, "tolist") else array.tolist()


def is_frame(X: Any) -> bool:
    """Whether it has named columns, as the frames of pandas and Polars have."""
    return hasattr(X, "columns") and hasattr(X, "shape") and hasattr(X, "__getitem__")


def in_order(frame: Any, names: Sequence[str]) -> Any:
    """Return the frame with its columns in the order of `names`; refuse missing, unknown and repeated ones."""
    columns = [one_name(name) for name in frame.columns]
    place = {name: number for number, name in enumerate(columns)}
    if len(place) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise ValueError(f"X must not have a column twice, has {twice!r}")
    known = set(names)
    unknown = [name for name in columns if name not in known]
    if missing := [name for name in names if name not in place]:
        match = difflib.get_close_matches(missing[0], unknown, n=1)
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        hint = f"; did you mean {match[0]!r}?" if match else ""
        raise ValueError(f"X must have the {len(names):,} columns trained on, lacks {missing[0]!r}{more}{hint}")
    if unknown:
        listed = ", ".join(map(repr, unknown[:3])) + (" …" if len(unknown) > 3 else "")
        raise ValueError(f"X must have the {len(names):,} columns trained on and no other, has {listed} as well")
    return frame[[frame.columns[place[name]] for name in names]]


def one_name(name: Any) -> str:
    """A column's name as it is read from the header of a CSV file."""
    return " ".join(str(name).split())


def check_finite(standardised: Array, names: Sequence[str] = ()) -> None:
    """Raise CellError for the first value that is not finite, once it is standardised."""
    if np.isfinite(standardised).all():
        return
    row, column = (int(number) for number in np.argwhere(~np.isfinite(standardised))[0])
    name = names[column] if names else str(column)
    raise CellError("contains NaN, infinity or a number too large for float32", row, name)


def _not_a_number(X: Any, samples: Array) -> ValueError:
    for position, value in enumerate(samples.ravel().tolist()):
        try:
            float(value)
        except (TypeError, ValueError):
            row, *rest = (int(number) for number in np.unravel_index(position, samples.shape))
            column = str(X.columns[rest[0]]) if is_frame(X) and len(rest) == 1 else None
            return CellError("must be numbers (samples, features)", row, column, f"{value!r:.40}")
    return ValueError(f"X must be numbers (samples, features), got an array of {samples.dtype} {samples.shape}")
