"""The picture of a stage with a pruner: all curves, the rungs, and where each was cut. May import matplotlib."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from hpsearch.reporting import formatting
from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.figures.style import BACK, COLOURS, INK, colour, percent_axis, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.rungs import Race, Racer

MOST = {"cut": 300, "audited": 30, "went on": 40}
"""At most so many curves of each kind are drawn, evenly from the best to the worst."""

CUT = COLOURS[6]
"""Grey: what was cut stands back."""

LABELS = 6
"""At most so many rungs are labelled with how many went on."""

_RASTER = 120
"""From so many curves on they are embedded as an image."""

Line = tuple[np.ndarray, np.ndarray]


def pruning_figure(frames: Frames, stage: str, index: int, race: Race) -> str:
    """Return the figure of one stage, the index-th of its study."""
    curves = curves_of(frames)
    kinds = _kinds(race)
    cut, audited, on = (_some(racers, MOST[kind]) for kind, racers in kinds.items())
    rungs = [rung for rung in race.rungs if any(racer.cut == rung for racer in race.racers)]
    longest = max((int(curve.epoch[-1]) for curve in _curves(race.racers, curves)), default=1)
    log = bool(rungs) and longest >= 8 * rungs[0]

    def draw(axes: Axes) -> None:
        for rung in rungs:
            axes.axvline(rung, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        _cut(axes, cut, curves)
        _audited(axes, audited, curves, index)
        _went_on(axes, on, curves, index)
        _scales(axes, race, rungs, longest, log)
        axes.set_title(stage, pad=20)
        tops = [float(np.nanmax(curve.validation_accuracy)) for curve in _curves(race.racers, curves)]
        best = max((top for top in tops if math.isfinite(top)), default=1.0)
        axes.set_ylim(top=best + 0.03 * best)

    numbers = {kind: len(racers) for kind, racers in kinds.items()}
    many = f"{formatting.count(numbers['went on'], 'configuration')} that went on, {numbers['cut']:,} that were cut"
    where = f" at epochs {formatting.listing([f'{rung:,}' for rung in rungs[:LABELS]])}" if rungs else ""
    more = f", and {numbers['audited']:,} that were audited" if audited else ""
    alt = f"Validation accuracy by epoch in {stage}: {many}{where}{more}."
    return svg(f"pruning {stage}", alt, (5.2, 3.5), draw)


def drawn(race: Race) -> str:
    """Say how many of the curves are drawn, "" if all are."""
    numbers = {kind: (len(racers), len(_some(racers, MOST[kind]))) for kind, racers in _kinds(race).items()}
    said = [f"{some:,} of the {all_:,} that {_WERE[kind]}" for kind, (all_, some) in numbers.items() if some < all_]
    return f"Drawn are {formatting.listing(said)}." if said else ""


_WERE = {"cut": "were cut", "audited": "were audited", "went on": "went on"}


def _kinds(race: Race) -> dict[str, list[Racer]]:
    """Return those that were cut, those that were audited, and those that went on."""
    return {
        "cut": [racer for racer in race.cut if not racer.audited],
        "audited": [racer for racer in race.cut if racer.audited],
        "went on": [racer for racer in race.racers if racer.cut is None],
    }


def _some(racers: Sequence[Racer], most: int) -> Sequence[Racer]:
    return racers[:: math.ceil(len(racers) / most) or 1]


def _curves(racers: Iterable[Racer], curves: dict[int, Curve]) -> list[Curve]:
    return [curves[trial["id"]] for racer in racers for trial in racer.trials if trial["id"] in curves]


def _lines(found: Iterable[Curve]) -> list[np.ndarray]:
    return [np.column_stack([curve.epoch, curve.validation_accuracy]) for curve in found]


def _cut(axes: Axes, racers: Sequence[Racer], curves: dict[int, Curve]) -> None:
    lines = _lines(_curves(racers, curves))
    if not lines:
        return
    faint = min(0.6, max(0.1, 12 / len(lines)))
    raster = len(lines) > _RASTER
    axes.add_collection(LineCollection(lines, colors=CUT, linewidths=0.8, alpha=faint, zorder=2, rasterized=raster))
    ends = np.array([line[-1] for line in lines])
    size = 4.5 if len(lines) <= _RASTER else 3.0
    strong = min(0.9, max(0.25, 60 / len(lines)))
    style: dict[str, Any] = {"color": CUT, "markersize": size, "alpha": strong, "zorder": 3, "linestyle": "none"}
    axes.plot(ends[:, 0], ends[:, 1], marker="x", rasterized=raster, **style)


def _audited(axes: Axes, racers: Sequence[Racer], curves: dict[int, Curve], index: int) -> None:
    """Draw those that trained on out of the race: dashed from where they were cut, a diamond at the end."""
    raster = len(racers) > _RASTER
    tone = colour(index + 1)
    for racer in racers:
        for curve in _curves([racer], curves):
            until = int(np.searchsorted(curve.epoch, racer.cut or 0, side="right"))
            x, y = curve.epoch, curve.validation_accuracy
            axes.plot(x[:until], y[:until], color=CUT, linewidth=0.8, zorder=4, rasterized=raster)
            dashed = axes.plot(x[until - 1 :], y[until - 1 :], color=tone, linewidth=1.2, zorder=5, rasterized=raster)
            dashed[0].set_linestyle((0, (3, 1.5)))
            axes.plot(x[-1:], y[-1:], "D", color=tone, markersize=4, zorder=6, rasterized=raster)


def _went_on(axes: Axes, racers: Sequence[Racer], curves: dict[int, Curve], index: int) -> None:
    best = min((racer for racer in racers if racer.end is not None), key=lambda racer: racer.place, default=None)
    raster = len(racers) > _RASTER
    faint = min(0.7, max(0.3, 7 / max(1, len(racers))))
    for racer in racers:
        for curve in _curves([racer], curves):
            strong = racer is best
            style: dict[str, Any] = {
                "color": colour(index),
                "linewidth": 2.4 if strong else 1.0,
                "alpha": 1.0 if strong else faint,
            }
            axes.plot(curve.epoch, curve.validation_accuracy, zorder=8 if strong else 7, rasterized=raster, **style)
            end: dict[str, Any] = {
                "color": colour(index),
                "markersize": 5,
                "markeredgecolor": BACK,
                "markeredgewidth": 0.5,
            }
            axes.plot(curve.epoch[-1:], curve.validation_accuracy[-1:], "o", zorder=9, rasterized=raster, **end)


def _scales(axes: Axes, race: Race, rungs: Sequence[int], longest: int, log: bool) -> None:
    axes.set_xlabel("epoch, logarithmic" if log else "epoch")
    percent_axis(axes, "validation accuracy (%)")
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    few = 0 < len(rungs) <= LABELS
    if few:
        axes.xaxis.set_major_locator(FixedLocator([*rungs, longest]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    elif not log:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        ticks = [2**power for power in range(int(math.log2(longest)) + 1)]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    low = min(1.0, rungs[0] if rungs else 1.0)
    axes.set_xlim(*((low / 1.12, longest * 1.08) if log else (low - 0.02 * longest, longest * 1.03)))
    above = axes.get_xaxis_transform()
    for rung in rungs if few else []:
        came = sum(racer.came(rung) for racer in race.racers)
        on = sum(racer.went_on(rung) for racer in race.racers)
        axes.text(rung, 1.015, f"{came:,} → {on:,}", transform=above, fontsize=8, ha="center", va="bottom")
