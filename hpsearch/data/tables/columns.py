"""The columns of a table: categories, missing values, and what is learned of them from training rows. May import NumPy.

A table is read into numbers, (rows, columns) float64: a category as its index among those of the file, -1 if it is none
of them, a missing value as NaN. A split encodes them as features, by what its training rows teach.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
UNKNOWN = -1.0
"""The index of a category that the file of the training samples does not have."""

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(
    r"(\d{1,2}([./-])\d{1,2}\2(\d{4}|\d\d)|\d{4}([./-])\d{1,2}\4\d{1,2}"
    rf"|\d\d?[. -]+{_MONTH}[. -]+(\d\d)?\d\d|{_MONTH} \d\d?,? \d\d\d\d)([T, ]+\d\d?:\d\d.*)?",
    re.ASCII | re.IGNORECASE,
)
"""Dates, with or without a time: 10.09.2024, 9/10/24, 2024/09/10 12:30, 10-Sep-2024, Sep 10, 2024."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its `name`, its `kind`, and whether a value of it is `missing` in the file.

    Kinds: "number", "date" (in days since 1970), "truth" (0 or 1) and "category", which has `categories`.
    """

    name: str
    kind: str = "number"
    categories: tuple[str, ...] = ()
    missing: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns of a table beside its labels, and how they become features.

    as_codes: a category becomes one feature, its index, instead of one feature for each. keep_missing: missing values
    stay NaN, instead of being imputed. fills: by column the median of the training rows' values; seen: by column which
    categories they have. Both are () until they are learned.
    """

    columns: tuple[Column, ...]
    as_codes: bool = False
    keep_missing: bool = False
    fills: tuple[float, ...] = ()
    seen: tuple[tuple[bool, ...], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Are there neither categories nor missing values, so that the columns are the features as they are?"""
        return all(column.kind != "category" and not column.missing for column in self.columns)

    @property
    def are_numbers(self) -> bool:
        """Are other rows to be numbers, too: no dates, truth values or categories, and nothing missing?"""
        return self.is_plain and not self.keep_missing and all(column.kind == "number" for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features: "age", "age is missing", "town = Oslo", "town is missing"."""
        return tuple(name for column in self.columns for name in self._features_of(column))

    def _features_of(self, column: Column) -> list[str]:
        flag = [f"{column.name} is missing"] * (column.missing and not self.keep_missing)
        if column.kind != "category" or self.as_codes:
            return [column.name, *(flag if column.kind != "category" else [])]
        return [*(f"{column.name} = {category}" for category in column.categories), *flag]

    @property
    def spans(self) -> tuple[slice, ...]:
        """Which features each column becomes."""
        ends = list(accumulate((len(self._features_of(column)) for column in self.columns), initial=0))
        return tuple(slice(*edges) for edges in pairwise(ends))

    @property
    def are_codes(self) -> npt.NDArray[np.bool_]:
        """Which features are indices of categories, and so not standardised."""
        kinds = [column.kind for column in self.columns for _ in self._features_of(column)]
        return np.array([self.as_codes and kind == "category" for kind in kinds], np.bool_)

    def learned_from(self, rows: Floats) -> "Columns":
        """Learn the fills and the categories seen, of training rows (n, columns) alone."""
        fills, seen = [], []
        for values, column in zip(rows.T, self.columns, strict=True):
            there = values[~np.isnan(values)]
            number = column.kind != "category"
            fills.append(float(np.median(there)) if number and len(there) else 0.0)
            known = np.isin(np.arange(len(column.categories)), there)
            seen.append(tuple(known.tolist()))
        return replace(self, fills=tuple(fills), seen=tuple(seen))

    def encode(self, rows: Floats) -> Floats:
        """Return the features (n, features) of rows (n, columns); an unknown category has none, or the last code."""
        if self.is_plain:
            return rows
        found = [
            part
            for values, column, fill, seen in zip(rows.T, self.columns, self.fills, self.seen, strict=True)
            for part in self._encoded(values, column, fill, seen)
        ]
        return np.column_stack(found) if found else np.empty((len(rows), 0))

    def _encoded(self, values: Floats, column: Column, fill: float, seen: Sequence[bool]) -> list[Floats]:
        gaps = np.isnan(values)
        flag = [gaps.astype(np.float64)] * (column.missing and not self.keep_missing)
        if column.kind != "category":
            return [values if self.keep_missing else np.where(gaps, fill, values), *flag]
        known = np.zeros(len(values), np.bool_)
        indices = np.where(gaps, UNKNOWN, values).astype(np.int64)
        if column.categories:
            known = (indices >= 0) & np.array(seen)[indices]
        if self.as_codes:
            other = np.where(gaps & self.keep_missing, np.nan, float(len(column.categories)))
            return [np.where(known, values, other)]
        each = [((indices == i) & known).astype(np.float64) for i in range(len(column.categories))]
        return [*each, *flag]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        columns = [[each.name, each.kind, list(each.categories), each.missing] for each in self.columns]
        learned = {"fills": list(self.fills), "seen": [list(each) for each in self.seen]} if self.fills else {}
        return {"columns": columns, "as_codes": self.as_codes, "keep_missing": self.keep_missing} | learned

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Columns":
        """Return what `to_json` gave. Raises ValueError, KeyError or TypeError for anything else."""
        return cls(
            tuple(Column(name, kind, tuple(known), missing) for name, kind, known, missing in given["columns"]),
            bool(given["as_codes"]),
            bool(given["keep_missing"]),
            tuple(map(float, given.get("fills", ()))),
            tuple(tuple(map(bool, each)) for each in given.get("seen", ())),
        )
