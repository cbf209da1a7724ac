"""Pictures of several searched keys at once: accuracy over each pair of them, and parallel coordinates.

May import matplotlib.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.search import RASTER, key_picture
from hpsearch.reporting.figures.style import BACK, INK, RULE, colour, marker, number_axis, one_line, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking_rows import Row
from hpsearch.reporting.sections.stage import StageView, searched_keys

KEYS, LINES = 5, 300
"""At most so many keys are paired, the first ones; at most so many configurations are drawn as lines, the best of each."""

COLOURS = "cividis"
"""From dark blue to yellow, ever lighter: read alike with every kind of colour vision, and in grey."""


@dataclass(frozen=True)
class Configuration:
    """One configuration as it is drawn: which stage's, its values by key, its accuracy, whether it is its stage's best.

    The accuracy is None where it was pruned, or failed.
    """

    stage: int
    params: dict[str, Any]
    share: float | None
    best: bool
    pruned: bool


@dataclass(frozen=True)
class KeyAxis:
    """How one key is drawn: on a number axis, logarithmic or not, or with a place for each choice."""

    key: str
    label: str
    log: bool
    choices: tuple[str, ...]
    low: float
    high: float

    def place(self, params: dict[str, Any]) -> float:
        """Return where a configuration stands on it."""
        value = params[self.key]
        return float(self.choices.index(formatting.any_value(value))) if self.choices else float(value)

    def share(self, params: dict[str, Any]) -> float:
        """Return the same as a share of the axis' length."""
        scale = math.log if self.log else float
        span = scale(self.high) - scale(self.low)
        return (scale(self.place(params)) - scale(self.low)) / span if span else 0.5


def several_keys(frames: Frames, stages: Sequence[StageView]) -> tuple[list[str], str]:
    """Return a figure for each pair of searched keys, and that of parallel coordinates, "" with fewer than two keys."""
    configurations = _configurations(frames, stages)
    axes = _axes(frames, stages, configurations)
    if len(axes) < 2 or not any(configuration.share is not None for configuration in configurations):
        return [], ""
    pairs = [_pair(one, other, stages, configurations) for one, other in itertools.combinations(axes[:KEYS], 2)]
    return [figure for figure in pairs if figure], _parallel(axes, stages, configurations)


def _configurations(frames: Frames, stages: Sequence[StageView]) -> list[Configuration]:
    params = {trial["id"]: trial["params"] for trial in frames.rows}
    return [
        Configuration(index, params[row.trial_ids[0]], _share(row), row.rank == "1", row.state == "pruned")
        for index, stage in enumerate(stages)
        if stage.kind != "final"
        for row in stage.drawn
        if row.validation or row.state == "failed"
    ]


def _share(row: Row) -> float | None:
    return row.validation.share if row.validation and row.state not in ("failed", "pruned") else None


def _axes(frames: Frames, stages: Sequence[StageView], configurations: Sequence[Configuration]) -> list[KeyAxis]:
    """Return an axis for each searched key of which more than one value was tried."""
    labels = formatting.labels(searched_keys(frames.trials["params"]))
    found = []
    for key, label in labels.items():
        picture = key_picture(frames, stages, key)
        values = [configuration.params[key] for configuration in configurations if key in configuration.params]
        if len({formatting.any_value(value) for value in values}) < 2:
            continue
        numbers = [float(value) for value in values] if not picture.choices else [0.0, len(picture.choices) - 1.0]
        low, high = min(numbers), max(numbers)
        found.append(KeyAxis(key, one_line(label, 24), picture.log, picture.choices, low, high))
    return found


