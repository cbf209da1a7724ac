"""Figures as PNG and SVG files, on white, with their legends, and the fonts of files. May import matplotlib.

What no font has is written as its number, never left out. In the page the browser chooses the fonts.
"""

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.image import imread
from matplotlib.markers import MarkerStyle
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform, Transform, TransformedBbox

from hpsearch.reporting.figures.drawing.fonts import dejavu, written
from hpsearch.reporting.figures.drawing.scene import INK, Element, Marks, Words
from hpsearch.reporting.figures.style import Plot, one_line

DPI = 200
_COLUMNS = 10
"""The images in a row of a montage."""

_ALIGN: dict[str, Any] = {"start": "left", "middle": "center", "end": "right"}


def plot_file(plot: Plot, file_format: str) -> bytes:
    """Return a figure with its legend as the bytes of a PNG or SVG file: the same for the same input."""
    scene = plot.with_legend
    with mpl.rc_context(_style(plot.name)):
        figure = Figure(figsize=(scene.width / 72, scene.height / 72))
        to_pixels = Affine2D().scale(1 / 72, -1 / 72).translate(0, scene.height / 72) + figure.dpi_scale_trans
        for element in scene.elements:
            for artist in _artists(element, to_pixels):
                figure.add_artist(artist)
                if not isinstance(element, Words) and element.clipped:
                    artist.set_clip_box(TransformedBbox(Bbox.from_extents(*scene.box), to_pixels))
        return _saved(figure, file_format)


def _artists(element: Element, to_pixels: Transform) -> list[Artist]:
    """Return what matplotlib draws of an element."""
    if isinstance(element, Words):
        turned = element.angle != 0
        text = Text(
            element.x,
            element.y if turned else element.base,
            written(element.text, _drawn()),
            fontsize=element.size,
            color=element.colour,
            horizontalalignment=_ALIGN[element.anchor],
            verticalalignment="center" if turned and element.middle else "baseline",
            rotation=element.angle,
            rotation_mode="anchor",
        )
        text.set_transform(to_pixels)
        return [text]
    paint = element.paint
    edge = to_rgba(paint.stroke, paint.opacity) if paint.stroke and paint.width else "none"
    inside = to_rgba(paint.fill, paint.opacity) if paint.fill else "none"
    if isinstance(element, Marks):
        style = MarkerStyle(element.shape)
        collection = PathCollection(
            [style.get_path().transformed(style.get_transform())],
            sizes=[element.size**2],
            offsets=element.points,
            offset_transform=to_pixels,
            facecolors=element.fills or inside,
            edgecolors=edge,
            linewidths=paint.width,
        )
        collection.set_transform(IdentityTransform())
        return [collection]
    width, dash = paint.width, (0, tuple(part / paint.width for part in paint.dash)) if paint.dash else "-"
    return [
        PathPatch(
            Path(np.vstack([piece, piece[:1]]), closed=True) if element.closed else Path(piece),
            facecolor=inside if element.closed else "none",
            edgecolor=edge,
            linewidth=width,
            linestyle=dash,
            capstyle="butt",
            joinstyle="round",
            transform=to_pixels,
        )
        for piece in element.pieces
    ]


def montage_file(name: str, images: Sequence[tuple[str, bytes]], file_format: str) -> bytes:
    """Return small images with their captions as one PNG or SVG file."""
    columns = min(_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    # One set of axes for all images: fifty sets would take seconds to lay out.
    with mpl.rc_context(_style(name)):
        figure = Figure(figsize=(0.95 * columns, 1.15 * rows))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.grid(False)
        for index, (caption, content) in enumerate(images):
            left, top = index % columns + 0.05, 1.2 * (index // columns + 1)
            axes.imshow(imread(io.BytesIO(content)), interpolation="nearest", extent=(left, left + 0.9, top, top - 0.9))
            axes.text(
                left, top - 0.94, written(one_line(caption, 22), _drawn()), fontsize=5.5, verticalalignment="bottom"
            )
        axes.set_xlim(0, columns)
        axes.set_ylim(1.2 * rows + 0.05, 0)
        return _saved(figure, file_format)


def _style(name: str) -> dict[Any, Any]:
    """Return matplotlib's style: a `$` in a user's text is a `$`, and SVG identifiers depend on `name` only."""
    style = {"text.parse_math": False, "text.color": INK, "svg.hashsalt": name}
    return style | {"svg.fonttype": "path", "font.family": list(families())}


def _saved(figure: Figure, file_format: str) -> bytes:
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


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the installed fonts, in the order in which a character is looked for."""
    installed = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in FURTHER if name in installed))


@lru_cache(maxsize=1)
def _drawn() -> frozenset[int]:
    further = [FilePath(entry.fname) for entry in fontManager.ttflist if entry.name in families()[1:]]
    return frozenset().union(*(characters(file) for file in (dejavu(), *further)))


@lru_cache(maxsize=32)
def characters(font: FilePath) -> frozenset[int]:
    """Return the code points that a font has."""
    return frozenset(FT2Font(str(font)).get_charmap())
