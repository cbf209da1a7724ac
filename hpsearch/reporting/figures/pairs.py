"""The objective over each pair of hyperparameters, better lighter. May import matplotlib."""

import itertools
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.hyperparameters import (
    RASTER,
    Configuration,
    HyperparameterAxis,
    hyperparameter_axes,
    searched_configurations,
)
from hpsearch.reporting.figures.style import INK, RULE, colour, marker, marks, number_axis, one_line, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.importance import StageImportance
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import Goal

HYPERPARAMETERS = 4
"""At most so many hyperparameters are paired: those that matter, else the first three."""

COLOURS = "cividis"
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
    norm = _norm(scored, goal)

    def draw(axes: Axes) -> None:
        for index in sorted({configuration.stage for configuration in scored}):
            # In this order the best is on top.
            mine = sorted((each for each in scored if each.stage == index), key=lambda each: each.score or 0.0)
            drawn = axes.scatter(
                [one.position(each.params) for each in mine],
                [other.position(each.params) for each in mine],
                c=[goal.sign * (each.score or 0.0) for each in mine],
                cmap=COLOURS if goal.sign > 0 else f"{COLOURS}_r",
                norm=norm,
                marker=marker(index),
                s=34,
                edgecolors=colour(index),
                linewidths=1.1,
                zorder=3 + index,
                rasterized=len(both) > RASTER,
                gid=None if len(both) > RASTER else marks((index, each.number) for each in mine),
            )
            best = [each for each in mine if each.best]
            for each in best:
                where = [one.position(each.params)], [other.position(each.params)]
                axes.plot(*where, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK, zorder=20)
        pruned = [each for each in both if each.pruned]
        for index in sorted({each.stage for each in pruned}):
            mine = [each for each in pruned if each.stage == index]
            where = [one.position(each.params) for each in mine], [other.position(each.params) for each in mine]
            hollow: dict[str, Any] = {
                "facecolors": "none",
                "edgecolors": colour(index),
                "linewidths": 0.7,
                "alpha": 0.6,
            }
            axes.scatter(*where, marker=marker(index), s=12, zorder=2, rasterized=len(both) > RASTER, **hollow)
        failed = [each for each in both if each.score is None and not each.pruned]
        positions = [one.position(each.params) for each in failed], [other.position(each.params) for each in failed]
        axes.plot(*positions, "x", color=INK, markersize=5, linestyle="none", zorder=2)
        _scale(axes, "x", one)
        _scale(axes, "y", other)
        assert axes.figure is not None
        bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02, aspect=28)
        bar.set_label(goal_text.measured_axis(goal))
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}" if goal.share else f"{value:,.5g}")
        bar.outline.set_visible(False)

    title = f"{one.label} and {other.label}"
    legend = [(index, stages[index].name) for index in sorted({each.stage for each in scored})]
    return svg(
        f"pair {one.key} {other.key}", f"{goal_text.measured_first(goal)} over {title}.", (4.7, 3.5), draw, legend
    )


def _norm(scored: Sequence[Configuration], goal: Goal) -> Normalize:
    """Use the whole colour map for all but the worst tenth, where small differences should be visible."""
    scores = sorted(configuration.score for configuration in scored if configuration.score is not None)
    low, high = scores[len(scores) // 10], scores[-1]
    low = low if high > low else low - 0.01
    return Normalize(low, high, clip=True) if goal.sign > 0 else Normalize(-high, -low, clip=True)


def _scale(axes: Axes, which: str, axis: HyperparameterAxis) -> None:
    each = axes.xaxis if which == "x" else axes.yaxis
    if axis.choices:
        names = [one_line(choice, 12) for choice in axis.choices]
        long = which == "x" and len(names) * max(map(len, names)) > 40
        each.set_ticks(range(len(names)), names, rotation=60 if long else 0)
        (axes.set_xlim if which == "x" else axes.set_ylim)(-0.5, len(names) - 0.5)
    else:
        factor = (axis.high / axis.low) ** 0.05 if axis.log else 0.0
        room = 0.05 * (axis.high - axis.low)
        low, high = (axis.low / factor, axis.high * factor) if axis.log else (axis.low - room, axis.high + room)
        number_axis(which, axes, low, high, axis.log, axis.whole, axis.low)
    each.set_label_text(f"{axis.label}{', logarithmic' if axis.log else ''}")
    axes.tick_params(color=RULE)