def _pair(one: KeyAxis, other: KeyAxis, stages: Sequence[StageView], configurations: Sequence[Configuration]) -> str:
    both = [
        configuration
        for configuration in configurations
        if one.key in configuration.params and other.key in configuration.params
    ]
    scored = [configuration for configuration in both if configuration.share is not None]
    if len(scored) < 2:
        return ""
    norm = _norm(scored)

    def draw(axes: Axes) -> None:
        for index in sorted({configuration.stage for configuration in scored}):
            # The best last, so that it lies on top.
            mine = sorted((each for each in scored if each.stage == index), key=lambda each: each.share or 0.0)
            drawn = axes.scatter(
                [one.place(each.params) for each in mine],
                [other.place(each.params) for each in mine],
                c=[each.share or 0.0 for each in mine],
                cmap=COLOURS,
                norm=norm,
                marker=marker(index),
                s=34,
                edgecolors=colour(index),
                linewidths=1.1,
                zorder=3 + index,
                rasterized=len(both) > RASTER,
            )
            best = [each for each in mine if each.best]
            for each in best:
                where = [one.place(each.params)], [other.place(each.params)]
                axes.plot(*where, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK, zorder=20)
        cut = [each for each in both if each.pruned]
        for index in sorted({each.stage for each in cut}):
            mine = [each for each in cut if each.stage == index]
            where = [one.place(each.params) for each in mine], [other.place(each.params) for each in mine]
            hollow: dict[str, Any] = {
                "facecolors": "none",
                "edgecolors": colour(index),
                "linewidths": 0.7,
                "alpha": 0.6,
            }
            axes.scatter(*where, marker=marker(index), s=12, zorder=2, rasterized=len(both) > RASTER, **hollow)
        failed = [each for each in both if each.share is None and not each.pruned]
        places = [one.place(each.params) for each in failed], [other.place(each.params) for each in failed]
        axes.plot(*places, "x", color=INK, markersize=5, linestyle="none", zorder=2)
        _scale(axes, "x", one)
        _scale(axes, "y", other)
        assert axes.figure is not None
        bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02, aspect=28)
        bar.set_label("validation accuracy (%)")
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}")
        bar.outline.set_visible(False)

    title = f"{one.label} and {other.label}"
    legend = [(index, stages[index].name) for index in sorted({each.stage for each in scored})]
    return svg(f"pair {one.key} {other.key}", f"Validation accuracy over {title}.", (4.7, 3.5), draw, legend)


def _norm(scored: Sequence[Configuration]) -> Normalize:
    """Give the colours to the better half of the range: where configurations differ little they should be told apart."""
    shares = sorted(configuration.share for configuration in scored if configuration.share is not None)
    low, high = shares[len(shares) // 10], shares[-1]
    return Normalize(low if high > low else low - 0.01, high, clip=True)


def _scale(axes: Axes, which: str, axis: KeyAxis) -> None:
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
        number_axis(which, axes, low, high, axis.log)
        (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    each.set_label_text(f"{axis.label}{', logarithmic' if axis.log else ''}")
    axes.tick_params(color=RULE)


def _parallel(axes: Sequence[KeyAxis], stages: Sequence[StageView], configurations: Sequence[Configuration]) -> str:
    whole = [
        each for each in configurations if each.share is not None and all(axis.key in each.params for axis in axes)
    ]
    best = sorted(whole, key=lambda each: -(each.share or 0.0))[: min(LINES, math.ceil(0.9 * len(whole)))]
    if len(best) < 2:
        return ""
    low, high = min(each.share or 0.0 for each in best), max(each.share or 0.0 for each in best)

    def draw(plot: Axes) -> None:
        for place, each in reversed(list(enumerate(best))):
            height = ((each.share or 0.0) - low) / ((high - low) or 1.0)
            heights = [*(axis.share(each.params) for axis in axes), height]
            above = 1 - place / len(best)  # the share of configurations that it is no worse than
            plot.plot(
                range(len(heights)),
                heights,
                color=colour(each.stage),
                alpha=1.0 if each.best else 0.12 + 0.6 * above**2,
                linewidth=2.4 if each.best else 0.7 + 0.8 * above,
                marker=marker(each.stage) if each.best else None,
                markersize=5,
                zorder=4 if each.best else 2,
            )
        names = [*(axis.label for axis in axes), "accuracy (%)"]
        plot.set_xticks(range(len(names)), names)
        plot.xaxis.tick_top()
        plot.set_xlim(-0.3, len(names) - 0.55)
        plot.set_ylim(-0.04, 1.04)
        plot.yaxis.set_major_locator(NullLocator())
        plot.yaxis.set_major_formatter(NullFormatter())
        plot.xaxis.set_major_locator(FixedLocator(range(len(names))))
        plot.grid(False, axis="y")
        for spine in plot.spines.values():
            spine.set_visible(False)
        plot.tick_params(length=0)
        ends = [*(_ends(axis) for axis in axes), (f"{100 * low:.4g}", f"{100 * high:.4g}")]
        for index, texts in enumerate(ends):
            plot.axvline(index, color=INK, linewidth=0.8, zorder=3)
            for height, text in zip((0.0, 1.0), texts, strict=True):
                paper = {"facecolor": BACK, "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
                plot.text(index + 0.04, height, text, fontsize=8, va="center", zorder=6, bbox=paper)

    legend = [(index, stages[index].name) for index in sorted({each.stage for each in best})]
    alt = f"Parallel coordinates of {formatting.listing([axis.label for axis in axes])} and the validation accuracy."
    return svg("parallel", alt, (2.0 + 1.5 * len(axes), 3.6), draw, legend)


def _ends(axis: KeyAxis) -> tuple[str, str]:
    if axis.choices:
        return one_line(axis.choices[0], 10), one_line(axis.choices[-1], 10)
    low, high = formatting.alike([float(f"{edge:.3g}") for edge in (axis.low, axis.high)])
    return low, high
