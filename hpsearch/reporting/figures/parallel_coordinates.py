"""Parallel coordinates of all hyperparameters and the objective, better above. May import NumPy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.hyperparameters import (
    Configuration,
    HyperparameterAxis,
    hyperparameter_axes,
    searched_configurations,
)
from hpsearch.reporting.figures.style import INK, colour, marker, marks, one_line, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.spec.spaces.branches import belonging
from hpsearch.storage.records import Goal

LINES = 300
"""At most so many configurations are drawn, the best ones."""


ABSENT = -0.15
"""The height of a hyperparameter that a configuration does not have, because it belongs to another choice."""


@dataclass(frozen=True)
class Coordinates:
    """The axes, the configurations that are drawn, best first, and the range of their scores."""

    axes: list[HyperparameterAxis]
    best: list[Configuration]
    low: float
    high: float


def coordinates(frames: Frames, stages: Sequence[StageView]) -> Coordinates | None:
    """Return what is drawn, None with fewer than two hyperparameters of several values, or two configurations."""
    configurations = searched_configurations(frames, stages)
    axes = hyperparameter_axes(frames, stages, configurations)
    scored = [each for each in configurations if each.score is not None]
    inner = {key for space in frames.stages["space"] for key in belonging(space or {})}
    complete = [each for each in scored if all(axis.key in each.params or axis.key in inner for axis in axes)]
    best = sorted(complete, key=lambda each: -(each.score or 0.0))[: min(LINES, math.ceil(0.9 * len(complete)))]
    if len(axes) < 2 or len(best) < 2:
        return None
    scores = [each.score or 0.0 for each in best]
    return Coordinates(axes, best, min(scores), max(scores))


def brush_data(frames: Frames, stages: Sequence[StageView]) -> dict[str, Any] | None:
    """Return what the page's script needs to keep configurations within ranges: the axes, and the place on each.

    The place of a choice is its index. Those that are not drawn, as the pruned, have places too; a failed one has none
    on the last axis, the objective.
    """
    found = coordinates(frames, stages)
    if found is None:
        return None
    goal = frames.goal
    axes: list[dict[str, Any]] = [
        {"name": axis.label, "log": axis.log, "low": axis.low, "high": axis.high}
        | ({"choices": axis.choices} if axis.choices else {})
        for axis in found.axes
    ]
    low, high = goal.sign * found.low, goal.sign * found.high
    axes.append({"name": goal_text.axis(goal), "log": False, "low": low, "high": high, "share": goal.share})
    params = {trial["id"]: trial["params"] for trial in frames.rows}
    at = {
        f"{each.stage}:{each.number}": [*_places(found.axes, each.params), _short(goal.sign * (each.score or 0.0))]
        for each in found.best
    }
    for index, stage in enumerate(stages):
        for row in stage.shown if stage.kind != "final" else ():
            value = _short(row.validation.value) if row.validation else None
            at[f"{index}:{row.number}"] = [*_places(found.axes, params[row.trial_ids[0]]), value]
    return {"axes": axes, "at": at}


def _places(axes: Sequence[HyperparameterAxis], params: dict[str, Any]) -> list[float | None]:
    return [_short(axis.position(params)) if _has(axis, params) else None for axis in axes]


def _has(axis: HyperparameterAxis, params: dict[str, Any]) -> bool:
    """Whether a configuration has a place on an axis; a value that no finished one has may be missing there."""
    return axis.key in params and (not axis.choices or formatting.any_value(params[axis.key]) in axis.choices)


def _short(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def parallel_coordinates(frames: Frames, stages: Sequence[StageView]) -> str:
    """Return the figure, "" where there is nothing to draw."""
    found = coordinates(frames, stages)
    if found is None:
        return ""
    axes, best, low, high, goal = found.axes, found.best, found.low, found.high, frames.goal

    def draw(plot: Axes) -> None:
        for index, each in reversed(list(enumerate(best))):
            height = ((each.score or 0.0) - low) / ((high - low) or 1.0)
            heights = [*(axis.share(each.params) if axis.key in each.params else ABSENT for axis in axes), height]
            above = 1 - index / len(best)  # the share of configurations that are not better
            plot.plot(
                range(len(heights)),
                heights,
                color=colour(each.stage),
                alpha=1.0 if each.best else 0.12 + 0.6 * above**2,
                linewidth=2.4 if each.best else 0.7 + 0.8 * above,
                marker=marker(each.stage) if each.best else None,
                markersize=5,
                zorder=4 if each.best else 2,
                trials=marks([(each.stage, each.number)]),
            )
        names = [*(axis.label for axis in axes), goal_text.axis(goal)]
        plot.xaxis.set_ticks(range(len(names)), names)
        plot.xaxis.set_limits(-0.3, len(names) - 0.55)
        absent = [i for i, axis in enumerate(axes) if any(axis.key not in each.params for each in best)]
        plot.yaxis.set_limits(ABSENT - 0.04 if absent else -0.04, 1.04)
        for index in absent:
            plot.text(index + 0.04, ABSENT, "none", size=8, zorder=6)
        plot.yaxis.set_ticks([])
        plot.xaxis.length, plot.xaxis.other = 0.0, True
        plot.xaxis.line = plot.yaxis.line = False
        edges = tuple(_edge(goal, goal.sign * score) for score in (low, high))
        ends = [*(_ends(axis) for axis in axes), edges]
        for index, texts in enumerate(ends):
            plot.plot([index, index], [0, 1], color=INK, linewidth=0.8, zorder=3, part=f"axis {index}")
            for height, text in zip((0.0, 1.0), texts, strict=True):
                plot.text(index + 0.04, height, text, size=8, zorder=6, paper=True)

    legend = [(index, stages[index].name) for index in sorted({each.stage for each in best})]
    names = formatting.listing([axis.label for axis in axes])
    alt = f"Parallel coordinates of {names} and the {goal.measured}."
    return svg("parallel", alt, (2.0 + 1.5 * len(axes), 3.6), draw, legend)


def _edge(goal: Goal, value: float) -> str:
    return f"{100 * value:.4g}" if goal.share else f"{value:,.4g}"


def _ends(axis: HyperparameterAxis) -> tuple[str, str]:
    if axis.choices:
        return one_line(axis.choices[0], 10), one_line(axis.choices[-1], 10)
    low, high = formatting.uniform([float(f"{edge:.3g}") for edge in (axis.low, axis.high)])
    return low, high
