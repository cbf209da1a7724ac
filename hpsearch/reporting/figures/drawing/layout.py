"""The layout of one set of axes: the room that texts leave it, and the grid, ticks and texts. May import NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.reporting.figures.drawing.scene import INK, RULE, Element, Lines, Paint, Points, Words, text_width
from hpsearch.reporting.figures.drawing.ticks import Axis

_SIZE, _LINE, _PAD = 10.0, 14.0, 3.5
"""The font's size, the room of a line of text, and the distance of texts from what they belong to, in points."""

_THIN = Paint(INK, 0.6)
_BAR = 8.0
"""The width of a bar of colours."""


@dataclass(frozen=True)
class Bar:
    """A bar of colours at the right: its colours from below, and the axis beside it."""

    colours: Sequence[str]
    axis: Axis


@dataclass(frozen=True)
class Layout:
    """Where values of both axes are in a figure of `width` and `height` points, with `above` for what is on top."""

    xaxis: Axis
    yaxis: Axis
    bar: Bar | None
    above: float
    width: float
    height: float

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """The left, top, right and bottom of the axes."""
        left, top, right, bottom = 3.0, 3.0 + self.above, self.width - 3.0, self.height - 3.0
        bottom -= _LINE if self.xaxis.label else 0.0
        top += self._under if self.xaxis.other else 0.0
        bottom -= 0.0 if self.xaxis.other else self._under
        left += self._beside + (_LINE if self.yaxis.label else 0.0)
        if self.bar:
            right -= 6.0 + _BAR + 2 * _PAD + _LINE + _widest(self.bar.axis)
        if self._xticks and not self.xaxis.rotation:  # the last text may go beyond the axis
            tick, text = self._xticks[-1]
            free = (1 - float(self.xaxis.shares([tick])[0])) * (right - left)
            right -= max(0.0, text_width(text, _SIZE) / 2 - free)
        return left, top, right, bottom

    def at(self, x: ArrayLike, y: ArrayLike, share_y: bool = False) -> Points:
        """Return the positions (number, 2) of values, NaN where they are nowhere; y may be a share of the height."""
        left, top, right, bottom = self.box
        up = np.asarray(y, dtype=np.float64) if share_y else self.yaxis.shares(y)
        return np.column_stack([left + self.xaxis.shares(x) * (right - left), bottom - up * (bottom - top)])

    def grid(self) -> list[Element]:
        """Return the lines below all else."""
        left, top, right, bottom = self.box
        across = [_line(x, bottom, x, top) for x, _ in self._across if self.xaxis.grid]
        up = [_line(left, y, right, y) for y, _ in self._up if self.yaxis.grid]
        paint = Paint(RULE, 0.6)
        return [*_lines(across, paint, _part("x", self.xaxis)), *_lines(up, paint, _part("y", self.yaxis))]

    def around(self) -> list[Element]:
        """Return the lines of the axes, their ticks, and all texts beside them."""
        left, top, right, bottom = self.box
        foot, away = (top, -1.0) if self.xaxis.other else (bottom, 1.0)
        long, wide, turned = self.xaxis.length, self.yaxis.length, self.xaxis.rotation
        x_part, y_part = _part("x", self.xaxis), _part("y", self.yaxis)
        found = _lines([_line(x, foot, x, foot + away * long) for x, _ in self._across if long], _THIN, x_part)
        found += _lines([_line(left, y, left - wide, y) for y, _ in self._up if wide], _THIN, y_part)
        lines = [_line(left, bottom, right, bottom)] if self.xaxis.line else []
        lines += [_line(left, bottom, left, top)] if self.yaxis.line else []
        found += _lines(lines, _THIN)
        base = foot + away * (long + _PAD) + (0.0 if self.xaxis.other else 4.0 if turned else 0.8 * _SIZE)
        for x, text in self._across:
            anchor = "end" if turned else "middle"
            found.append(Words(text, x + 3.0 * bool(turned), base, _SIZE, anchor, bool(turned), turned, x_part))
        found += [Words(text, left - wide - _PAD, y, _SIZE, "end", middle=True, part=y_part) for y, text in self._up]
        if self.xaxis.label:
            under = 0.0 if self.xaxis.other else self._under
            part = x_part and "x label"
            found.append(Words(self.xaxis.label, (left + right) / 2, bottom + under + 11.0, _SIZE, "middle", part=part))
        if self.yaxis.label:
            at = left - self._beside - 5.0
            part = y_part and "y label"
            found.append(Words(self.yaxis.label, at, (top + bottom) / 2, _SIZE, "middle", angle=90.0, part=part))
        return found

    def bar_of_colours(self) -> list[Element]:
        """Return the bar with its axis. Each colour reaches to the top, below the next one: so there are no seams."""
        if not self.bar:
            return []
        _, top, right, bottom = self.box
        left, right = right + 6.0, right + 6.0 + _BAR
        heights = np.linspace(bottom, top, len(self.bar.colours) + 1).tolist()
        areas = [np.array([(left, low), (right, low), (right, top), (left, top)]) for low, _ in pairwise(heights)]
        found: list[Element] = [
            Lines([area], Paint(fill=fill), closed=True, clipped=False)
            for area, fill in zip(areas, self.bar.colours, strict=True)
        ]
        axis = self.bar.axis
        ticks = [(bottom - float(axis.shares([tick])[0]) * (bottom - top), text) for tick, text in axis.ticks]
        found += _lines([_line(right, y, right + _PAD, y) for y, _ in ticks], _THIN)
        found += [Words(text, right + 2 * _PAD, y, _SIZE, middle=True) for y, text in ticks]
        beyond = right + 2 * _PAD + _widest(axis) + 11.0
        return [*found, Words(axis.label, beyond, (top + bottom) / 2, _SIZE, "middle", angle=90.0)]

    @cached_property
    def _xticks(self) -> list[tuple[float, str]]:
        return self.xaxis.ticks

    @cached_property
    def _across(self) -> list[tuple[float, str]]:
        """The ticks of the horizontal axis, in points, and their texts."""
        left, _, right, _ = self.box
        return [(left + float(self.xaxis.shares([tick])[0]) * (right - left), text) for tick, text in self._xticks]

    @cached_property
    def _up(self) -> list[tuple[float, str]]:
        _, top, _, bottom = self.box
        return [(bottom - float(self.yaxis.shares([at])[0]) * (bottom - top), text) for at, text in self.yaxis.ticks]

    @cached_property
    def _under(self) -> float:
        """The height of the ticks and their texts at the horizontal axis."""
        if not self._xticks:
            return 0.0
        slope = np.deg2rad(self.xaxis.rotation)
        turned = _widest(self.xaxis) * np.sin(slope) + 8.0 * np.cos(slope)
        return self.xaxis.length + _PAD + float(max(_SIZE, turned) if slope else _SIZE)

    @cached_property
    def _beside(self) -> float:
        """The width of the ticks and their texts at the vertical axis."""
        return self.yaxis.length + _PAD + _widest(self.yaxis) if self.yaxis.ticks else 0.0


def _widest(axis: Axis) -> float:
    return max((text_width(text, _SIZE) for _, text in axis.ticks), default=0.0)


def _line(x: float, y: float, to_x: float, to_y: float) -> Points:
    return np.array([[x, y], [to_x, to_y]])


def _lines(pieces: Sequence[Points], paint: Paint, part: str = "") -> list[Element]:
    return [Lines(pieces, paint, clipped=False, part=part)] if pieces else []


def _part(name: str, axis: Axis) -> str:
    """The name of what the page's script draws anew when the reader switches an axis' scale."""
    return name if axis.least is not None else ""
