"""Learning curves of stages without a pruner in which trials stopped early. May import NumPy."""

import math
from collections import Counter
from collections.abc import Sequence

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import INK, colour, limit, svg, value_axis, whole_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Record, stopped_early
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import Goal

RUNG, MOST = 2, 150
"""So many pruned curves that end at one epoch make it a rung; at most so many pruned curves, and others, are drawn."""


def early_stopping_figures(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return a figure for each search stage without a pruner in which any trial was stopped early."""
    by_stage = frames.by_stage
    names = [stage.name for stage in stages if stage.kind != "final"]
    stopped = {name: _any_stopped(by_stage[name]) for name in names}
    if not any(stopped.values()):
        return []
    curves = curves_of(frames)
    shown = [(index, name) for index, name in enumerate(names) if stopped[name]]
    return [_figure(index, name, by_stage[name], curves, frames.goal) for index, name in shown]


def _any_stopped(trials: Sequence[Record]) -> bool:
    """Whether any trial of a stage stopped early, but none by a pruner, which has a figure of its own."""
    pruner = any(trial["pruned_at"] for trial in trials)
    return not pruner and any(trial["state"] == "pruned" or stopped_early(trial) for trial in trials)


def _figure(index: int, stage: str, trials: Sequence[Record], curves: dict[int, Curve], goal: Goal) -> str:
    known = [(trial, curves[trial["id"]]) for trial in trials if trial["id"] in curves]
    pruned = Counter(int(curve.epoch[-1]) for trial, curve in known if trial["state"] == "pruned")
    early = sum(stopped_early(trial) for trial, _ in known)
    shown = _some([pair for pair in known if pair[0]["state"] == "pruned"])
    shown += _some([pair for pair in known if pair[0]["state"] != "pruned"])
    rungs = sorted(epoch for epoch, number in pruned.items() if number >= RUNG)

    def draw(axes: Axes) -> None:
        for trial, curve in shown:
            stopped = trial["state"] == "pruned" or stopped_early(trial)
            _curve(axes, trial, curve, index, faint=stopped)
        for epoch in rungs:
            axes.axvline(epoch, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        limit(axes, goal, [curve.objective for _, curve in shown])
        axes.set_title(stage)
        axes.xaxis.set_label(goal.unit)
        whole_axis(axes.xaxis)
        value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))

    said = [f"{formatting.count(sum(pruned.values()), 'trial')} pruned"] if pruned else []
    said += [f"{formatting.count(early, 'trial')} stopped early"] if early else []
    where = f", with rungs at {goal.unit}s {formatting.numbers(rungs)}" if rungs else ""
    alt = f"{goal_text.measured_first(goal)} by {goal.unit} of the trials of {stage}:"
    alt += f" {formatting.listing(said)}{where}."
    return svg(f"early stopping {stage}", alt, (5.2, 3.3), draw)


def _some(trials: Sequence[tuple[Record, Curve]]) -> list[tuple[Record, Curve]]:
    """Return at most `MOST` of the trials, at equal distances, with the first."""
    step = math.ceil(len(trials) / MOST) or 1
    return list(trials[::step])


def _curve(axes: Axes, trial: Record, curve: Curve, index: int, faint: bool) -> None:
    end = curve.epoch[-1:], curve.objective[-1:]
    first = trial["rank"] == 1
    axes.plot(
        curve.epoch,
        curve.objective,
        color=colour(index),
        alpha=0.35 if faint else 1.0 if first else 0.75,
        linewidth=2.2 if first else 1.0,
        zorder=4 if first else 2,
    )
    if trial["state"] == "pruned":
        axes.plot(*end, marker="x", color=INK, markersize=5, zorder=5)
    elif faint:
        axes.plot(*end, marker="|", color=INK, markersize=9, zorder=5)
    elif trial["state"] == "complete":
        axes.plot(*end, marker="o", color=colour(index), markersize=4, zorder=5)
