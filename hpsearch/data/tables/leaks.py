"""Columns that should not be features: row numbers, identifiers, the label in another spelling. May import NumPy.

An index is refused, since a study of it means nothing. What predicts the label may be a strong feature: it is named.
A study that means a column says so with `keep`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.tables.columns import DATE, Column, Floats

FEWEST = 20
"""Of fewer rows nothing is said of their order: ascending numbers may be chance, and one can look at them."""

ROWS_TO_MEASURE = 50
"""A column predicts the label only where there are so many rows."""

SAMPLE = 5_000
"""Whether a column predicts the label is measured on at most so many rows."""

PREDICTS = 0.99
"""A column predicts the label from this balanced accuracy on; the best one of iris, a strong feature, has 0.95."""

EXPLAINS = 0.9995
"""A column predicts a target from this coefficient of determination on."""

STEP = 10
"""Row numbers are still row numbers where up to nine in ten rows were deleted."""

_NAMELESS = re.compile(r"column \d+|Unnamed: \d+", re.ASCII)
"""What a column is called that has no name: by us, and by pandas where it wrote its index and read it again."""


@dataclass(frozen=True)
class Leak:
    """A column, and what it seems to be.

    Kinds: "index", the number of the row; "identifier", another value in each row; "time", the order of the rows;
    "date", a category for each date; and "label", which it predicts.
    """

    column: str
    kind: str
    finding: str

    @property
    def refused(self) -> bool:
        """Is a study with it refused, and not only warned? It is no feature for certain then."""
        return self.kind in ("index", "date")

    def __str__(self) -> str:
        return f"column {self.column!r} {self.finding}"


def leaks_of(
    columns: Sequence[Column], values: Sequence[Floats], labels: npt.NDArray[Any], keep: Iterable[str] = ()
) -> tuple[Leak, ...]:
    """Return the columns of a table, its rows in the order of the file, that should not be features.

    `labels` are (rows,) numbers of classes, or the (rows, T) targets of a regression. What is in `keep` is meant.
    """
    kept = set(keep)
    asked = [pair for pair in zip(columns, values, strict=True) if pair[0].name not in kept]
    rows = _sampled(len(labels), len(asked))
    found = (_leak(column, cells, labels, rows) for column, cells in asked)
    return tuple(leak for leak in found if leak is not None)


def class_numbers(labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """A number for each class, in no particular order."""
    known: dict[str, int] = {}
    return np.fromiter((known.setdefault(label, len(known)) for label in labels), np.int64, len(labels))


def remedy(found: Sequence[Leak]) -> str:
    """Return what to write in data.dataset to leave these columns out, or to use them all the same."""
    names = json.dumps([leak.column for leak in found], ensure_ascii=False)
    return f"set drop = {names} in data.dataset, or keep = {names} if it is meant to be a feature"


def _leak(column: Column, cells: Floats, labels: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> Leak | None:
    if dates := _dates(column):
        return Leak(column.name, "date", dates)
    kind, finding = _identifies(column, cells)
    if _NAMELESS.fullmatch(column.name):
        return Leak(column.name, "index", f"has no name and {finding or 'may be the index that pandas writes'}")
    of_label = "" if kind == "index" else _copies(cells, labels) or _predicts(column, cells, labels, rows)
    if of_label:
        return Leak(column.name, "label", of_label)
    return Leak(column.name, kind, finding) if kind else None


def _dates(column: Column) -> str:
    """Return what is to be said of categories that are dates, all or most of them; "" of others."""
    dates = [each for each in column.categories if DATE.fullmatch(each)]
    if 2 * len(dates) <= len(column.categories):
        return ""
    others = [each for each in column.categories if each not in dates]
    beside = f" beside {others[0][:20]!r}" if others else ""
    return (
        f"has dates such as {dates[0]!r}{beside}, each a category that new rows do not have"
        " (all written as 2026-01-31, they would be days)"
    )


def _identifies(column: Column, cells: Floats) -> tuple[str, str]:
    """Return the kind of leak that the order of the values is, or their difference, and what it seems to be."""
    count = len(cells)
    if count < FEWEST or not np.all(np.isfinite(cells)):
        return "", ""
    if column.kind == "category":
        distinct = len(column.categories) == count
        return ("identifier", "has another text in each row, as an identifier has") if distinct else ("", "")
    steps, span = np.diff(cells), float(np.ptp(cells))
    counts = bool(np.all(steps > 0) or np.all(steps < 0))
    if column.kind == "date":
        finding = "has the rows in order of time, so that the neighbours of training samples are validated on"
        return ("time", finding) if counts else ("", "")
    if np.any(cells != np.floor(cells)):
        return "", ""
    if counts:
        finding = f"only counts {'up' if steps[0] > 0 else 'down'}, from {cells[0]:.0f} to {cells[-1]:.0f}, row by row"
        return "index" if span <= STEP * (count - 1) else "time", finding
    # if they were drawn at random from that range, two would be equal but for one case in e^20
    if count**2 / (2 * (span + 1)) >= 20 and len(np.unique(cells)) == count:
        return "identifier", "has another whole number in each row, as an identifier has"
    return "", ""


def _copies(cells: Floats, labels: npt.NDArray[Any]) -> str:
    """Return how the column is the label itself: the very target, or one value for each class."""
    if len(labels) < ROWS_TO_MEASURE:
        return ""
    if labels.ndim == 2:
        same = np.all(labels == cells[:, None], axis=0) & (np.ptp(labels, axis=0) > 0)
        return "has the very values of the target" if same.any() else ""
    classes = int(labels.max()) + 1
    if len(np.unique(cells[:1_000])) > classes:
        return ""  # nearly all columns, without the sorting of all their rows
    values, codes = np.unique(cells, return_inverse=True)
    pairs = len(np.unique(codes * classes + labels))
    if len(values) == pairs == classes >= 2:
        return f"has one value for each of the {classes} classes, as the label in another spelling has"
    return ""


def _predicts(column: Column, cells: Floats, labels: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> str:
    """Return how well the column alone predicts the label of other rows, where that is almost always.

    The rows of either half get the label of the nearest value in the other half; a category must be the same.
    """
    if len(rows) < ROWS_TO_MEASURE:
        return ""
    exact, known, chosen = column.kind == "category", labels[rows], _filled(cells[rows])
    if np.ptp(chosen) == 0 or not (exact or _may_predict(chosen, known)):
        return ""
    half = len(rows) // 2
    halves = ((slice(None, half), slice(half, None)), (slice(half, None), slice(None, half)))
    if labels.ndim == 2:
        means = np.empty(known.shape)
        for learn, ask in halves:
            means[ask] = _nearest_mean(chosen[learn], known[learn], chosen[ask], exact)
        best = max(_explained(*pair, chosen, exact) for pair in zip(known.T, means.T, strict=True))
        return f"alone explains {100 * best:.2f}% of the target's variance" if best >= EXPLAINS else ""
    predicted = np.empty(len(known), np.int64)
    for learn, ask in halves:
        predicted[ask] = _nearest_class(chosen[learn], known[learn], chosen[ask], exact)
    right = predicted == known
    sizes = np.bincount(known)
    recalls = np.bincount(known, right)[sizes > 0] / sizes[sizes > 0]
    if len(recalls) < 2 or recalls.mean() < PREDICTS:
        return ""
    return f"alone predicts the label of {100 * float(right.mean()):.1f}% of the rows"


def _may_predict(cells: Floats, known: npt.NDArray[Any]) -> bool:
    """Can the labels follow from the column? A quick answer for most: if they do, neighbours have similar ones."""
    if known.ndim == 1:
        changes = np.count_nonzero(np.diff(known[np.lexsort((known, cells))]))
        return 4 * int(changes) <= len(known)
    return any(np.mean(np.diff(target[np.lexsort((target, cells))]) ** 2) <= 0.1 * np.var(target) for target in known.T)


def _explained(target: Floats, predicted: Floats, cells: Floats, exact: bool) -> float:
    """The share of a target's variance that a column explains: by its nearest value, or as the ranks do."""
    spread = float(np.var(target))
    if spread == 0:
        return 0.0
    explained = 1 - float(np.mean((predicted - target) ** 2)) / spread
    return explained if exact else max(explained, float(np.corrcoef(_ranks(target), _ranks(cells))[0, 1]) ** 2)


