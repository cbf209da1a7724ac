"""Learning curves of a stage with a pruner, its rungs, and where each trial was pruned. May import NumPy."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import BACK, COLOURS, INK, colour, limit, svg, value_axis, whole_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.rungs import Candidate, PruningHistory

MOST = {"pruned": 300, "audited": 30, "not pruned": 40}
"""At most so many curves of each kind are drawn, at equal distances from the best to the worst."""

PRUNED = COLOURS[6]
"""Grey, for pruned configurations."""

LABELS = 6
"""With more rungs, they have no labels."""

_MANY = 120
"""With more curves, the crosses at their ends are smaller."""

Line = tuple[np.ndarray, np.ndarray]


def pruning_figure(frames: Frames, stage: str, index: int, history: PruningHistory) -> str:
    """Return the figure of one stage, the index-th of its study."""
    curves, goal = curves_of(frames), frames.goal
    kinds = _kinds(history)
    pruned, audited, others = (_some(candidates, MOST[kind]) for kind, candidates in kinds.items())
    rungs = [rung for rung in history.rungs if any(candidate.pruned_at == rung for candidate in history.candidates)]
    longest = max((int(curve.epoch[-1]) for curve in _curves(history.candidates, curves)), default=1)
    log = bool(rungs) and longest >= 8 * rungs[0]

    def draw(axes: Axes) -> None:
        for rung in rungs:
            axes.axvline(rung, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        _draw_pruned(axes, pruned, curves)
        _draw_audited(axes, audited, curves, index)
        _draw_others(axes, others, curves, index)
        _scales(axes, history, rungs, longest, log)
        axes.xaxis.set_label(f"{goal.unit}{', logarithmic' * log}")
        value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))
        axes.set_title(stage, pad=20)
        limit(axes, goal, [curve.objective for curve in _curves(history.candidates, curves)])

    numbers = {kind: len(candidates) for kind, candidates in kinds.items()}
    many = f"{formatting.count(numbers['not pruned'], 'configuration')} not pruned, {numbers['pruned']:,} pruned"
    where = f" at {goal.unit}s {formatting.listing([f'{rung:,}' for rung in rungs[:LABELS]])}" if rungs else ""
    more = f", and {numbers['audited']:,} audited" if audited else ""
    alt = f"{goal_text.measured_first(goal)} by {goal.unit} in {stage}: {many}{where}{more}."
    return svg(f"pruning {stage}", alt, (5.2, 3.5), draw)


def drawn(history: PruningHistory) -> str:
    """Return a sentence with how many of the curves are drawn, "" if all are."""
    numbers = {
        kind: (len(candidates), len(_some(candidates, MOST[kind]))) for kind, candidates in _kinds(history).items()
    }
    parts = [f"{some:,} of the {all_:,} {kind}" for kind, (all_, some) in numbers.items() if some < all_]
    return f"The figure shows {formatting.listing(parts)}." if parts else ""


def _kinds(history: PruningHistory) -> dict[str, list[Candidate]]:
    """Return the candidates that were pruned, those that were audited, and the others."""
    return {
        "pruned": [candidate for candidate in history.pruned if not candidate.audited],
        "audited": [candidate for candidate in history.pruned if candidate.audited],
        "not pruned": [candidate for candidate in history.candidates if candidate.pruned_at is None],
    }


def _some(candidates: Sequence[Candidate], most: int) -> Sequence[Candidate]:
    return candidates[:: math.ceil(len(candidates) / most) or 1]


def _curves(candidates: Iterable[Candidate], curves: dict[int, Curve]) -> list[Curve]:
    return [curves[trial["id"]] for candidate in candidates for trial in candidate.trials if trial["id"] in curves]


def _lines(found: Iterable[Curve]) -> list[np.ndarray]:
    return [np.column_stack([curve.epoch, curve.objective]) for curve in found]


def _draw_pruned(axes: Axes, candidates: Sequence[Candidate], curves: dict[int, Curve]) -> None:
    lines = _lines(_curves(candidates, curves))
    if not lines:
        return
    faint = min(0.6, max(0.1, 12 / len(lines)))
    axes.lines([(line[:, 0], line[:, 1]) for line in lines], color=PRUNED, linewidth=0.8, alpha=faint, zorder=2)
    ends = np.array([line[-1] for line in lines])
    size = 4.5 if len(lines) <= _MANY else 3.0
    strong = min(0.9, max(0.25, 60 / len(lines)))
    style: dict[str, Any] = {"color": PRUNED, "markersize": size, "alpha": strong, "zorder": 3, "linestyle": "none"}
    axes.plot(ends[:, 0], ends[:, 1], marker="x", **style)


def _draw_audited(axes: Axes, candidates: Sequence[Candidate], curves: dict[int, Curve], index: int) -> None:
    """Draw audited candidates: dashed from the rung that would have pruned them, with a diamond at the end."""
    tone = colour(index + 1)
    for candidate in candidates:
        for curve in _curves([candidate], curves):
            until = int(np.searchsorted(curve.epoch, candidate.pruned_at or 0, side="right"))
            x, y = curve.epoch, curve.objective
            axes.plot(x[:until], y[:until], color=PRUNED, linewidth=0.8, zorder=4)
            dashed: dict[str, Any] = {"color": tone, "linestyle": (0, (3, 1.5)), "linewidth": 1.2, "zorder": 5}
            axes.plot(x[until - 1 :], y[until - 1 :], **dashed)
            axes.plot(x[-1:], y[-1:], color=tone, marker="D", markersize=4, zorder=6)


def _draw_others(axes: Axes, candidates: Sequence[Candidate], curves: dict[int, Curve], index: int) -> None:
    best = min(
        (candidate for candidate in candidates if candidate.end is not None),
        key=lambda candidate: candidate.order,
        default=None,
    )
    faint = min(0.7, max(0.3, 7 / max(1, len(candidates))))
    for candidate in candidates:
        for curve in _curves([candidate], curves):
            strong = candidate is best
            style: dict[str, Any] = {
                "color": colour(index),
                "linewidth": 2.4 if strong else 1.0,
                "alpha": 1.0 if strong else faint,
            }
            axes.plot(curve.epoch, curve.objective, zorder=8 if strong else 7, **style)
            end: dict[str, Any] = {
                "color": colour(index),
                "markersize": 5,
                "markeredgecolor": BACK,
                "markeredgewidth": 0.5,
            }
            axes.plot(curve.epoch[-1:], curve.objective[-1:], marker="o", zorder=9, **end)


def _scales(axes: Axes, history: PruningHistory, rungs: Sequence[int], longest: int, log: bool) -> None:
    if log:
        axes.xaxis.log = True
    labelled = 0 < len(rungs) <= LABELS
    if labelled:
        axes.xaxis.set_ticks([*rungs, longest], lambda value: f"{value:,.0f}")
    elif not log:
        whole_axis(axes.xaxis)
    else:
        ticks = [2**power for power in range(int(math.log2(longest)) + 1)]
        axes.xaxis.set_ticks(ticks, lambda value: f"{value:,.0f}")
    low = min(1.0, rungs[0] if rungs else 1.0)
    axes.xaxis.set_limits(*((low / 1.12, longest * 1.08) if log else (low - 0.02 * longest, longest * 1.03)))
    for rung in rungs if labelled else []:
        reached = sum(candidate.reached(rung) for candidate in history.candidates)
        promoted = sum(candidate.promoted(rung) for candidate in history.candidates)
        axes.text(rung, 1.03, f"{reached:,} → {promoted:,}", share_y=True, size=8, align="center", middle=False)
