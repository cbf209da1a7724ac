"""The text of an objective, or of another metric: values, intervals, differences.

May import spec and storage's records.
"""

import math

from hpsearch.reporting import formatting
from hpsearch.spec import COUNTED
from hpsearch.storage.records import Goal

_SMALL, _WHOLE, _LARGE = 1e-3, 9_999.5, 1e9
"""Below the first and from the last on numbers are scientific, from the second on whole."""


def number(value: float) -> str:
    """Write a number with five significant digits; a whole one from 100 on, as of parameters, without a fraction.

    >>> number(53.9), number(-0.01234), number(254_321.7), number(0.00001), number(1817.0)
    ('53.900', '-0.012340', '254,322', '1.000e-5', '1,817')
    """
    size = abs(value)
    if not math.isfinite(value):
        return formatting.MISSING if math.isnan(value) else f"{'-' * (value < 0)}∞"
    if size and not _SMALL <= size < _LARGE:
        return formatting.exponent(value, 3)
    whole = not value or size >= _WHOLE or (size >= 100 and value == round(value))
    return f"{value:,.0f}" if whole else f"{value:#.5g}".rstrip(".")


def text(goal: Goal, value: float | None, places: int = 2) -> str:
    """Write a value of a metric, a share in percent; None as a dash.

    >>> text(Goal(), 0.5173), text(Goal("rmse", "minimize", False), 53.9)
    ('51.73%', '53.900')
    """
    if value is None:
        return formatting.MISSING
    if goal.metric in COUNTED and value < _LARGE:
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    return formatting.percent(value, places) if goal.share else number(value)


def spread(goal: Goal, deviation: float, places: int = 2) -> str:
    """Write a standard deviation, which follows a value and ±."""
    if goal.share:
        return f"{100 * deviation:.{places}f}"
    if deviation and not _SMALL <= deviation < _LARGE:
        return formatting.exponent(deviation, 1)
    return f"{deviation:,.0f}" if deviation >= 10 else f"{deviation:#.2g}"


def interval(goal: Goal, low: float, high: float, places: int = 2) -> str:
    """Write an interval: 50.75–52.71, or 53.101 to 54.699."""
    return formatting.between(low, high, places) if goal.share else f"{number(low)} to {number(high)}"


def difference(goal: Goal, value: float, places: int = 2) -> str:
    """Write a difference with its sign, of shares in percentage points.

    >>> difference(Goal(), 0.012, 1), difference(Goal("rmse", "minimize", False), -0.5)
    ('+1.2', '−0.5')
    """
    return formatting.points(value, places) if goal.share else f"{value + 0.0:+.4g}".replace("-", "−")  # not −0


def size(goal: Goal, value: float, places: int = 2) -> str:
    """Write the size of a difference: 1.2 points, or 0.5."""
    return f"{100 * abs(value):.{places}f} points" if goal.share else f"{abs(value):.4g}"


def region(goal: Goal, rope: float) -> str:
    """Write the size of the region of practical equivalence.

    >>> region(Goal(), 0.005), region(Goal("rmse", "minimize", False), 2.0)
    ('0.5 points', '2')
    """
    return f"{100 * rope:.4g} points" if goal.share else f"{rope:.4g}"


def measured_first(goal: Goal) -> str:
    """Write `goal.measured` at the beginning of a sentence; the names of metrics stay as they are."""
    return goal.metric if goal.of_function else f"Validation {goal.metric}"


def measured_axis(goal: Goal) -> str:
    """Write the same as the label of an axis."""
    return axis(goal) if goal.of_function else f"validation {axis(goal)}"


def axis(goal: Goal) -> str:
    """Write the label of an axis: accuracy (%), rmse ↓; the arrow says that a lower value is better."""
    return f"{goal.metric}{' (%)' * goal.share}{' ↓' * (goal.sign < 0)}"


def title(goal: Goal) -> str:
    """Write the metric as the beginning of a heading; the names of metrics stay as the study file has them."""
    return "Accuracy" if goal.metric == "accuracy" else goal.metric


def better(goal: Goal, degree: str = "er") -> str:
    """Write which value is better: higher or lower; with "est" the best.

    >>> better(Goal()), better(Goal("rmse", "minimize", False), "est")
    ('higher', 'lowest')
    """
    return f"{'low' if goal.sign < 0 else 'high'}{degree}"
