"""The validation objective against each hyperparameter, all stages in one figure. May import NumPy."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.hyperparameters import MANY, HyperparameterPoints, Point, hyperparameter_points
from hpsearch.reporting.figures.style import BACK, colour, marker, marks, number_axis, one_line, svg, value_axis
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Estimate
from hpsearch.reporting.sections.ranking.stage import StageView, hyperparameters_of
from hpsearch.reporting.sections.summary import last_search
from hpsearch.storage.records import ACCURACY

SINGLY = 50
"""Of very many marks, so many of each stage, the best, can be pointed at."""

FEWEST, FAR = 5, 3.0
"""Of so many values or more, the worst fifth is drawn at the edge if it is so many times as far from the best."""


def search_figures(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return a figure of each hyperparameter, and one of the last search stage's range where that is much smaller."""
    pairs, singles = [], []
    labels = formatting.labels(hyperparameters_of(frames.trials["params"]))
    for key in labels:
        data = hyperparameter_points(frames, stages, key)
        names = {index: stages[index].name for index in sorted({point.stage for point in data.points})}
        if not any(point.estimate for point in data.points):
            continue
        label = one_line(labels[key])
        whole = _draw(data, f"search {key}", label, "the whole search", names)
        window = _zoom(data, stages)
        if window:
            zoomed = _draw(data, f"zoom {key}", label, "the range of the last search stage", names, window)
            pairs += [whole, zoomed]
        else:
            singles.append(whole)
    return pairs + singles  # in two columns each pair has a row


