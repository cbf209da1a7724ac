"""Figures as PNG and SVG files, on white, with their legends, and the fonts of files. May import matplotlib.

What no font has is written as its number, never left out. In the page the browser chooses the fonts.
"""

import io
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from hpsearch.reporting.figures.style import Plot, colour, drawing_style, marker, one_line

DPI = 200
_COLUMNS = 10
"""The images in a row of a montage."""


def plot_file(plot: Plot, file_format: str) -> bytes:
    """Return a figure as the bytes of a PNG or SVG file: the same for the same input."""
    with drawing_style(plot.name, **_as_paths()):
        width, height = plot.size
        lines = len(plot.legend) if len(plot.legend) > 1 else 0
        figure = Figure(figsize=(width, height + 0.2 * lines), layout="constrained")
        plot.draw(figure.subplots())
        if lines:
            handles = [_handle(series) for series, _ in plot.legend]
            texts = [one_line(text, 60) for _, text in plot.legend]
            figure.legend(handles, texts, loc="outside lower left", frameon=False, fontsize=8, labelspacing=0.25)
        return _saved(figure, file_format)


def _handle(series: int) -> Line2D:
    return Line2D([], [], color=colour(series), marker=marker(series), markersize=4.5)


def montage_file(name: str, images: Sequence[tuple[str, bytes]], file_format: str) -> bytes:
    """Return small images with their captions as one PNG or SVG file."""
    columns = min(_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    # One set of axes for all images: fifty sets would take seconds to lay out.
    with drawing_style(name, **_as_paths()):
        figure = Figure(figsize=(0.95 * columns, 1.15 * rows))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.grid(False)
        for index, (caption, content) in enumerate(images):
            left, top = index % columns + 0.05, 1.2 * (index // columns + 1)
            axes.imshow(imread(io.BytesIO(content)), interpolation="nearest", extent=(left, left + 0.9, top, top - 0.9))
            axes.text(left, top - 0.94, one_line(caption, 22), fontsize=5.5, verticalalignment="bottom")
        axes.set_xlim(0, columns)
        axes.set_ylim(1.2 * rows + 0.05, 0)
        return _saved(figure, file_format)


def _as_paths() -> dict[str, Any]:
    return {"svg.fonttype": "path", "font.family": list(families())}


def _saved(figure: Figure, file_format: str) -> bytes:
    write_out(figure)
    out = io.BytesIO()
    if file_format == "png":
        figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None}, facecolor="white")
    else:
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=metadata, facecolor="white")
    return out.getvalue()


FURTHER = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("PingFang SC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "Droid Sans Fallback"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai"),
    *("Noto Emoji", "Symbola", "Segoe UI Symbol", "Unifont"),
)
"""Further fonts, used where they are installed; none with colours, which matplotlib does not draw."""


def dejavu(name: str = "DejaVuSans") -> Path:
    """Return the file of a font that comes with matplotlib."""
    return Path(mpl.get_data_path()) / "fonts/ttf" / f"{name}.ttf"


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the installed fonts, in the order in which a character is looked for."""
    installed = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in FURTHER if name in installed))


@lru_cache(maxsize=1)
def _drawn() -> frozenset[int]:
    further = [Path(entry.fname) for entry in fontManager.ttflist if entry.name in families()[1:]]
    return frozenset().union(*(characters(file) for file in (dejavu(), *further)))


@lru_cache(maxsize=32)
def characters(font: Path) -> frozenset[int]:
    """Return the code points that a font has."""
    return frozenset(FT2Font(str(font)).get_charmap())


def written(text: str, known: frozenset[int]) -> str:
    """Write each character that is not among the known ones as its number.

    >>> written("λ 猫", characters(dejavu()))
    'λ [U+732B]'
    """
    return "".join(each if ord(each) in known or each.isspace() else f"[U+{ord(each):04X}]" for each in text)


def _written_out(write: Callable[..., str], known: frozenset[int]) -> Callable[..., str]:
    return lambda *given: written(write(*given), known)


def write_out(figure: Figure) -> None:
    """Write out, in all texts of a figure, the characters that no installed font has."""
    known = _drawn()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FuncFormatter):  # also that of ticks with given texts
                formatter.func = _written_out(formatter.func, known)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(written(text.get_text(), known))
