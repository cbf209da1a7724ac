"""The picture of the whole search: accuracy against each searched key, all stages in one. May import matplotlib."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.style import BACK, RULE, colour, marker, number_axis, one_line, percent_axis, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking_rows import Estimate
from hpsearch.reporting.sections.stage import StageView, searched_keys
from hpsearch.reporting.sections.summary import last_search

RASTER = 400
"""From so many trials on, their points are embedded as an image: an SVG of each would make the page slow."""


@dataclass(frozen=True)
class Point:
    """One trial, or configuration with replicates, in one key's picture; `estimate` is None where it failed.

    A pruned one stands at the accuracy that it had when it was cut.
    """

    stage: int
    x: float
    estimate: Estimate | None
    pruned: bool = False


@dataclass(frozen=True)
class KeyPicture:
    """What is drawn against one key; `choices` are the names of x = 0, 1, … where the key has no numeric axis."""

    key: str
    points: tuple[Point, ...]
    bands: Mapping[int, tuple[float, float]]  # the range of each stage that has one
    log: bool
    choices: tuple[str, ...]


def search_figures(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return SVG figures of each searched key: the whole search, and beside it the last search stage's range."""
    pairs, singles = [], []
    labels = formatting.labels(searched_keys(frames.trials["params"]))
    for key in labels:
        picture = key_picture(frames, stages, key)
        names = {index: stages[index].name for index in sorted({point.stage for point in picture.points})}
        if not any(point.estimate for point in picture.points):
            continue
        label = one_line(labels[key])
        whole = _draw(picture, f"search {key}", label, "the whole search", names)
        window = _zoom(picture, stages)
        if window:
            zoomed = _draw(picture, f"zoom {key}", label, "the range of the last search stage", names, window)
            pairs += [whole, zoomed]
        else:
            singles.append(whole)
    return pairs + singles  # in two columns each pair has a row


def reading_aid(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return sentences that say what is seen in these pictures, and nothing of what is not."""
    shown = [stage for stage in stages if stage.rows]
    means = [stage.name for stage in shown if stage.replication]
    single = [stage.name for stage in shown if not stage.replication]
    texts = []
    if single:
        where = f"In {formatting.listing(single)} each" if means else "Each"
        texts.append(f"{where} mark is a trial, its line Wilson's 95% interval.")
    if means:
        where = f"In {formatting.listing(means)} each" if single else "Each"
        texts.append(
            f"{where} mark is the mean of a configuration's replicates, its line Student's 95% interval for that."
        )
    if any(row.state == "failed" for stage in shown for row in stage.rows):
        texts.append("A cross at the foot is one that failed.")
    if any(stage.any_pruned for stage in shown):
        texts.append(
            "A hollow mark was pruned: it stands at the accuracy that it had when it was cut, or at the foot if that is"
            " lower than the picture."
        )
    texts += [stage.thinned for stage in shown if stage.thinned]
    if any("low" in spec for space in frames.stages["space"] for spec in (space or {}).values()):
        texts.append(
            "A bar on top and the band below it show the range of a stage: where bars become shorter, the search"
            " became finer."
        )
    if len(shown) > 1:
        texts.append(
            "A stage with other training lengths or other validation images is not strictly comparable with the rest."
        )
    return texts


def key_picture(frames: Frames, stages: Sequence[StageView], key: str) -> KeyPicture:
    """Gather what one key's picture shows."""
    spaces = [(space or {}).get(key) or {} for space in frames.stages["space"]]
    bands = {index: (float(space["low"]), float(space["high"])) for index, space in enumerate(spaces) if "low" in space}
    params = {trial["id"]: trial["params"] for trial in frames.rows}
    found: list[tuple[int, Any, Estimate | None, bool]] = [
        (index, params[row.trial_ids[0]][key], None if row.state == "failed" else row.validation, row.state == "pruned")
        for index, stage in enumerate(stages)
        for row in stage.drawn
        if key in params[row.trial_ids[0]] and (row.validation or row.state == "failed")
    ]
    values = [value for _, value, *_ in found]
    if bands and all(formatting.is_number(value) for value in values):
        points = tuple(Point(index, float(value), estimate, cut) for index, value, estimate, cut in found)
        positive = all(point.x > 0 for point in points) and all(low > 0 for low, _ in bands.values())
        return KeyPicture(key, points, bands, positive and any(space.get("log") for space in spaces), ())
    choices, present = _in_order(values), sorted({index for index, *_ in found})
    points = tuple(
        Point(
            index,
            choices.index(formatting.any_value(value)) + _aside(present.index(index), len(present)),
            estimate,
            cut,
        )
        for index, value, estimate, cut in found
    )
    return KeyPicture(key, points, {}, False, choices)


def _in_order(values: Sequence[Any]) -> tuple[str, ...]:
    """Name all values once: numbers and lists of numbers by size, anything else as it comes."""
    numeric = all(
        formatting.is_number(each) for value in values for each in (value if isinstance(value, list) else [value])
    )
    ordered = sorted(values, key=lambda value: value if isinstance(value, list) else [value]) if numeric else values
    return tuple(dict.fromkeys(formatting.any_value(value) for value in ordered))


def _aside(index: int, stages: int) -> float:
    """Set the stages of one choice beside each other."""
    return 0.5 * ((index + 0.5) / stages - 0.5)


Window = tuple[float, float, float, float]
"""What an axis shows: x from, x to, y from, y to."""


def _zoom(picture: KeyPicture, stages: Sequence[StageView]) -> Window | None:
    """Return the last search stage's range, where it is at most a third of the whole picture's."""
    last = last_search(stages)
    index = next((i for i, stage in enumerate(stages) if stage is last), -1)
    if index not in picture.bands:
        return None
    low, high = picture.bands[index]
    if low == high:
        return None
    left, right = _margins([low, high], picture.log, 0.12)
    whole = _margins(
        [*(p.x for p in picture.points), *(edge for band in picture.bands.values() for edge in band)], picture.log
    )
    scale = math.log if picture.log else float
    if 3 * (scale(high) - scale(low)) > scale(whole[1]) - scale(whole[0]):
        return None
    return left, right, *_heights([p for p in picture.points if p.stage == index])


def _heights(points: Sequence[Point]) -> tuple[float, float]:
    """Return what the vertical axis shows: all that finished; of the pruned, which may lie far below, only a part."""
    finished = [point.estimate for point in points if point.estimate and not point.pruned]
    estimates = finished or [point.estimate for point in points if point.estimate]
    low, high = min(each.low for each in estimates), max(each.high for each in estimates)
    return low - 0.08 * (high - low), high + 0.05 * (high - low)


def _margins(values: Sequence[float], log: bool, share: float = 0.04) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log:
        factor = (high / low) ** share if high > low else 1.5
        return low / factor, high * factor
    room = share * (high - low) or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _draw(
    picture: KeyPicture, name: str, label: str, what: str, stages: Mapping[int, str], window: Window | None = None
) -> str:
    title = f"{label}: {what}"
    left, right, bottom, top = window or _whole(picture)

    def draw(axes: Axes) -> None:
        axes.set_title(title, pad=8 + 4 * len(picture.bands))
        _axes(axes, picture, label, left, right)
        for place, (index, (low, high)) in enumerate(picture.bands.items()):
            low, high = max(low, left), min(high, right)
            if low < high:
                axes.axvspan(low, high, color=colour(index), alpha=0.08, linewidth=0, zorder=0.5)
                above = [1.02 + 0.018 * place] * 2
                on_top = axes.get_xaxis_transform()
                axes.plot([low, high], above, color=colour(index), lw=2.5, clip_on=False, transform=on_top)
        _points(axes, picture, (left, right, bottom, top))
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)

    return svg(name, f"Validation accuracy against {title}.", (4.7, 3.3), draw, list(stages.items()))


