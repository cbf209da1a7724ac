"""The best so far of each stage against epochs and against time. May import NumPy."""

from collections.abc import Mapping, Sequence

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import BACK, colour, limit, marker, marks, svg, value_axis, whole_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.progress.best_so_far import Course, best_so_far
from hpsearch.reporting.sections.progress.times import Span
from hpsearch.reporting.sections.ranking.stage import StageView

UNITS = ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
"""The axis of time has the largest unit of which it is at least two."""


def best_so_far_figures(frames: Frames, stages: Sequence[StageView], times: Mapping[int, Span]) -> list[str]:
    """Return the figure against epochs (of a function steps), and that against time where it is known."""
    found = best_so_far(frames, stages, times)
    spent = f"{frames.goal.unit}s"
    figures = [_figure(frames, stages, found.epochs, f"{spent} of all trials so far", spent, 1.0)]
    if found.seconds:
        last = found.seconds[-1].end
        size, unit = next((each for each in UNITS if last >= 2 * each[0]), UNITS[-1])
        figures.append(
            _figure(
                frames,
                stages,
                found.seconds,
                f"{unit}{' of training' * (not frames.goal.of_function)}, without pauses",
                "time",
                size,
            )
        )
    return [figure for figure in figures if figure]


def _figure(
    frames: Frames, stages: Sequence[StageView], courses: Sequence[Course], label: str, spent: str, size: float
) -> str:
    if not courses:
        return ""
    goal = frames.goal

    def draw(axes: Axes) -> None:
        for course in courses:
            at = [step.at / size for step in course.steps]
            values = [step.value for step in course.steps]
            ends = [*at[1:], course.end / size]
            stairs = [each for pair in zip(at, ends, strict=True) for each in pair]
            axes.plot(stairs, np.repeat(values, 2), color=colour(course.stage))
            axes.plot(
                at,
                values,
                color=colour(course.stage),
                linestyle="none",
                marker=marker(course.stage),
                markersize=5.5,
                markeredgecolor=BACK,
                markeredgewidth=0.5,
                zorder=4,
                trials=marks((course.stage, step.number) for step in course.steps),
            )
        if not goal.share:
            limit(axes, goal, [np.array([step.value for course in courses for step in course.steps])])
        axes.xaxis.set_limits(low=0)
        axes.xaxis.set_label(label)
        if spent != "time":
            whole_axis(axes.xaxis)
        value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))

    legend = [(course.stage, stages[course.stage].name) for course in courses]
    ends = [
        f"{name} {goal_text.text(goal, course.steps[-1].value)}"
        for course, (_, name) in zip(courses, legend, strict=True)
    ]
    alt = f"Best {goal.measured} so far against {spent}: at the end {formatting.listing(ends)}."
    return svg(f"best so far {spent}", alt, (4.7, 3.0), draw, legend)
