"""The figure of a report's first screen: the best configurations of the last search stage, with their intervals.

Below them the best one's corrected score, and its score on the test set. May import NumPy.
"""

from collections.abc import Sequence
from functools import partial

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.ticks import linear_ticks
from hpsearch.reporting.figures.style import BACK, INK, colour, marker, marks, one_line, svg
from hpsearch.reporting.sections.ranking.rows import Estimate
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection.final_test import FinalTest
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy
from hpsearch.reporting.sections.summary import final, last_search

MOST = 8
"""At most so many configurations are drawn."""

Bar = tuple[str, float, float, float]
"""A name, a value, and the bounds of its interval."""


def best_figure(stages: Sequence[StageView], corrected: Sequence[CorrectedAccuracy], tested: FinalTest | None) -> str:
    """Return the figure, "" where fewer than two configurations have finished."""
    search = last_search(stages)
    if search is None or len(search.ranked) < 2:
        return ""
    index, goal = stages.index(search), search.goal
    rows = [(row, row.validation) for row in search.ranked[:MOST] if row.validation]
    measured = [_bar(f"{row.rank}  {row.trial}", each) for row, each in rows]
    further = _further(search, stages, corrected, tested)
    bars = [*measured, *further]

    def draw(axes: Axes) -> None:
        places = list(range(len(bars)))
        for place, (_, value, low, high) in zip(places, bars, strict=True):
            of = INK if place >= len(measured) else colour(index)
            axes.plot([low, high], [place, place], color=of, alpha=0.45, linewidth=2.2)
            if place >= len(measured):
                axes.plot([value], [place], color=INK, marker="D", markersize=5, markeredgecolor=BACK, zorder=4)
        axes.plot(
            [value for _, value, *_ in measured],
            places[: len(measured)],
            color=colour(index),
            linestyle="none",
            marker=marker(index),
            markersize=6.5,
            markeredgecolor=BACK,
            markeredgewidth=0.5,
            zorder=4,
            trials=marks((index, row.number) for row, _ in rows),
        )
        axes.axvline(measured[0][1], color=colour(index), linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        axes.yaxis.set_ticks(places, [one_line(name, 28) for name, *_ in bars])
        axes.yaxis.set_limits(len(bars) - 0.4, -0.6)
        axes.yaxis.grid, axes.yaxis.length = False, 0.0
        factor = 100 if goal.share else 1
        axes.xaxis.set_ticks(partial(linear_ticks, most=5), lambda value: f"{factor * value:,.5g}")
        axes.xaxis.set_label(goal_text.axis(goal))

    many = formatting.count(len(measured), "configuration")
    alt = f"{goal_text.measured_first(goal)} of the best {many} of {search.name}, with 95% intervals"
    alt += f"; below: {formatting.listing([name for name, *_ in further])}." if further else "."
    return svg("best", alt, (4.9, 0.75 + 0.24 * len(bars)), draw, [(index, search.name)])


def _bar(name: str, estimate: Estimate) -> Bar:
    return name, estimate.value, estimate.low, estimate.high


def _further(
    search: StageView,
    stages: Sequence[StageView],
    corrected: Sequence[CorrectedAccuracy],
    tested: FinalTest | None,
) -> list[Bar]:
    """Return the best one's corrected score, with any seed where that is known, and its mean on the test set."""
    sign, found = search.goal.sign, next((each for each in corrected if each.stage == search.name), None)
    bars: list[Bar] = []
    if found:
        score: tuple[float, float, float] = (found.chosen.corrected, found.chosen.low, found.chosen.high)
        if found.worth:
            score = (found.worth.score, found.worth.low, found.worth.high)
        value, *edges = (sign * each for each in score)
        bars.append(("best, corrected", value, min(edges), max(edges)))
    last = final(stages)
    if tested and last:
        bars.append(("best, test set", tested.mean, tested.low, tested.high))
    return bars
