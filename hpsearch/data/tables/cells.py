"""The cells of a table as numbers: what is missing, a number, a date, a truth value or a category. May import NumPy."""

import json
import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hpsearch.data.sources.targets import MOST
from hpsearch.data.tables.columns import UNKNOWN, Column, Floats
from hpsearch.errors import DataError

MISSING = frozenset(("", "na", "n/a", "nan", "null", "<na>", "#n/a", "?"))
"""What stands for a value that is missing, in small letters."""

_WITH_MARKS = re.compile(r"[+-]?(\d{1,3}([., ']\d{3})+([.,]\d+)?|\d+,\d+)", re.ASCII)
"""Numbers with commas, or marks at the thousands, which are no categories."""

TRUTH = {"false": 0.0, "true": 1.0}
MOST_CATEGORIES = 1000
"""More different texts in a column are names, and not categories."""


def is_missing(text: str) -> bool:
    """Does it stand for a value that is missing?"""
    return text.strip().lower() in MISSING


class UnusableColumnsError(DataError):
    """Columns that no study can learn from as they are; `names` has all of them, the message the first."""

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = tuple(names)


class CellError(ValueError):
    """A column cannot be used: the rule, with what it has, and the row of the first cell that breaks it, from 0."""

    def __init__(self, rule: str, row: int | None = None) -> None:
        super().__init__(rule)
        self.row = row


class Cells:
    """The cells of one column, in order, as they are read: numbers, and the texts that are none."""

    def __init__(self, name: str, *, categorical: bool = False, decimal: str = ".") -> None:
        """A `categorical` column is one of categories even where these are numbers."""
        self.name, self._categorical, self._decimal = name, categorical, decimal
        self._values = array("d")
        self._codes: array[int] | None = None  # of the texts, -1 for other cells; None before the first text
        self._texts: dict[str, int] = {}  # the code of each text
        self._first: dict[str, int] = {}  # the row in which it is first

    def __len__(self) -> int:
        return len(self._values)

    def extend(self, cells: Sequence[str]) -> None:
        """Add cells below those that are there."""
        rows = len(self)
        if not self._categorical:
            try:  # nearly all columns are numbers, and this is fast
                self._values.extend(map(float, cells) if self._decimal == "." else map(self._number, cells))
            except ValueError:
                del self._values[rows:]
            else:
                if self._codes is not None:
                    self._codes.extend([-1] * len(cells))
                return
        for cell in cells:
            self._add(" ".join(cell.split()))

    def _number(self, text: str) -> float:
        return float(text.replace(self._decimal, "."))

    def _add(self, text: str) -> None:
        value, code = math.nan, -1
        if text.lower() not in MISSING:
            with suppress(ValueError):
                value = math.nan if self._categorical else self._number(text)
            if math.isnan(value):
                code = self._codes_of(text)
        if self._codes is not None:
            self._codes.append(code)
        self._values.append(value)

    def _codes_of(self, text: str) -> int:
        if self._codes is None:
            self._codes = array("l", [-1]) * len(self)
        if text not in self._first:
            self._texts[text] = len(self._first)
            self._first[text] = len(self)
        return self._texts[text]

    # What the column is

    def column(self) -> tuple[Column, Floats]:
        """The column, and its values, as `Columns` has them. Raises CellError if it is no column to learn from."""
        values = np.frombuffer(self._values) if self._values else np.empty(0)
        codes = np.full(len(self), -1) if self._codes is None else np.frombuffer(self._codes, np.dtype("l"))
        there = ~np.isnan(values)
        for row in np.flatnonzero(np.abs(values) > MOST)[:1]:
            which = "number" if np.isfinite(values[row]) else "finite number"
            most = f", none beyond {MOST:.1e}" if np.isfinite(values[row]) else ""
            raise CellError(f"must have a {which}{most}, has {str(values[row])!r}", int(row))
        if not there.any() and not self._first:
            raise CellError("has no value in any line")
        missing = bool((~there & (codes < 0)).any())
        if not self._first:
            return Column(self.name, missing=missing), values
        numbers, texts = int(there.sum()), int((codes >= 0).sum())
        if numbers:
            text = next(iter(self._first))
            rule = (
                f"must have a finite number, has {text[:40]!r}"
                if 2 * numbers >= texts + numbers
                else (f"has {texts:,} texts such as {text[:40]!r} and {numbers:,} numbers")
            )
            raise CellError(
                f"{rule}; if they are categories, set categorical = [{json.dumps(self.name)}]", self._first[text]
            )
        kind, known, of_text = self._meaning()
        found = np.full(len(self), math.nan)
        found[codes >= 0] = of_text[codes[codes >= 0]]
        return Column(self.name, kind, known, missing), found

    def _meaning(self) -> tuple[str, tuple[str, ...], Floats]:
        """What the texts are: their kind, the categories, and the value of each text."""
        texts = list(self._first)
        if not self._categorical and all(text.lower() in TRUTH for text in texts):
            return "truth", (), np.array([TRUTH[text.lower()] for text in texts])
        if not self._categorical and (days := days_of(texts)) is not None:
            return "date", (), days
        if not self._categorical and all(_WITH_MARKS.fullmatch(text) for text in texts):
            way = 'set decimal = "," if the comma is the decimal sign' if self._decimal == "." else "remove the others"
            rule = f"has numbers with other marks than a decimal {self._decimal!r}, such as {texts[0]!r}; {way}"
            raise CellError(f"{rule}, or categorical = [{json.dumps(self.name)}] if they are categories", 0)
        if len(texts) > MOST_CATEGORIES:
            rule = f"has {len(texts):,} different texts, more than the {MOST_CATEGORIES:,} that categories may be"
            raise CellError(rule)
        known = in_order(texts)
        places = {text: float(i) for i, text in enumerate(known)}
        return "category", tuple(known), np.array([places[text] for text in texts])


def in_order(texts: Iterable[str]) -> list[str]:
    """Texts in ascending order if all are numbers, else in alphabetical order."""
    by_text = sorted(texts)
    try:
        return sorted(by_text, key=float)
    except ValueError:
        return by_text


def days_of(texts: Sequence[str]) -> Floats | None:
    """ISO dates, or dates with times, as days since 1970 (UTC where none is said); None if one is no date."""
    found = []
    for text in texts:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found.append(moment.timestamp() / 86_400)
    return np.array(found)


def read_again(column: Column, cells: Sequence[Any]) -> Floats:
    """Return the values of cells of new data: texts or numbers, by what the column is in the training file.

    Raises CellError for what is no number, date or truth value; an unknown category is UNKNOWN.
    """
    known = {name: float(i) for i, name in enumerate(column.categories)}
    found = np.empty(len(cells))
    for row, cell in enumerate(cells):
        found[row] = _value(column, known, cell, row)
    return found


def _value(column: Column, known: Mapping[str, float], cell: Any, row: int) -> float:
    text = " ".join(str(cell).split())
    if cell is None or text.lower() in MISSING or text == "NaT":
        return math.nan
    if column.kind == "category":
        if text not in known and isinstance(cell, float | np.floating) and float(cell).is_integer():
            text = str(int(cell))  # pandas reads whole numbers as floats where one is missing
        return known.get(text, UNKNOWN)
    if column.kind == "truth" and text.lower() in TRUTH:
        return TRUTH[text.lower()]
    if column.kind == "date" and (days := days_of([text])) is not None:
        return float(days[0])
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if column.kind == "date" or not math.isfinite(value):
        wanted = "a date, as 2026-01-31" if column.kind == "date" else "a finite number"
        raise CellError(f"must have {wanted}, has {text[:40]!r}", row)
    return value
