"""What all figures share: colours, markers, axes, and the conversion to inline SVG. May import matplotlib.

Object-oriented matplotlib only, without pyplot's global state. In the SVG, text stays text in the page's font, and
colours are CSS variables, so that a figure follows the page's dark mode. `files.py` draws figures on white.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.spec import COUNTED
from hpsearch.storage.records import Goal

INK, RULE, BACK = "#1c1e21", "#dfe2e6", "#fefefe"
"""Text, grid lines and background in files; in the page the style sheet sets these colours."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#757575")
"""The palette of Okabe and Ito (2008), for all kinds of colour vision; without its yellow, too faint on white."""

MARKERS = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"), ("X", "✖"))
"""matplotlib's name of a marker, and the character for it in a legend, so that series differ not by colour alone."""

_VARIABLES = {INK: "ink", RULE: "rule", BACK: "paper"} | {hex_: f"series-{i}" for i, hex_ in enumerate(COLOURS)}

STEPS = [1, 2, 2.5, 5, 10]
"""The distances between ticks."""

SWITCHED = 3.0
"""The reader can switch the scale of an axis whose largest value is so many times its smallest."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a `$` in a user's text is a `$`
    "font.size": 10.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "lines.linewidth": 1.4,
}


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
    """A figure with one set of axes, not yet drawn; `size` in inches."""

    name: str
    alt: str
    size: tuple[float, float]
    draw: Callable[[Axes], None]
    legend: Legend = ()


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

    The same input gives the same text: `name` is the seed of the identifiers, and there is no date. The legend is not
    in the SVG, because the page shows one legend for several figures.
    """
    plots = _collected.get()
    if plots is not None:
        plots[name] = Plot(name, alt, size, draw, legend)
    return _inline(_svg_file(name, size, draw), name, alt, size[0])


def _svg_file(name: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    out = io.StringIO()
    with drawing_style(name):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        figure.savefig(
            out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return out.getvalue()


@contextmanager
def drawing_style(name: str, **more: Any) -> Iterator[None]:
    """Set our style for what is drawn inside, with SVG identifiers that depend on `name` only."""
    style: dict[Any, Any] = {**_STYLE, "svg.hashsalt": name} | more
    with mpl.rc_context(style), warnings.catch_warnings():
        # matplotlib uses its font only to measure text, which the browser then draws, so missing glyphs do no harm.
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        warnings.filterwarnings("ignore", message=r".*(Tight|constrained)_?layout", category=UserWarning)
        yield


def _inline(text: str, name: str, alt: str, inches: float) -> str:
    """Turn a stand-alone SVG file into an element that takes the page's font, colours and width."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = _MARKS.sub(_trials, text)
    text = _AXES.sub(lambda found: f' data-{found[1]}="{found[2].replace("_", " ")}"', text)
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)  # e.g. axes_1: equal in all figures, and never referred to
    text = re.sub(r'style="[^"]*"', lambda style: _FONT.sub(_size, style[0]), text)
    for placeholder, variable in _VARIABLES.items():
        text = text.replace(placeholder, f"var(--{variable})")
    view = re.search(r'viewBox="[^"]*"', text)
    assert view, "matplotlib writes a viewBox"
    opening = f'<svg role="img" aria-label="{escape(alt)}" {view[0]} style="max-width: {inches * 115:.0f}px"'
    opening += f' data-figure="{escape(name)}"'
    opening += ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return re.sub(r"<svg[^>]*", lambda _: opening, text, count=1).strip()


def marks(trials: Iterable[tuple[int, int]]) -> str:
    """Return the identifier of an artist whose marks are trials, each by its stage's index and its number, in order.

    In the page it becomes `data-trials="0:3 0:8"`, by which the script finds the marks of a trial.
    """
    return f"trials-{'-'.join(f'{stage}.{number}' for stage, number in trials)}"


def _trials(found: re.Match[str]) -> str:
    return f' data-trials="{found[1].replace("-", " ").replace(".", ":")}"'


_MARKS = re.compile(r' id="trials-([\d.-]+)"')
_AXES = re.compile(r' id="(scale|axis)_([^"]+)"')  # what a script finds axes by: those of two scales, and parallel ones
_FONT = re.compile(r"font(-family)?: (?P<size>[\d.]+px )?[^;\"]*")


def _size(found: re.Match[str]) -> str:
    return f"font-size: {found['size'].strip()}" if found["size"] else "font-family: inherit"


def number_axis(
    axis: str, axes: Axes, low: float, high: float, log: bool, whole: bool = False, least: float | None = None
) -> None:
    """Set an axis' scale, limits and ticks, with numbers as in the tables.

    An axis of whole numbers has whole ticks. `least` is the smallest value that it shows, if that is not `low`: in the
    page an axis of positive numbers can be made logarithmic or linear.
    """
    each = axes.xaxis if axis == "x" else axes.yaxis
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log" if log else "linear")
    (axes.set_xlim if axis == "x" else axes.set_ylim)(low, high)
    least = low if least is None else least
    if 0 < SWITCHED * least <= high:
        each.set_gid("_".join(["scale", axis, "log" if log else "linear", *map(repr, map(float, (low, high, least)))]))
    write: Callable[[float], str] = partial(formatting.short, scientific=low < 1e-3)
    if log and high / low >= 30:
        each.set_major_locator(LogLocator(10, numticks=6))
    elif log and high / low >= 6:
        each.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=8))
    else:  # a few round numbers, also on a logarithmic axis of less than a decade
        ticks = [float(f"{tick:.6g}") for tick in _linear(whole).tick_values(low, high)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        each.set_major_locator(FixedLocator(ticks))
        write = formatting.NumberStyle(ticks)
    each.set_minor_locator(NullLocator())
    each.set_minor_formatter(NullFormatter())
    each.set_major_formatter(FuncFormatter(lambda value, _: write(float(f"{value:.6g}"))))


def _linear(whole: bool) -> MaxNLocator:
    return MaxNLocator(6, integer=True) if whole else MaxNLocator(6, steps=STEPS)


def percent_axis(axes: Axes, label: str) -> None:
    """Label the ticks of the vertical axis, whose values are shares, in percent."""
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))
    axes.set_ylabel(label)


def value_axis(axes: Axes, goal: Goal, label: str) -> None:
    """Label the vertical axis, whose values are those of an objective."""
    if goal.share:
        percent_axis(axes, label)
        return
    axes.yaxis.set_major_locator(_linear(goal.metric in COUNTED))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.set_ylabel(label)


def limit(axes: Axes, goal: Goal, curves: Sequence[NDArray[np.float64]]) -> None:
    """Limit the vertical axis of learning curves: just above the best share; else where first epochs are far worse."""
    values = [curve[np.isfinite(curve)] for curve in curves]
    values = [curve for curve in values if curve.size]
    if goal.share:
        best = max((float(curve.max()) for curve in values), default=1.0)
        axes.set_ylim(top=best + 0.03 * best)
        return
    if not values:
        return
    scores = goal.sign * np.concatenate(values)
    best, typical, worst = (float(score) for score in np.quantile(scores, [1.0, 0.1, 0.0]))
    if best - worst > 3 * (best - typical) > 0:
        worst = best - 1.5 * (best - typical)
        room = 0.05 * (best - worst)
        low, high = sorted((goal.sign * (worst - room), goal.sign * (best + room)))
        axes.set_ylim(low, high)


def one_line(text: str, length: int = 40) -> str:
    """Return a text for a figure: on one line, and cut to a length."""
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
