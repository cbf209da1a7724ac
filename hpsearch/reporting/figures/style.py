"""What all figures share: colours, markers, scales, and a figure as an element of the page. May import NumPy.

In the page's SVG text stays text in the page's font, and colours are CSS variables, so that a figure follows the page's
dark mode. `files.py` draws figures on white.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.scene import (
    BACK,
    COLOURS,
    INK,
    RULE,
    Element,
    Lines,
    Marks,
    Paint,
    Scene,
    Words,
    svg_of,
)
from hpsearch.reporting.figures.drawing.ticks import Axis, linear_ticks, log_ticks
from hpsearch.spec import COUNTED
from hpsearch.storage.records import Goal

__all__ = ["BACK", "COLOURS", "INK", "RULE"]

MARKERS = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"), ("X", "✖"))
"""matplotlib's name of a marker, and the character for it in a legend, so that series differ not by colour alone."""

_LEGEND = 13.0
"""The height of a line of a legend, in points."""

SWITCHED = 3.0
"""The reader can switch the scale of an axis whose largest value is so many times its smallest."""


def colour(index: int) -> str:
    """Return the colour of the index-th series."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Return matplotlib's marker of the index-th series."""
    return MARKERS[index % len(MARKERS)][0]


def character(index: int) -> str:
    """Return the character for the index-th series' marker in a legend."""
    return MARKERS[index % len(MARKERS)][1]


Legend = Sequence[tuple[int, str]]
"""The series of a figure: their indices, which determine colour and marker, and their names."""


@dataclass(frozen=True)
class Plot:
    """A figure with one set of axes; `size` in inches."""

    name: str
    alt: str
    size: tuple[float, float]
    draw: Callable[[Axes], None]
    legend: Legend = ()

    @cached_property
    def scene(self) -> Scene:
        """The figure, drawn and laid out once for the page and its files."""
        axes = Axes()
        self.draw(axes)
        return axes.scene(72 * self.size[0], 72 * self.size[1])

    @property
    def with_legend(self) -> Scene:
        """The figure as a file has it, with its legend below where it has several series."""
        scene, legend = self.scene, self.legend if len(self.legend) > 1 else ()
        elements: list[Element] = list(scene.elements)
        for line, (series, text) in enumerate(legend):
            middle, tone = scene.height + _LEGEND * (line + 0.3), colour(series)
            elements += [
                Lines([np.array([(6.0, middle), (22.0, middle)])], Paint(tone, 1.4), clipped=False),
                Marks(marker(series), 4.5, np.array([(14.0, middle)]), Paint(tone, 1.0, tone), clipped=False),
                Words(one_line(text, 60), 28.0, middle, 8.0, middle=True),
            ]
        return replace(scene, height=scene.height + _LEGEND * len(legend), elements=tuple(elements))


_collected: ContextVar[dict[str, Plot] | None] = ContextVar("collected", default=None)


@contextmanager
def collected_plots() -> Iterator[dict[str, Plot]]:
    """Collect, by name and in order, the plots that `svg` draws meanwhile, so that they can be drawn as files too."""
    plots: dict[str, Plot] = {}
    token = _collected.set(plots)
    try:
        yield plots
    finally:
        _collected.reset(token)


def svg(name: str, alt: str, size: tuple[float, float], draw: Callable[[Axes], None], legend: Legend = ()) -> str:
    """Return a figure with one set of axes as an `<svg>` element; `size` in inches, `name` unique in its page.

    The same input gives the same text. The legend is not in the SVG, because the page shows one for several figures.
    """
    plot = Plot(name, alt, size, draw, legend)
    plots = _collected.get()
    if plots is not None:
        plots[name] = plot
    return svg_of(plot.scene, name, alt)


def marks(trials: Iterable[tuple[int, int]]) -> str:
    """Return the keys of the trials that marks show, each of its stage's index and its number, in the marks' order.

    In the page they are `data-trials="0:3 0:8"`, by which the script finds the marks of a trial.
    """
    return " ".join(f"{stage}:{number}" for stage, number in trials)


def whole_axis(axis: Axis) -> None:
    """Give an axis, such as that of the epochs, whole ticks."""
    axis.set_ticks(partial(linear_ticks, whole=True))


def number_axis(
    axis: Axis, low: float, high: float, log: bool, whole: bool = False, least: float | None = None
) -> None:
    """Set an axis' scale, limits and ticks, with numbers as in the tables.

    An axis of whole numbers has whole ticks. `least` is the smallest value that it shows, if that is not `low`: in the
    page an axis of positive numbers can be made logarithmic or linear.
    """
    axis.log = log
    axis.set_limits(low, high)
    least = low if least is None else least
    axis.least = least if 0 < SWITCHED * least <= high else None
    write: Callable[[float], str] = partial(formatting.short, scientific=low < 1e-3)
    if log and high / low >= 30:
        axis.set_ticks(log_ticks, write)
    elif log and high / low >= 6:
        axis.set_ticks(partial(log_ticks, subs=(1.0, 2.0, 5.0)), write)
    else:  # a few round numbers, also on a logarithmic axis of less than a decade
        ticks = linear_ticks(low, high, whole=whole)
        axis.set_ticks(ticks, formatting.NumberStyle(ticks))


def percent_axis(axis: Axis, label: str) -> None:
    """Label the ticks of an axis, whose values are shares, in percent."""
    axis.set_ticks(linear_ticks, lambda value: f"{100 * value:.4g}")
    axis.set_label(label)


def value_axis(axis: Axis, goal: Goal, label: str, digits: int = 6) -> None:
    """Label the ticks of an axis whose values are those of an objective."""
    if goal.share:
        percent_axis(axis, label)
        return
    axis.set_ticks(partial(linear_ticks, whole=goal.metric in COUNTED), lambda value: f"{value:,.{digits}g}")
    axis.set_label(label)


def limit(axes: Axes, goal: Goal, curves: Sequence[NDArray[np.float64]]) -> None:
    """Limit the vertical axis of learning curves: just above the best share; else where first epochs are far worse."""
    values = [curve[np.isfinite(curve)] for curve in curves]
    values = [curve for curve in values if curve.size]
    if goal.share:
        best = max((float(curve.max()) for curve in values), default=1.0)
        axes.yaxis.set_limits(high=best + 0.03 * best)
        return
    if not values:
        return
    scores = goal.sign * np.concatenate(values)
    best, typical, worst = (float(score) for score in np.quantile(scores, [1.0, 0.1, 0.0]))
    if best - worst > 3 * (best - typical) > 0:
        worst = best - 1.5 * (best - typical)
        room = 0.05 * (best - worst)
        low, high = sorted((goal.sign * (worst - room), goal.sign * (best + room)))
        axes.yaxis.set_limits(low, high)


def one_line(text: str, length: int = 40) -> str:
    """Return a text for a figure: on one line, and cut to a length."""
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
