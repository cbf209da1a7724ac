"""What ran when: a bar for each cohort of trials. May import our views."""

from collections.abc import Mapping, Sequence
from functools import partial

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.scene import Paint
from hpsearch.reporting.figures.drawing.ticks import linear_ticks
from hpsearch.reporting.figures.progress.best_so_far import UNITS
from hpsearch.reporting.figures.style import BACK, colour, marks, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.progress.times import Span
from hpsearch.reporting.sections.ranking.stage import StageView

BARS = 1_500
"""Of more bars there is no figure: they would be thinner than a line."""


def timeline_figure(frames: Frames, stages: Sequence[StageView], times: Mapping[int, Span]) -> str:
    """Return the figure, "" where the times are not known or there are too many bars.

    Trials that began and ended together trained together. A bar is in the lowest row that is free when it begins, so
    that there are as many rows as trained at once: which worker it was is not stored.
    """
    places = {stage.name: index for index, stage in enumerate(stages)}
    cohorts: dict[tuple[Span, int], list[int]] = {}
    for trial in frames.rows:
        if trial["id"] in times:
            cohorts.setdefault((times[trial["id"]], places[trial["stage"]]), []).append(trial["number"])
    if not 2 <= len(cohorts) <= BARS:
        return ""
    last = max(end for (_, end), _ in cohorts)
    size, unit = next((each for each in UNITS if last >= 2 * each[0]), UNITS[-1])
    free: list[float] = []
    bars = []
    for (begin, end), stage in sorted(cohorts):
        row = next((row for row, until in enumerate(free) if until <= begin), len(free))
        free[row : row + 1] = [end]
        bars.append((row, begin / size, (end - begin) / size, stage, cohorts[(begin, end), stage]))

    def draw(axes: Axes) -> None:
        for row, begin, length, stage, numbers in bars:
            paint = Paint(BACK, 0.5, colour(stage))
            trials = marks((stage, number) for number in numbers)
            axes.rectangle((begin, begin + length), (row - 0.4, row + 0.4), paint, trials=trials)
            if len(numbers) > 1 and length * size > 0.03 * last:
                axes.text(begin + length / 2, row, f"{len(numbers)}", align="center", size=8, light=True)
        axes.yaxis.set_limits(len(free) - 0.4, -0.6)
        axes.yaxis.set_ticks([])
        axes.yaxis.grid = axes.yaxis.line = False
        axes.xaxis.set_limits(0, last / size)
        axes.xaxis.set_ticks(partial(linear_ticks, most=8))
        axes.xaxis.set_label(f"{unit} since the first trial began")

    shown = sorted({stage for *_, stage, _ in bars})
    noun = "bar" if frames.goal.of_function else "cohort"
    alt = f"{formatting.count(sum(map(len, cohorts.values())), 'trial')} in {formatting.count(len(bars), noun)},"
    alt += f" over {last / size:,.3g} {unit}; at most {formatting.count(len(free), noun)} at once."
    legend = [(stage, stages[stage].name) for stage in shown]
    return svg("timeline", alt, (9.6, 0.7 + min(4.0, 0.26 * len(free))), draw, legend)
