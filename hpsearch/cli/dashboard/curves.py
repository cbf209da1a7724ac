"""`dashboard`: learning curves as SVG that fits any width; its labels are text beside it, which keeps its size.

May import storage's records.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.cli.dashboard.markup import escaped
from hpsearch.storage.records import Goal

SHOWN = 5
"""So many curves have a colour of their own."""

POINTS = 120
"""A curve has at most so many points; of more epochs each is a mean of several."""

_WIDTH, _HEIGHT = 1000.0, 400.0


@dataclass(frozen=True)
class Curve:
    """A trial's objective by epoch; `colour` 1 to SHOWN, 0 for those in the background."""

    values: Sequence[float]
    colour: int = 0


def plot(curves: Sequence[Curve], epochs: int, goal: Goal, alt: str) -> str:
    """The curves against epochs from 1 to `epochs`, in HTML; "" where there is none."""
    last = max(epochs, 2, *(len(curve.values) for curve in curves)) if curves else 0
    every = -(-last // POINTS)
    means = [Curve(_means(curve.values, every), curve.colour) for curve in curves]
    finite = [[value for value in curve.values if math.isfinite(value)] for curve in means]
    if not any(finite):
        return ""
    low, high = _range(finite, goal)
    ticks = ticks_of(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    drawn = sorted(means, key=lambda curve: -curve.colour if curve.colour else -math.inf)  # the best on top
    lines = "".join(_line(curve, every, last, low, high) for curve in drawn)
    levels = [_y(tick, low, high) for tick in ticks]
    grid = "".join(f'<line class="grid" x1="0" x2="{_WIDTH:g}" y1="{y}" y2="{y}"/>' for y in levels)
    places = _places(ticks[1] - ticks[0], goal)
    labels = "".join(
        f'<span style="top:{100 * _y(tick, low, high) / _HEIGHT:.2f}%">{escaped(_label(tick, places, goal))}</span>'
        for tick in ticks
    )
    below = "".join(
        f'<span style="left:{100 * (epoch - 1) / (last - 1):.2f}%">{epoch:,}</span>' for epoch in whole_ticks(last)
    )
    return (
        f'<figure class="plot"><figcaption>{escaped(_caption(goal, every))}</figcaption>'
        f'<div class="y" aria-hidden="true">{labels}</div>'
        f'<svg role="img" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none"><title>{escaped(alt)}</title>'
        f'{grid}{lines}</svg><div class="x" aria-hidden="true">{below}</div></figure>'
    )


def _range(finite: Sequence[Sequence[float]], goal: Goal) -> tuple[float, float]:
    """Without the worst 10% of the values: else the first epochs would flatten the rest."""
    values = sorted(value for curve in finite for value in curve)
    cut = len(values) // 10
    low, high = (values[cut], values[-1]) if goal.sign > 0 else (values[0], values[-1 - cut])
    return (low, high) if high > low else (low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1))


def ticks_of(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span a range.

    >>> ticks_of(0.62, 0.97)
    [0.6, 0.7, 0.8, 0.9, 1.0]
    """
    step = 10 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10):
        first, last = math.floor(low / (factor * step) + 1e-9), math.ceil(high / (factor * step) - 1e-9)
        if last - first <= most:
            break
    return [round(number * factor * step, 12) for number in range(first, last + 1)]


def whole_ticks(last: int) -> list[int]:
    """Round epochs from 1 to the last, which is one of them.

    >>> whole_ticks(20), whole_ticks(3)
    ([1, 5, 10, 15, 20], [1, 2, 3])
    """
    step = next(factor * 10**power for power in range(12) for factor in (1, 2, 5) if last <= 5 * factor * 10**power)
    inner = [epoch for epoch in range(step, last, step) if epoch > 1 and last - epoch > 0.6 * step]
    return [1, *inner, last]


def _places(step: float, goal: Goal) -> int:
    return max(0, -math.floor(math.log10(100 * step if goal.share else step) + 1e-9))


def _label(tick: float, places: int, goal: Goal) -> str:
    if goal.share:
        return f"{100 * tick:.{places}f}%"
    return f"{tick:.3g}" if abs(tick) >= 1e5 or places > 5 else f"{tick:,.{places}f}"


def _y(value: float, low: float, high: float) -> float:
    return round(_HEIGHT * (1 - (value - low) / (high - low)), 1)


def _caption(goal: Goal, every: int) -> str:
    return f"{goal.measured} by {goal.unit}" + (f", means of {every} {goal.unit}s" if every > 1 else "")


def _means(values: Sequence[float], every: int) -> list[float]:
    """Of so many epochs each: the jumps of hundreds of epochs would hide one curve behind the other."""
    return [fmean(values[start : start + every]) for start in range(0, len(values), every)]


def _line(curve: Curve, every: int, last: int, low: float, high: float) -> str:
    points = []
    for index, value in enumerate(curve.values):
        epoch = min(index * every + (every - 1) / 2, last - 1)
        if math.isfinite(value):
            inside = min(max(value, 2 * low - high), 2 * high - low)  # beyond the frame, which cuts it off
            points.append(f"{_WIDTH * epoch / (last - 1):.1f},{_y(inside, low, high)}")
    if not points:
        return ""
    if len(points) == 1:
        points *= 2  # a line of no length has round ends, and so is a dot
    return f'<polyline class="c{curve.colour}" points="{" ".join(points)}"/>'
