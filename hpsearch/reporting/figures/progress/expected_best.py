"""The expected best of so many random configurations, with the band of the median best. May import our views."""

import math
from collections.abc import Sequence

from hpsearch.reporting import goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import colour, marker, svg, value_axis
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection.expected_best import BestBySizes
from hpsearch.reporting.statistics.expected_best import ExpectedBest

FAR = 1.5
"""The axis ends so many times as far from the best as the expected best of two, since that of one may be far off."""


def expected_best_figure(tables: Sequence[BestBySizes], stages: Sequence[StageView]) -> str:
    """Return the figure of the stages that have such a table, "" without any."""
    if not tables:
        return ""
    places = {stage.name: index for index, stage in enumerate(stages)}
    goal = stages[0].goal
    numbers = max(([each.configurations for each in table.points] for table in tables), key=len)

    # Of the first, which may be far off, the axis need not have all.
    best = max(table.points[-1].mean for table in tables)
    worst = min(_start(table) for table in tables)
    highest = max([best, *(each.high for table in tables for each in table.points if math.isfinite(each.high))])
    room = 0.05 * (highest - worst) or 0.05 * abs(best) or 1.0
    bottom, top = worst - room, highest + room

    def draw(axes: Axes) -> None:
        for table in tables:
            index, points = places[table.stage], table.points
            at = [each.configurations for each in points]
            low, high = ([goal.sign * min(max(edge, bottom), top) for edge in edges] for edges in _band(points))
            axes.fill_between(at, low, high, color=colour(index), alpha=0.12)
            means = [goal.sign * each.mean for each in points]
            axes.plot(at, means, color=colour(index), marker=marker(index), markersize=5)
        axes.xaxis.log = True
        axes.xaxis.set_ticks(numbers if len(numbers) < 9 else numbers[::2])
        axes.xaxis.set_label("random configurations, logarithmic")
        axes.yaxis.set_limits(*sorted((goal.sign * bottom, goal.sign * top)))
        value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))

    alt = f"Expected best {goal.measured} by the number of random configurations."
    return svg("expected best", alt, (4.7, 3.0), draw, [(places[table.stage], table.stage) for table in tables])


def _band(points: Sequence[ExpectedBest]) -> tuple[list[float], list[float]]:
    return [each.low for each in points], [each.high for each in points]


def _start(table: BestBySizes) -> float:
    """The lowest score that the axis has to show."""
    means = [each.mean for each in table.points]
    return max(means[0], means[-1] - FAR * (means[-1] - means[min(1, len(means) - 1)]))