def _ranks(values: Floats) -> Floats:
    """The mean rank of each value among all."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[which])


def _nearest_class(cells: Floats, labels: npt.NDArray[Any], asked: Floats, exact: bool) -> npt.NDArray[np.int64]:
    """The commonest class at the value nearest to each asked one; -1 where it must be the same and none is."""
    values, which = np.unique(cells, return_inverse=True)
    classes = int(labels.max()) + 1
    pairs, counts = np.unique(which * classes + labels, return_counts=True)
    by_count = pairs[np.argsort(counts, kind="stable")]
    commonest = np.zeros(len(values), np.int64)
    commonest[by_count // classes] = by_count % classes  # the last one written is the commonest
    at = _nearest(values, asked)
    return np.where((values[at] == asked) | (not exact), commonest[at], -1)


def _nearest_mean(cells: Floats, targets: Floats, asked: Floats, exact: bool) -> Floats:
    """The mean targets at the value nearest to each asked one; of all where it must be the same and none is."""
    values, which, counts = np.unique(cells, return_inverse=True, return_counts=True)
    sums = np.zeros((len(values), targets.shape[1]))
    np.add.at(sums, which, targets)
    at = _nearest(values, asked)
    found = ((values[at] == asked) | (not exact))[:, None]
    return np.where(found, (sums / counts[:, None])[at], targets.mean(axis=0))


def _nearest(values: Floats, asked: Floats) -> npt.NDArray[np.int64]:
    """The index of the one among ascending values that is nearest to each asked one."""
    above = np.searchsorted(values, asked).clip(0, len(values) - 1)
    below = (above - 1).clip(0)
    return np.where(asked - values[below] <= values[above] - asked, below, above)


def _filled(cells: Floats) -> Floats:
    """Cells in which a missing one is a number far from all others: a gap may predict the label, too."""
    there = cells[~np.isnan(cells)]
    if not there.size:
        return np.zeros(len(cells))
    return np.where(np.isnan(cells), there.min() - 2 * max(float(np.ptp(there)), 1.0), cells)


def _sampled(count: int, columns: int) -> npt.NDArray[np.int64]:
    """Rows to measure on, in random order: fewer of very many columns, so that it takes seconds at most."""
    size = min(count, SAMPLE, max(500, 10_000_000 // max(1, columns)))
    return np.random.default_rng(0).permutation(count)[:size]