def _whole(picture: KeyPicture) -> Window:
    edges = [edge for band in picture.bands.values() for edge in band]
    left, right = _margins([*(point.x for point in picture.points), *edges], picture.log)
    if picture.choices:
        left, right = -0.6, len(picture.choices) - 0.4
    return left, right, *_heights(picture.points)


def _axes(axes: Axes, picture: KeyPicture, label: str, left: float, right: float) -> None:
    log = ", logarithmic" if picture.log else ""
    axes.set_xlabel(f"{label}{log}")
    percent_axis(axes, "validation accuracy (%)")
    if picture.choices:
        names = [one_line(choice, 14) for choice in picture.choices]
        axes.set_xticks(range(len(names)), names, rotation=0 if len(names) * max(map(len, names)) < 45 else 60)
        axes.grid(False, axis="x")
    else:
        number_axis("x", axes, left, right, picture.log)


def _points(axes: Axes, picture: KeyPicture, window: Window) -> None:
    left, right, bottom, top = window
    raster = len(picture.points) > RASTER
    for index in sorted({point.stage for point in picture.points}):
        shown = [p for p in picture.points if p.stage == index and left <= p.x <= right]
        good = [(p.x, p.estimate) for p in shown if p.estimate and bottom <= p.estimate.share <= top and not p.pruned]
        cut = [(p.x, max(p.estimate.share, bottom + 0.02 * (top - bottom))) for p in shown if p.estimate and p.pruned]
        if cut:
            hollow: dict[str, Any] = {"linestyle": "none", "marker": marker(index), "markerfacecolor": "none"}
            hollow |= {"markeredgecolor": colour(index), "markeredgewidth": 0.8, "markersize": 4, "alpha": 0.55}
            axes.plot([x for x, _ in cut], [y for _, y in cut], zorder=2.5, rasterized=raster, **hollow)
        if good:
            x = [x for x, _ in good]
            low, high = [each.low for _, each in good], [each.high for _, each in good]
            axes.vlines(x, low, high, color=colour(index), alpha=0.4, linewidth=1, zorder=2, rasterized=raster)
            y = [each.share for _, each in good]
            axes.plot(
                x,
                y,
                color=colour(index),
                linestyle="none",
                marker=marker(index),
                markersize=5.5,
                markeredgecolor=BACK,
                markeredgewidth=0.5,
                zorder=3 + index,
                rasterized=raster,
            )
        failed = [point.x for point in shown if point.estimate is None]
        if failed:
            foot = axes.get_xaxis_transform()
            axes.plot(failed, [0.03] * len(failed), "x", color=colour(index), transform=foot, markersize=6, zorder=9)
    axes.tick_params(color=RULE)
