"""One set of axes: what is drawn in it, in the values of its axes, until it is laid out as a scene. May import NumPy.

The names and their arguments are those of matplotlib's Axes, as far as our figures need them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.reporting.figures.drawing.layout import Bar, Layout
from hpsearch.reporting.figures.drawing.scene import (
    BACK,
    COLOURS,
    INK,
    OPEN,
    Element,
    Lines,
    Marks,
    Paint,
    Points,
    Scene,
    Words,
    text_width,
)
from hpsearch.reporting.figures.drawing.ticks import Axis

_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


class Axes:
    """Records what is drawn, and lays it out when the limits are known. Colours are hexadecimal, sizes in points."""

    def __init__(self) -> None:
        self.xaxis, self.yaxis = Axis(), Axis()
        self._title, self._title_pad = "", 6.0
        self._bar: Bar | None = None
        self._drawn: list[tuple[float, Callable[[Layout], Sequence[Element]]]] = []

    def plot(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        color: str = COLOURS[0],
        linestyle: str | tuple[int, tuple[float, ...]] = "-",
        linewidth: float = 1.4,
        marker: str | None = None,
        markersize: float = 6.0,
        markerfacecolor: str | None = "",
        markeredgecolor: str | None = None,
        markeredgewidth: float = 1.0,
        markevery: tuple[int, int] = (0, 1),
        alpha: float = 1.0,
        zorder: float = 2.0,
        share_y: bool = False,
        clipped: bool = True,
        trials: str = "",
        part: str = "",
    ) -> None:
        """Draw a line, marks, or both; with `share_y`, y is a share of the axes' height, and may be beyond it.

        `linestyle` may be "none"; a dash is in multiples of the line's width. A `markerfacecolor` of None is hollow.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        self.xaxis.see(x)
        if not share_y:
            self.yaxis.see(y)
        dash = tuple(part * linewidth for part in linestyle[1]) if isinstance(linestyle, tuple) else ()
        inside = color if markerfacecolor == "" else markerfacecolor
        edge = Paint(markeredgecolor or color, markeredgewidth, None if marker in OPEN else inside, alpha)

        def make(layout: Layout) -> list[Element]:
            points = layout.at(x, y, share_y)
            found: list[Element] = []
            if linestyle != "none" and (pieces := _pieces(points)):
                found.append(Lines(pieces, Paint(color, linewidth, None, alpha, dash), False, clipped, trials, part))
            if marker:
                marked = points[markevery[0] :: markevery[1]]
                marked = marked[np.isfinite(marked).all(axis=1)]
                found += [Marks(marker, markersize, marked, edge, (), clipped, trials)] if len(marked) else []
            return found

        self._drawn.append((zorder, make))

    def scatter(
        self, x: ArrayLike, y: ArrayLike, colours: Sequence[str], *, zorder: float = 1.0, trials: str = "", **style: Any
    ) -> None:
        """Draw marks of several colours; `style` as of `plot`."""
        size, marker, edge = style["markersize"], style["marker"], style["markeredgecolor"]
        self.xaxis.see(x)
        self.yaxis.see(y)

        def make(layout: Layout) -> list[Element]:
            paint = Paint(edge, style["markeredgewidth"])
            return [Marks(marker, size, layout.at(x, y), paint, tuple(colours), True, trials)]

        self._drawn.append((zorder, make))

    def lines(
        self,
        pieces: Sequence[tuple[ArrayLike, ArrayLike]],
        *,
        color: str,
        linewidth: float,
        alpha: float,
        zorder: float,
    ) -> None:
        """Draw many lines of one kind, so that they add up where they cross."""
        if not pieces:
            return
        x, y = (
            np.concatenate([np.asarray(each, dtype=np.float64) for each in part]) for part in zip(*pieces, strict=True)
        )
        ends = np.cumsum([np.size(each) for each, _ in pieces])
        self.xaxis.see(x)
        self.yaxis.see(y)

        def make(layout: Layout) -> list[Element]:
            found = [piece for part in np.split(layout.at(x, y), ends[:-1]) for piece in _pieces(part)]
            return [Lines(found, Paint(color, linewidth, None, alpha))] if found else []

        self._drawn.append((zorder, make))

    def vlines(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, **style: Any) -> None:
        """Draw a vertical line at each x; `style` as of `lines`."""
        ends = np.column_stack([low, high])
        self.lines([([at, at], each) for at, each in zip(np.asarray(x).tolist(), ends, strict=True)], **style)

    def fill_between(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, *, color: str, alpha: float) -> None:
        """Fill what is between two lines."""
        x, low, high = (np.asarray(each, dtype=np.float64) for each in (x, low, high))
        self.xaxis.see(x)
        self.yaxis.see([low, high])

        def make(layout: Layout) -> list[Element]:
            edges = np.hstack([layout.at(x, low), layout.at(x, high)])
            areas = [np.vstack([piece[:, :2], piece[::-1, 2:]]) for piece in _pieces(edges)]
            return [Lines(areas, Paint(None, 0, color, alpha), closed=True)] if areas else []

        self._drawn.append((1.0, make))

    def rectangle(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        paint: Paint,
        zorder: float = 1.0,
        share_y: bool = False,
        trials: str = "",
    ) -> None:
        """Draw a rectangle."""
        self.xaxis.see(x)
        if not share_y:
            self.yaxis.see(y)
        across, up = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]

        def make(layout: Layout) -> list[Element]:
            return [Lines([layout.at(across, up, share_y)], paint, closed=True, trials=trials)]

        self._drawn.append((zorder, make))

    def axvspan(self, low: float, high: float, *, color: str, alpha: float) -> None:
        """Fill a range of x, from the bottom to the top."""
        self.rectangle((low, high), (0.0, 1.0), Paint(None, 0, color, alpha), 0.5, share_y=True)

    def barh(self, y: float, width: float, *, height: float, paint: Paint) -> None:
        """Draw a bar from x = 0."""
        self.rectangle((0.0, width), (y - height / 2, y + height / 2), paint)

    def axvline(self, x: float, **style: Any) -> None:
        """Draw a vertical line from the bottom to the top."""
        self.plot([x, x], [0.0, 1.0], share_y=True, **style)

    def axhline(self, y: float, **style: Any) -> None:
        """Draw a horizontal line from the left to the right."""
        self.yaxis.see([y])
        line = Paint(style["color"], style["linewidth"])
        self._drawn.append((2.0, lambda layout: [Lines([layout.at(self.xaxis.limits, [y, y])], line)]))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10.0,
        align: str = "left",
        middle: bool = True,
        share_y: bool = False,
        paper: bool = False,
        light: bool = False,
        zorder: float = 3.0,
    ) -> None:
        """Write a text at a place; on `paper` where it must hide what is below it, `light` where that is dark."""

        def make(layout: Layout) -> list[Element]:
            ((left, base),) = layout.at([x], [y], share_y).tolist()
            words = Words(text, left, base, size, _ANCHORS[align], middle, colour=BACK if light else INK)
            if not paper:
                return [words]
            right, half = left + text_width(text, size) + 1.5, 0.6 * size + 1.5
            corners = [(left - 1.5, base - half), (right, base - half), (right, base + half), (left - 1.5, base + half)]
            return [Lines([np.array(corners)], Paint(None, 0, BACK, 0.85), closed=True, clipped=False), words]

        self._drawn.append((zorder, make))

    def set_title(self, text: str, pad: float = 6.0) -> None:
        """Set the title, above the axes at the left, `pad` points from them."""
        self._title, self._title_pad = text, pad

    def colourbar(self, colours: Sequence[str], axis: Axis) -> None:
        """Show what colours, from the low to the high ones, mean: an axis at the right."""
        self._bar = Bar(colours, axis)

    def scene(self, width: float, height: float) -> Scene:
        """Lay out the axes with all that was drawn; the size is in points."""
        layout = Layout(self.xaxis, self.yaxis, self._bar, (self._title_pad + 9.0) * bool(self._title), width, height)
        elements = layout.grid()
        for _, make in sorted(self._drawn, key=lambda each: each[0]):
            elements += make(layout)
        elements += [*layout.around(), *layout.bar_of_colours()]
        left, top, *_ = layout.box
        elements += [Words(self._title, left, top - self._title_pad)] if self._title else []
        return Scene(width, height, layout.box, tuple(elements), (self.xaxis.switch, self.yaxis.switch))


def _pieces(points: Points) -> list[Points]:
    """Cut a line where it has no position."""
    known = np.isfinite(points).all(axis=1)
    cuts = np.flatnonzero(np.diff(known)) + 1
    return [piece for piece in np.split(points, cuts) if len(piece) and np.isfinite(piece).all()]