def reading_aid(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return sentences that explain what these figures show."""
    shown = [stage for stage in stages if stage.rows]
    means = [stage.name for stage in shown if stage.replication]
    single = [stage.name for stage in shown if not stage.replication]
    texts = []
    if single:
        where = f"In {formatting.listing(single)} each" if means else "Each"
        which = "Wilson's 95% interval" if frames.goal == ACCURACY else "the 95% interval"
        line = f"; its line is {which}" if any(stage.intervals for stage in shown if not stage.replication) else ""
        texts.append(f"{where} mark is a trial{line}.")
    if means:
        where = f"In {formatting.listing(means)} each" if single else "Each"
        texts.append(f"{where} mark is the mean of a configuration's replicates; its line is the 95% interval.")
    worse = ("bottom", "below") if frames.goal.sign > 0 else ("top", "above")
    if any(row.state == "failed" for stage in shown for row in stage.rows):
        texts.append(f"A cross at the {worse[0]} is one that failed.")
    if any(stage.any_pruned for stage in shown):
        texts.append(
            f"A hollow mark was pruned: it shows the {frames.goal.metric} at the time when it was pruned, at the"
            f" {worse[0]} if that is {worse[1]} the axis."
        )
    if any(_cut(estimates_of(stage)) is not None for stage in shown):
        texts.append(f"Finished ones far {worse[1]} the others are drawn at the {worse[0]} too.")
    texts += [stage.thinned for stage in shown if stage.thinned]
    if any("low" in spec for space in frames.stages["space"] for spec in (space or {}).values()):
        texts.append("A bar at the top and the band below it show the range of a stage.")
    if len(shown) > 1:
        differ = "numbers of steps" if frames.goal.of_function else "training lengths or validation sets"
        texts.append(f"Stages with different {differ} are not strictly comparable.")
    return texts


Window = tuple[float, float, float, float]
"""The limits of both axes: x from, x to, y from, y to."""


def _zoom(data: HyperparameterPoints, stages: Sequence[StageView]) -> Window | None:
    """Return the last search stage's range, if it is at most a third of the whole axis."""
    last = last_search(stages)
    index = next((i for i, stage in enumerate(stages) if stage is last), -1)
    if index not in data.ranges:
        return None
    low, high = data.ranges[index]
    if low == high:
        return None
    left, right = _margins([low, high], data.log, 0.12)
    whole = _margins(
        [*(p.x for p in data.points), *(edge for range_ in data.ranges.values() for edge in range_)], data.log
    )
    scale = math.log if data.log else float
    if 3 * (scale(high) - scale(low)) > scale(whole[1]) - scale(whole[0]):
        return None
    return left, right, *_heights([p for p in data.points if p.stage == index])


def _heights(points: Sequence[Point]) -> tuple[float, float]:
    """Return the limits of the vertical axis: those of the finished, because the pruned may be far below."""
    finished = [point.estimate for point in points if point.estimate and not point.pruned]
    estimates = finished or [point.estimate for point in points if point.estimate]
    low, high = min(each.low for each in estimates), max(each.high for each in estimates)
    worst = _cut(estimates)
    if estimates[0].goal.sign > 0:
        low = low if worst is None else worst
        return low - 0.08 * (high - low), high + 0.05 * (high - low)
    high = high if worst is None else worst
    room = (high - low) or abs(high) or 1.0
    return low - 0.05 * room, high + 0.08 * room


def estimates_of(stage: StageView) -> list[Estimate]:
    """The finished rows that are drawn."""
    return [row.validation for row in stage.drawn if row.validation and row.state == "complete"]


def _cut(estimates: Sequence[Estimate]) -> float | None:
    """Return where the axis of a value without bounds ends, if its worst are so far off that they would fill it."""
    if len(estimates) < FEWEST or estimates[0].goal.share:
        return None
    sign = estimates[0].goal.sign
    scores = sorted((sign * each.value for each in estimates), reverse=True)
    most = scores[math.ceil(0.8 * len(scores)) - 1]
    far = scores[0] - scores[-1] > FAR * (scores[0] - most) > 0
    return sign * (scores[0] - FAR * (scores[0] - most)) if far else None


def _margins(values: Sequence[float], log: bool, share: float = 0.04) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log:
        factor = (high / low) ** share if high > low else 1.5
        return low / factor, high * factor
    room = share * (high - low) or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _draw(
    data: HyperparameterPoints,
    name: str,
    label: str,
    what: str,
    stages: Mapping[int, str],
    window: Window | None = None,
) -> str:
    title = f"{label}: {what}"
    left, right, bottom, top = window or _limits(data)

    def draw(axes: Axes) -> None:
        axes.set_title(title, pad=8 + 4 * len(data.ranges))
        _axes(axes, data, label, left, right)
        for row, (index, (low, high)) in enumerate(data.ranges.items()):
            low, high = max(low, left), min(high, right)
            if low < high:
                axes.axvspan(low, high, color=colour(index), alpha=0.08)
                above = [1.02 + 0.018 * row] * 2
                axes.plot([low, high], above, color=colour(index), linewidth=2.5, share_y=True, clipped=False)
        _points(axes, data, (left, right, bottom, top))
        axes.xaxis.set_limits(left, right)
        axes.yaxis.set_limits(bottom, top)

    return svg(name, f"{goal_text.measured_first(data.goal)} against {title}.", (4.7, 3.3), draw, list(stages.items()))


def _limits(data: HyperparameterPoints) -> Window:
    edges = [edge for range_ in data.ranges.values() for edge in range_]
    left, right = _margins([*(point.x for point in data.points), *edges], data.log)
    if data.choices:
        left, right = -0.6, len(data.choices) - 0.4
    return left, right, *_heights(data.points)


def _axes(axes: Axes, data: HyperparameterPoints, label: str, left: float, right: float) -> None:
    log = ", logarithmic" if data.log else ""
    axes.xaxis.set_label(f"{label}{log}")
    value_axis(axes.yaxis, data.goal, goal_text.measured_axis(data.goal))
    if data.choices:
        names = [one_line(choice, 14) for choice in data.choices]
        axes.xaxis.set_ticks(range(len(names)), names, rotation=0 if len(names) * max(map(len, names)) < 45 else 60)
        axes.xaxis.grid = False
    else:
        least = min(point.x for point in data.points)
        number_axis(axes.xaxis, left, right, data.log, data.whole, max(least, left))


def _within(value: float, window: Window, data: HyperparameterPoints) -> float:
    """Return a value, or that at the worse edge of the axis if it is beyond."""
    *_, bottom, top = window
    edge = 0.02 * (top - bottom)
    return max(value, bottom + edge) if data.goal.sign > 0 else min(value, top - edge)


def _points(axes: Axes, data: HyperparameterPoints, window: Window) -> None:
    left, right, bottom, top = window
    many = len(data.points) > MANY
    for index in sorted({point.stage for point in data.points}):
        shown = [p for p in data.points if p.stage == index and left <= p.x <= right]
        inside = (bottom, top) if data.goal == ACCURACY else (-math.inf, math.inf)
        good = [
            (p.x, p.estimate, p.number)
            for p in shown
            if p.estimate and not p.pruned and inside[0] <= p.estimate.value <= inside[1]
        ]
        pruned = [(p.x, _within(p.estimate.value, window, data), p.number) for p in shown if p.estimate and p.pruned]
        if pruned:
            hollow: dict[str, Any] = {"linestyle": "none", "marker": marker(index), "markerfacecolor": None}
            hollow |= {"color": colour(index), "markeredgewidth": 0.8, "markersize": 4, "alpha": 0.55}
            gid = "" if many else marks((index, number) for *_, number in pruned)
            where = [x for x, *_ in pruned], [y for _, y, _ in pruned]
            axes.plot(*where, zorder=2.5, trials=gid, **hollow)
        if good:
            x = [x for x, *_ in good]
            low, high = [each.low for _, each, _ in good], [each.high for _, each, _ in good]
            axes.vlines(x, low, high, color=colour(index), alpha=0.4, linewidth=1, zorder=2)
            y = [_within(each.value, window, data) if data.goal != ACCURACY else each.value for _, each, _ in good]
            singly = SINGLY if many else len(good)  # the best first
            names = marks((index, number) for *_, number in good[:singly])
            for part, gid in ((slice(singly), names), (slice(singly, None), "")):
                axes.plot(
                    x[part],
                    y[part],
                    color=colour(index),
                    linestyle="none",
                    marker=marker(index),
                    markersize=5.5,
                    markeredgecolor=BACK,
                    markeredgewidth=0.5,
                    zorder=3 + index + (0.5 if gid else 0),
                    trials=gid,
                )
        failed = [point for point in shown if point.estimate is None]
        if failed:
            at = [0.03 if data.goal.sign > 0 else 0.97] * len(failed)
            gid = "" if many else marks((index, point.number) for point in failed)
            cross: dict[str, Any] = {"linestyle": "none", "marker": "x", "zorder": 9}
            axes.plot([point.x for point in failed], at, color=colour(index), share_y=True, trials=gid, **cross)
