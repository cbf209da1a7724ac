"""Labels as the values of a regression, and labels of classes that look like such values. May import NumPy."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Targets
from hpsearch.errors import DataError

MOST = float(np.finfo(np.float32).max)
"""The largest feature or target: all are float32 once they are standardised."""

FEW_VALUES = 20
"""So many different numbers may well be classes."""

_REGRESSION = 'data.task = "regression"'
_OR_NAMES = ', or "classification" for names'


class LooksLikeValuesError(DataError):
    """Labels look like the values of a regression, and the study file does not say what they are."""


def is_number(text: Any) -> bool:
    """Tell whether it is a finite number, or the text of one."""
    try:
        return math.isfinite(float(text))
    except (TypeError, ValueError, OverflowError):
        return False


def refuse_values(place: str, labels: Sequence[str]) -> None:
    """Refuse labels of classes that look like the values of a regression.

    At least nine tenths of the different ones are numbers, and two of three signs are there: fractions, more than
    `FEW_VALUES` different numbers, and a quarter of them only once. A class needs two samples, one to train and one to
    validate on, so that whole numbers which can be classes are never refused.
    """
    counts = Counter(labels)
    values = sorted(label for label in counts if is_number(label))
    if not values or 10 * len(values) < 9 * len(counts):
        return
    fractions = [value for value in values if not float(value).is_integer()]
    once = sum(counts[value] == 1 for value in values)
    if bool(fractions) + (len(values) > FEW_VALUES) + (4 * once >= len(values)) >= 2:
        rule = (
            f"has {len(values):,} different numbers as labels, {once:,} only once, such as {(fractions or values)[0]}"
        )
        raise LooksLikeValuesError(f"{place}: {rule}; this looks like a regression: set {_REGRESSION}{_OR_NAMES}")


def hint_of(classes: Sequence[str]) -> str:
    """Return what to add to the message on a class with too few samples: the classes may be values."""
    if len(classes) <= FEW_VALUES or not all(map(is_number, classes)):
        return ""
    return f"; if the labels are values, set {_REGRESSION}"


def target_of(place: str, text: str, written: str = "") -> float:
    """Return one label of a regression, the number in a cell at `place`, where it may be `written` in another way."""
    if not is_number(text) or abs(float(text)) > MOST:
        raise DataError(f"{place}: {_rule(text)}, got {(written or text)[:40]!r}")
    return float(text)


def targets_of(place: str, labels: npt.NDArray[Any], samples: int) -> Targets:
    """Return the labels of a regression, (n,) or (n, T) finite numbers, as (n, T) float64."""
    if labels.ndim not in (1, 2) or len(labels) != samples or not labels.size:
        rule = f"must have one number, or one for each target, for each of the {samples:,} samples"
        raise DataError(f"{place}: {rule}, is {labels.shape}")
    if labels.dtype.kind not in "biuf":
        flat = labels.ravel().tolist()
        position, value = next(((i, each) for i, each in enumerate(flat) if not is_number(each)), (0, flat[0]))
        got = " ".join(f"{value!r:.60}".split())
        rule = f"{_REGRESSION} needs numbers as labels, got {got} in an array of {labels.dtype}"
        raise DataError(f"{_at(place, labels, position)}: {rule}")
    targets = labels.reshape(samples, -1).astype(np.float64)
    for position in np.flatnonzero(~(np.abs(targets) <= MOST))[:1]:  # NaN is not at most anything
        value = float(targets.flat[position])
        raise DataError(f"{_at(place, labels, position)}: {_rule(value)}, got {value}")
    return targets


def target_names(count: int) -> tuple[str, ...]:
    """Return names for the targets of arrays, which have none."""
    return ("target",) if count == 1 else tuple(f"target {number}" for number in range(1, count + 1))


def _rule(value: Any) -> str:
    """What the label of a regression must be, of one that is not."""
    try:
        float(value)
    except ValueError:
        return f"{_REGRESSION} needs numbers as labels"
    return f"{_REGRESSION} needs finite numbers as labels, none beyond {MOST:.1e}"


def _at(place: str, labels: npt.NDArray[Any], position: int) -> str:
    """Name an element of an array as NumPy does, row and column from 0: `y[3, 1]`."""
    index = ", ".join(str(int(number)) for number in np.unravel_index(position, labels.shape))
    return f"{place}[{index}]"
