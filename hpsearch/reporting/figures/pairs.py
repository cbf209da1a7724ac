"""The objective over each pair of hyperparameters, better lighter. May import NumPy."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.ticks import Axis
from hpsearch.reporting.figures.hyperparameters import (
    MANY,
    Configuration,
    HyperparameterAxis,
    hyperparameter_axes,
    searched_configurations,
)
from hpsearch.reporting.figures.style import INK, colour, marker, marks, number_axis, one_line, svg, value_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.importance import StageImportance
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import Goal

HYPERPARAMETERS = 4
"""At most so many hyperparameters are paired: those that matter, else the first three."""

CIVIDIS = tuple(
    tuple(bytes.fromhex(tone))
    for tone in (
        *("00224e", "00306f", "263d6e", "3e4b6c", "51586d", "636670", "747475"),
        *("858279", "989277", "aca172", "c0b16a", "d5c25e", "ebd44b", "fee838"),
    )
)
"""A map from dark blue to yellow of increasing lightness, for all kinds of colour vision and for print."""


def pair_figures(frames: Frames, stages: Sequence[StageView], importances: Sequence[StageImportance] = ()) -> list[str]:
    """Return a figure for each pair of hyperparameters that matter, which have several values.

    Those matter that have a statistically significant influence in any stage, by their highest importance. Where fewer
    than two have, the two with the highest, and where importance is not known the first ones.
    """
    configurations = searched_configurations(frames, stages)
    chosen = _that_matter(hyperparameter_axes(frames, stages, configurations), importances)
    figures = [_pair(*pair, stages, configurations, frames.goal) for pair in itertools.combinations(chosen, 2)]
    return [figure for figure in figures if figure]


def left_out(frames: Frames, stages: Sequence[StageView], importances: Sequence[StageImportance]) -> str:
    """Return a sentence on the hyperparameters without such a figure, "" where all have one."""
    axes = hyperparameter_axes(frames, stages, searched_configurations(frames, stages))
    chosen = _that_matter(axes, importances)
    labels = [axis.label for axis in axes if axis not in chosen]
    known = any(stage.hyperparameters for stage in importances)
    why = "they are less important" if known else "these are the first ones"
    return f"Pairs with {formatting.listing(labels)} are left out: {why}." if labels and len(axes) > 1 else ""


def _that_matter(
    axes: Sequence[HyperparameterAxis], importances: Sequence[StageImportance]
) -> Sequence[HyperparameterAxis]:
    rated: dict[str, tuple[bool, float]] = {}
    for each in (each for stage in importances for each in stage.hyperparameters):
        rated[each.key] = max(rated.get(each.key, (False, 0.0)), (each.significant, each.share))
    known = sorted((axis for axis in axes if axis.key in rated), key=lambda axis: rated[axis.key], reverse=True)
    if len(known) < 2:
        return axes[: HYPERPARAMETERS - 1]
    significant = sum(rated[axis.key][0] for axis in known)
    return known[: min(HYPERPARAMETERS, max(2, significant))]


def _pair(
    one: HyperparameterAxis,
    other: HyperparameterAxis,
    stages: Sequence[StageView],
    configurations: Sequence[Configuration],
    goal: Goal,
) -> str:
    both = [
        configuration
        for configuration in configurations
        if one.key in configuration.params and other.key in configuration.params
    ]
    scored = [configuration for configuration in both if configuration.score is not None]
    if len(scored) < 2:
        return ""
    low, high = _range(scored)

    def draw(axes: Axes) -> None:
        for index in sorted({configuration.stage for configuration in scored}):
            # In this order the best is on top.
            mine = sorted((each for each in scored if each.stage == index), key=lambda each: each.score or 0.0)
            axes.scatter(
                [one.position(each.params) for each in mine],
                [other.position(each.params) for each in mine],
                [_tone(((each.score or 0.0) - low) / (high - low)) for each in mine],
                marker=marker(index),
                markersize=5.8,
                markeredgecolor=colour(index),
                markeredgewidth=1.1,
                zorder=3 + index,
                trials="" if len(both) > MANY else marks((index, each.number) for each in mine),
            )
            best = [each for each in mine if each.best]
            for each in best:
                where = [one.position(each.params)], [other.position(each.params)]
                axes.plot(*where, color=INK, marker="o", markersize=12, markerfacecolor=None, zorder=20)
        pruned = [each for each in both if each.pruned]
        for index in sorted({each.stage for each in pruned}):
            mine = [each for each in pruned if each.stage == index]
            where = [one.position(each.params) for each in mine], [other.position(each.params) for each in mine]
            hollow: dict[str, Any] = {"markersize": 3.5, "markerfacecolor": None, "markeredgewidth": 0.7, "alpha": 0.6}
            axes.plot(*where, color=colour(index), linestyle="none", marker=marker(index), **hollow)
        failed = [each for each in both if each.score is None and not each.pruned]
        positions = [one.position(each.params) for each in failed], [other.position(each.params) for each in failed]
        axes.plot(*positions, color=INK, linestyle="none", marker="x", markersize=5)
        _scale(axes.xaxis, one, turned=True)
        _scale(axes.yaxis, other)
        bar = Axis()
        bar.set_limits(*sorted((goal.sign * low, goal.sign * high)))
        value_axis(bar, goal, goal_text.measured_axis(goal), digits=5)
        axes.colourbar([_tone(share) for share in np.linspace(0, 1, 48)[:: int(goal.sign)].tolist()], bar)

    title = f"{one.label} and {other.label}"
    legend = [(index, stages[index].name) for index in sorted({each.stage for each in scored})]
    return svg(
        f"pair {one.key} {other.key}", f"{goal_text.measured_first(goal)} over {title}.", (4.7, 3.5), draw, legend
    )


def _tone(share: float) -> str:
    """Return the colour of a score: 0 and less is dark, 1 light."""
    at = np.linspace(0, 1, len(CIVIDIS))
    return "#" + "".join(f"{round(np.interp(share, at, part)):02x}" for part in zip(*CIVIDIS, strict=True))


def _range(scored: Sequence[Configuration]) -> tuple[float, float]:
    """Return the scores of the ends of the colour map: of all but the worst tenth, so that small differences show."""
    scores = sorted(configuration.score for configuration in scored if configuration.score is not None)
    low, high = scores[len(scores) // 10], scores[-1]
    return (low, high) if high > low else (low - 0.01, high)


def _scale(each: Axis, axis: HyperparameterAxis, turned: bool = False) -> None:
    if axis.choices:
        names = [one_line(choice, 12) for choice in axis.choices]
        long = turned and len(names) * max(map(len, names)) > 40
        each.set_ticks(range(len(names)), names, rotation=60 if long else 0)
        each.set_limits(-0.5, len(names) - 0.5)
    else:
        factor = (axis.high / axis.low) ** 0.05 if axis.log else 0.0
        room = 0.05 * (axis.high - axis.low)
        low, high = (axis.low / factor, axis.high * factor) if axis.log else (axis.low - room, axis.high + room)
        number_axis(each, low, high, axis.log, axis.whole, axis.low)
    each.set_label(f"{axis.label}{', logarithmic' if axis.log else ''}")
