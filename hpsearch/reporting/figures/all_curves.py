"""The objective by epoch of all trials of each search stage, the best one thick. May import matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hpsearch.reporting import goal_text
from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.figures.style import colour, limit, marks, svg, value_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView

MOST = 60
"""At most so many curves of a stage are drawn, the best ones."""

POINTS = 60
"""At most so many epochs of a curve are drawn."""


def all_curves(frames: Frames, stages: Sequence[StageView]) -> list[tuple[str, str]]:
    """Return a figure of each search stage with several curves, and what it shows."""
    searched = [(index, stage) for index, stage in enumerate(stages) if stage.kind != "final" and len(stage.rows) > 1]
    if not searched:
        return []
    curves = curves_of(frames)
    figures = [_figure(frames, index, stage, curves) for index, stage in searched]
    return [figure for figure in figures if figure]


def _figure(frames: Frames, index: int, stage: StageView, curves: dict[int, Curve]) -> tuple[str, str] | None:
    known = [(row, curves[row.trial_ids[0]]) for row in stage.rows if row.trial_ids[0] in curves]
    shown, goal = known[:MOST], frames.goal
    if len(shown) < 2:
        return None

    def draw(axes: Axes) -> None:
        for place, (row, curve) in reversed(list(enumerate(shown))):
            step = -(-len(curve.epoch) // POINTS)
            at = np.unique([*range(0, len(curve.epoch), step), len(curve.epoch) - 1])
            axes.plot(
                np.asarray(curve.epoch)[at],
                np.asarray(curve.objective)[at],
                color=colour(index),
                alpha=1.0 if place == 0 else 0.5,
                linewidth=2.0 if place == 0 else 0.9,
                zorder=4 if place == 0 else 2,
                gid=marks([(index, row.number)]),
            )
        limit(axes, goal, [np.asarray(curve.objective) for _, curve in shown])
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        value_axis(axes, goal, f"validation {goal_text.axis(goal)}")

    what = "configuration" if stage.replication else "trial"
    whose = f"the best {MOST} of {len(known):,} {what}s" if len(known) > MOST else f"all {len(known):,} {what}s"
    first = f", of each its first {stage.replication.noun}" if stage.replication else ""
    caption = f"{stage.name}: {whose}{first}"
    alt = f"Validation {goal.metric} by epoch of {whose} of {stage.name}; the best has the thick line."
    return svg(f"all {stage.name}", alt, (4.7, 3.0), draw), caption
