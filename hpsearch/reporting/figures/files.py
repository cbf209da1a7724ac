"""Figures as PNG and SVG files, on white, with their legends. May import matplotlib."""

import io
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from hpsearch.reporting.figures.fonts import families, write_out
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
