"""What all figures share: colours, markers, axes, and how a figure becomes inline SVG. May import matplotlib.

Object-oriented matplotlib only; pyplot's global state is never touched. Text stays text in the SVG, in the page's own
font, and colours become CSS variables, so that a figure follows the page into the dark. `files` draws it on white.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from hpsearch.reporting import formatting

INK, RULE, BACK = "#1c1e21", "#dfe2e6", "#fefefe"
"""Text, grid lines and background on white paper; in a page the style sheet gives them their colours."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#757575")
"""Okabe and Ito's palette (2008), told apart with every kind of colour vision; the yellow, faint on white, left out."""

MARKERS = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"), ("X", "✖"))
"""matplotlib's name of a marker, and the character that stands for it in a legend: told apart without colour."""

_VARIABLES = {INK: "ink", RULE: "rule", BACK: "paper"} | {hex_: f"series-{i}" for i, hex_ in enumerate(COLOURS)}

STEPS = [1, 2, 2.5, 5, 10]
"""The distances of ticks that a reader can count in."""

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
    """Return the character that shows the index-th series' marker in a legend."""
    return MARKERS[index % len(MARKERS)][1]


Legend = Sequence[tuple[int, str]]
"""What the series of a figure are: their numbers, which give colour and marker, and their names."""


@dataclass(frozen=True)
class Picture:
    """A figure of one set of axes, not yet drawn; `size` in inches."""

    name: str
    alt: str
    size: tuple[float, float]
    draw: Callable[[Axes], None]
    legend: Legend = ()


_gathered: ContextVar[dict[str, Picture] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathered() -> Iterator[dict[str, Picture]]:
    """Collect, by name and in order, the pictures that `svg` draws meanwhile, so that they can be drawn as files."""
    pictures: dict[str, Picture] = {}
    token = _gathered.set(pictures)
    try:
        yield pictures
    finally:
        _gathered.reset(token)


def svg(name: str, alt: str, size: tuple[float, float], draw: Callable[[Axes], None], legend: Legend = ()) -> str:
    """Return a figure of one set of axes as an `<svg>` element of HTML; `size` in inches, `name` unique in its page.

    The same input gives the same text: `name` seeds the identifiers, and no date is written. The page shows the legend
    of several figures once, so it is not in the SVG.
    """
    pictures = _gathered.get()
    if pictures is not None:
        pictures[name] = Picture(name, alt, size, draw, legend)
    out = io.StringIO()
    with drawing_style(name):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        figure.savefig(
            out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _inline(out.getvalue(), name, alt, size[0])


@contextmanager
def drawing_style(name: str, **configurations: Any) -> Iterator[None]:
    """Draw inside with our look, and with identifiers that depend on `name` alone."""
    style: dict[Any, Any] = {**_STYLE, "svg.hashsalt": name} | configurations
    with mpl.rc_context(style), warnings.catch_warnings():
        # Glyphs that matplotlib's font lacks matter little: it only measures with them, the browser draws them.
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        warnings.filterwarnings("ignore", message=r".*(Tight|constrained)_?layout", category=UserWarning)
        yield


def _inline(text: str, name: str, alt: str, inches: float) -> str:
    """Turn a stand-alone SVG file into an element that takes the page's font, colours and width."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)  # such as axes_1: the same in every figure, referred to by none
    text = re.sub(r'style="[^"]*"', lambda style: _FONT.sub(_size, style[0]), text)
    for placeholder, variable in _VARIABLES.items():
        text = text.replace(placeholder, f"var(--{variable})")
    view = re.search(r'viewBox="[^"]*"', text)
    assert view, "matplotlib writes a viewBox"
    opening = f'<svg role="img" aria-label="{escape(alt)}" {view[0]} style="max-width: {inches * 115:.0f}px"'
    opening += f' data-figure="{escape(name)}"'
    opening += ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return re.sub(r"<svg[^>]*", lambda _: opening, text, count=1).strip()


_FONT = re.compile(r"font(-family)?: (?P<size>[\d.]+px )?[^;\"]*")


def _size(found: re.Match[str]) -> str:
    return f"font-size: {found['size'].strip()}" if found["size"] else "font-family: inherit"


def number_axis(axis: str, axes: Axes, low: float, high: float, log: bool) -> None:
    """Scale an axis, and write its ticks as the tables write numbers; `low` and `high` are what it will show."""
    each = axes.xaxis if axis == "x" else axes.yaxis
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log" if log else "linear")
    write: Callable[[float], str] = partial(formatting.short, scientific=low < 1e-3)
    if log and high / low >= 30:
        each.set_major_locator(LogLocator(10, numticks=6))
    elif log and high / low >= 6:
        each.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=8))
    else:  # a few round numbers, also where a logarithmic axis spans less than a decade
        ticks = [float(f"{tick:.6g}") for tick in MaxNLocator(6, steps=STEPS).tick_values(low, high)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        each.set_major_locator(FixedLocator(ticks))
        write = formatting.NumberStyle(ticks)
    each.set_minor_locator(NullLocator())
    each.set_minor_formatter(NullFormatter())
    each.set_major_formatter(FuncFormatter(lambda value, _: write(float(f"{value:.6g}"))))


def percent_axis(axes: Axes, label: str) -> None:
    """Write the vertical axis, which holds shares, in percent."""
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))
    axes.set_ylabel(label)


def one_line(text: str, length: int = 40) -> str:
    """Return foreign text for a figure: on one line, and not longer than there is room for."""
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
