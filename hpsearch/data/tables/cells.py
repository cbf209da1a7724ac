"""The cells of a table as numbers: what is missing, a number, a date, a truth value or a category. May import NumPy."""

import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hpsearch.data.sources.targets import MOST
from hpsearch.data.tables.columns import DATE, UNKNOWN, Column, Floats
from hpsearch.errors import DataError

MISSING = frozenset(
    (
        *("", "na", "n/a", "nan", "-nan", "null", "none", "<na>", "#n/a", "#n/a n/a", "#na", "?"),
        *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    )
)
"""What stands for a value that is missing, in small letters: what pandas takes for it, and the question mark."""

_WITH_MARKS = re.compile(r"[+-]?(\d{1,3}([., ']\d{3})+([.,]\d+)?|\d+,\d+)", re.ASCII)
"""Numbers with commas, or marks at the thousands, which are no categories."""

TRUTH = {"false": 0.0, "true": 1.0}
_EXCHANGED = str.maketrans(",.", ".,")

MOST_CATEGORIES = 1000
"""More different texts in a column are names, and not categories."""


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

    def __init__(self, name: str, *, categorical: bool = False, texts: bool = False, decimal: str = ".") -> None:
        """A `categorical` column is one of categories even where these are numbers; of `texts` none is a number."""
        self.name, self._categorical, self._texts_alone, self._decimal = name, categorical, texts, decimal
        self._values = array("d")
        self._codes: array[int] | None = None  # of the texts, -1 for other cells; None before the first text
        self._texts: dict[str, int] = {}  # the code of each text
        self._first: dict[str, int] = {}  # the row in which it is first

    def __len__(self) -> int:
        return len(self._values)

    def extend(self, cells: Sequence[str]) -> None:
        """Add cells below those that are there."""
        rows = len(self)
        if not (self._categorical or self._texts_alone):
            try:  # nearly all columns are numbers, and this is fast
                points = cells if self._decimal == "." else (with_point(cell, self._decimal) for cell in cells)
                self._values.extend(map(float, points))
            except ValueError:
                del self._values[rows:]
            else:
                if self._codes is not None:
                    self._codes.extend([-1] * len(cells))
                return
        for cell in cells:
            self._add(" ".join(cell.split()))

    def _add(self, text: str) -> None:
        value, code = math.nan, -1
        if text.lower() not in MISSING:
            if not (self._categorical or self._texts_alone):
                with suppress(ValueError):
                    value = float(with_point(text, self._decimal))
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
        _refuse_too_large(values)
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
                f"{rule}; if they are categories, set categorical = [{json.dumps(self.name)}]; if it means that a"
                " value is missing, leave the cell empty",
                self._first[text],
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
        if not (self._categorical or self._texts_alone) and all(map(_WITH_MARKS.fullmatch, texts)):
            way = 'set decimal = "," if the comma is the decimal sign' if self._decimal == "." else "remove the others"
            rule = f"has numbers with other marks than a decimal {self._decimal!r}, such as {texts[0]!r}; {way}"
            raise CellError(f"{rule}, or categorical = [{json.dumps(self.name)}] if they are categories", 0)
        if len(texts) > MOST_CATEGORIES:
            rule = f"has {len(texts):,} different texts, more than the {MOST_CATEGORIES:,} that categories may be"
            as_days = "; dates are days if they are written as 2026-01-31" if DATE.fullmatch(texts[0]) else ""
            raise CellError(f"{rule}{as_days}")
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


def with_point(text: str, decimal: str) -> str:
    """A number as Python has it. A point becomes a comma, so that thousands, 2.012, are no number of the size of 2."""
    return text if decimal == "." else text.translate(_EXCHANGED)


def read_again(column: Column, cells: Sequence[Any], decimal: str = ".") -> Floats:
    """Return the values of cells of new data: texts or numbers, by what the column is in the training file.

    A category may be written as another number, 1.0 for 1, where only one is equal to it; an unknown one is UNKNOWN.
    Raises CellError for what is no number, date or truth value.
    """
    if column.kind == "number" and isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        numbers = cells.astype(np.float64)
        _refuse_too_large(numbers)
        return numbers
    known = _Categories(column.categories)
    found = np.empty(len(cells))
    for row, cell in enumerate(cells):
        text = " ".join(str(cell).split())
        if cell is None or text.lower() in MISSING or text == "NaT":
            found[row] = math.nan
        elif column.kind == "category":
            found[row] = known.index(text)
        else:
            found[row] = _value(column, text, decimal, row)
    _refuse_too_large(found)
    return found


class _Categories:
    """The indices of categories, by their texts and by their numbers."""

    def __init__(self, categories: Sequence[str]) -> None:
        self._by_text = {name: float(i) for i, name in enumerate(categories)}
        numbers = [(value, name) for name in categories if (value := _number(name)) is not None]
        count = Counter(value for value, _ in numbers)
        self._by_number = {value: self._by_text[name] for value, name in numbers if count[value] == 1}

    def index(self, text: str) -> float:
        if text in self._by_text or not self._by_number:
            return self._by_text.get(text, UNKNOWN)
        number = _number(text)
        return UNKNOWN if number is None else self._by_number.get(number, UNKNOWN)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _value(column: Column, text: str, decimal: str, row: int) -> float:
    if column.kind == "truth" and text.lower() in TRUTH:
        return TRUTH[text.lower()]
    if column.kind == "date" and (days := days_of([text])) is not None:
        return float(days[0])
    value = None if column.kind == "date" else _number(with_point(text, decimal if column.kind == "number" else "."))
    if value is None or not math.isfinite(value):
        wanted = "a date, as 2026-01-31" if column.kind == "date" else "a finite number"
        raise CellError(f"must have {wanted}, has {text[:40]!r}", row)
    return value


def _refuse_too_large(values: Floats) -> None:
    """Raise CellError for the first value that is infinite, or beyond what a feature may be."""
    for row in np.flatnonzero(np.abs(values) > MOST)[:1]:
        which = f"number, none beyond {MOST:.1e}" if np.isfinite(values[row]) else "finite number"
        raise CellError(f"must have a {which}, has {str(values[row])!r}", int(row))
