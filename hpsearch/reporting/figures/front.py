"""The configurations of a stage by each pair of objectives, the front before the others. May import NumPy."""

import itertools
from collections.abc import Sequence
from itertools import pairwise

from hpsearch.reporting import goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.ticks import Axis
from hpsearch.reporting.figures.style import colour, marker, number_axis, percent_axis, svg
from hpsearch.reporting.sections.ranking.front import BEHIND, NEAR, ON, FrontPoint, FrontView
from hpsearch.storage.records import Goal

SERIES = {ON: 0, NEAR: 4, BEHIND: 6}
"""The colour and the marker of each place."""

_LOGARITHMIC = 30.0
"""An axis of positive values of which the highest is so many times the lowest is logarithmic."""


def front_figures(front: FrontView) -> list[str]:
    """Return a figure for each pair of objectives: the later one, such as a cost, from left to right."""
    pairs = itertools.combinations(range(len(front.objectives)), 2)
    return [_pair(front, up, right) for up, right in pairs]


def _pair(front: FrontView, up: int, right: int) -> str:
    goals = front.objectives[up], front.objectives[right]

    def draw(axes: Axes) -> None:
        for which, k in (("y", up), ("x", right)):
            _scale(
                axes.yaxis if which == "y" else axes.xaxis,
                front.objectives[k],
                [point.values[k] for point in front.points],
            )
        for order, (where, series) in enumerate(reversed(SERIES.items())):
            mine = [point for point in front.points if point.where == where]
            across = [point.values[right] for point in mine]
            intervals = _intervals(mine) if up == 0 and where != BEHIND else None
            if intervals:
                axes.vlines(across, *intervals, color=colour(series), linewidth=0.8, alpha=1.0, zorder=3 + order)
            axes.plot(
                across,
                [point.values[up] for point in mine],
                color=colour(series),
                linestyle="none",
                marker=marker(series),
                markerfacecolor=colour(series) if where == ON else None,
                markersize=5.5,
                alpha=0.7 if where == BEHIND else 1.0,
                zorder=3 + order,
            )
        if len(front.objectives) == 2:
            _line(axes, front, goals[1])

    names = f"{goals[0].metric} and {goals[1].metric}"
    alt = f"The configurations of {front.stage} by {names}; the front is marked."
    legend = [(SERIES[where], where) for where in SERIES if any(point.where == where for point in front.points)]
    return svg(f"front {front.stage} {names}", alt, (4.7, 3.5), draw, legend)


def _intervals(points: Sequence[FrontPoint]) -> list[list[float]] | None:
    """The lower and upper ends of the main objective's intervals, None where it has none."""
    known = [point.row.validation for point in points]
    if not all(each and each.has_interval for each in known):
        return None
    estimates = [each for each in known if each]
    return [[e.low for e in estimates], [e.high for e in estimates]]


def _line(axes: Axes, front: FrontView, right: Goal) -> None:
    """Join the front by steps: beyond them nothing was found."""
    points = sorted((point.values[1], point.values[0]) for point in front.points if point.where == ON)
    corners = [(b[0], a[1]) if right.sign < 0 else (a[0], b[1]) for a, b in pairwise(points)]
    steps = [point for pair in zip(points, [*corners, points[-1]], strict=True) for point in pair]
    axes.plot([x for x, _ in steps], [y for _, y in steps], color=colour(0), linewidth=0.9)


def _scale(axis: Axis, goal: Goal, values: Sequence[float]) -> None:
    low, high = min(values), max(values)
    label = goal_text.axis(goal)
    if goal.share:
        percent_axis(axis, label)
    else:
        log = low > 0 and high / low >= _LOGARITHMIC
        room = (high / low) ** 0.05 if log else 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        edges = (low / room, high * room) if log else (low - room, high + room)
        number_axis(axis, *edges, log, least=low)
        axis.set_label(f"{label}{', logarithmic' * log}")
