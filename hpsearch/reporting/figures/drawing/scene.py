"""A figure that is laid out: lines, marks and texts in points from the top left, and the SVG that a page shows of it.

May import NumPy. `../files.py` draws the same with matplotlib, whose import and layout would cost a page seconds.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import NDArray

INK, RULE, BACK = "#1c1e21", "#dfe2e6", "#fefefe"
"""Text, grid lines and background in files; in the page the style sheet sets these colours."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#757575")
"""The palette of Okabe and Ito (2008), for all kinds of colour vision; without its yellow, too faint on white."""

_VARIABLES = {INK: "ink", RULE: "rule", BACK: "paper"} | {hex_: f"series-{i}" for i, hex_ in enumerate(COLOURS)}

_EM = 0.36
"""The height of the middle of capital letters above the base line, as a share of the font's size."""

Points = NDArray[np.float64]
"""Positions (number, 2), x to the right and y downwards."""


@dataclass(frozen=True)
class Paint:
    """How a shape is drawn; a colour of None leaves out its edge or what is inside. `dash` is in points."""

    stroke: str | None = None
    width: float = 1.0
    fill: str | None = None
    opacity: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lines:
    """Lines or, if `closed`, areas; `trials` are the keys of the trials that they show (see `style.marks`).

    `part` is what the page's script knows them by: x or y for what belongs to an axis that it can draw anew.
    """

    pieces: Sequence[Points]
    paint: Paint
    closed: bool = False
    clipped: bool = True
    trials: str = ""
    part: str = ""


@dataclass(frozen=True)
class Marks:
    """Equal marks of `size` points at some places; `fills` has the colour of each where they differ."""

    shape: str
    size: float
    points: Points
    paint: Paint
    fills: tuple[str, ...] = ()
    clipped: bool = True
    trials: str = ""


@dataclass(frozen=True)
class Words:
    """A text at a place: `anchor` is start, middle or end, `middle` whether y is its middle, not its base line."""

    text: str
    x: float
    y: float
    size: float = 10.0
    anchor: str = "start"
    middle: bool = False
    angle: float = 0.0
    part: str = ""
    colour: str = INK

    @property
    def base(self) -> float:
        """The y of the base line, if the text is not turned."""
        return self.y + _EM * self.size if self.middle else self.y


Element = Lines | Marks | Words


@dataclass(frozen=True)
class Scene:
    """All elements of a figure, the last on top; lines and marks are cut at `box`: left, top, right, bottom.

    `switches` are those of both axes (see `Axis`).
    """

    width: float
    height: float
    box: tuple[float, float, float, float]
    elements: tuple[Element, ...]
    switches: tuple[str, str] = ("", "")


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, in points: in DejaVu Sans, which is wider than most fonts of browsers."""
    return size * sum(_WIDTHS.get(each, 1.0 if east_asian_width(each) in "WF" else 0.63) for each in text)


_WIDTHS = {
    character: width
    for width, characters in (
        (0.28, "ijl'"),
        (0.33, " ,./:;\\|IJf·"),
        (0.39, "-()[]!rt"),
        (0.5, '"*_`sz?'),
        (0.57, "cLFkvxyλ–"),
        (0.68, "KAVBRXZC"),
        (0.77, "UHNDGOQ&"),
        (0.84, "w#+<=>^~M−≈→"),
        (0.98, "%mW@"),
    )
    for character in characters
}

SHAPES = {
    "s": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "^": ((0, -1), (1, 1), (-1, 1)),
    "v": ((0, 1), (1, -1), (-1, -1)),
    "D": ((0, -1.41), (1.41, 0), (0, 1.41), (-1.41, 0)),
    "P": ((-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)),
    "X": (
        *((-3, -1.5), (-1.5, -3), (0, -1.5), (1.5, -3), (3, -1.5), (1.5, 0)),
        *((3, 1.5), (1.5, 3), (0, 1.5), (-1.5, 3), (-3, 1.5), (-1.5, 0)),
    ),
}
"""The corners of matplotlib's filled markers, in halves of their size, of P and X in sixths."""

OPEN = ("x", "|")
"""Markers of lines alone."""


def _outline(shape: str, size: float) -> str:
    half = size / 2
    if shape == "o":
        arc = f"a{_n(half)} {_n(half)} 0 1 0 "
        return f"M{_n(-half)} 0{arc}{_n(size)} 0{arc}{_n(-size)} 0z"
    if shape == "x":
        return f"M{_n(-half)} {_n(-half)}L{_n(half)} {_n(half)}M{_n(-half)} {_n(half)}L{_n(half)} {_n(-half)}"
    if shape == "|":
        return f"M0 {_n(-half)}V{_n(half)}"
    unit = half / 3 if shape in "PX" else half
    return _path(np.array(SHAPES[shape]) * unit, closed=True)


def _n(value: float) -> str:
    """Write a number of points: a tenth is less than half a pixel of the largest figure."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _path(points: Points, closed: bool) -> str:
    """Return the `d` of a path, with the differences between its points, which are shorter than themselves."""
    tenths = np.rint(10 * np.clip(points, -9_999, 9_999)).astype(int)
    (x, y), steps = tenths[0], np.diff(tenths, axis=0)
    rest = " ".join(f"{_n(dx / 10)} {_n(dy / 10)}" for dx, dy in steps[np.any(steps != 0, axis=1)].tolist())
    return f"M{_n(x / 10)} {_n(y / 10)}{f'l{rest}' if rest else 'h0'}{'z' * closed}"


def inside(element: Lines | Marks, box: tuple[float, float, float, float]) -> bool:
    """Return whether all of its points are in a box, so that nothing is cut."""
    points = element.points if isinstance(element, Marks) else np.concatenate(element.pieces)
    left, top, right, bottom = box
    return bool(np.all((points >= (left - 0.1, top - 0.1)) & (points <= (right + 0.1, bottom + 0.1))))


def svg_of(scene: Scene, name: str, alt: str) -> str:
    """Return an `<svg>` element that takes the page's font, colours and width; `name` is unique in the page."""
    salt = f"f{hashlib.blake2s(name.encode(), digest_size=4).hexdigest()}"
    switches = (f' data-{axis}="{each}"' for axis, each in zip("xy", scene.switches, strict=True) if each)
    out = [
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {_n(scene.width)} {_n(scene.height)}"'
        f' style="max-width: {scene.width * 115 / 72:.0f}px" data-figure="{escape(name)}"'
        ' xmlns="http://www.w3.org/2000/svg"'
        f' stroke-linejoin="round" font-size="10"{"".join(switches)}>'
    ]
    left, top, right, bottom = scene.box
    within = f'x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
    out.append(f'<defs><clipPath id="{salt}"><rect {within}/></clipPath></defs>')
    for place, element in enumerate(scene.elements):
        if isinstance(element, Words):
            out.append(_words(element))
            continue
        clip = f' clip-path="url(#{salt})"' if element.clipped and not inside(element, scene.box) else ""
        trials = f' data-trials="{element.trials}"' if element.trials else ""
        trials += f' data-part="{element.part}"' if isinstance(element, Lines) and element.part else ""
        if isinstance(element, Marks):
            out.append(_marks(element, f"{salt}-{place}", trials + clip))
        else:
            style = f' style="{_css(element.paint)}"'
            paths = [f'<path d="{_path(piece, element.closed)}"' for piece in element.pieces]
            if len(paths) > 1 and not trials:
                out.append(f"<g{style}{clip}>{''.join(f'{path}/>' for path in paths)}</g>")
            else:  # the page's script finds the lines of a trial below its group
                lines = "".join(f"{path}{style}/>" for path in paths)
                out.append(f"<g{trials}{clip}>{lines}</g>" if trials or clip else lines)
    return "\n".join([*out, "</svg>"])


def _words(words: Words) -> str:
    at = f'x="{_n(words.x)}" y="{_n(words.base)}"'
    if words.angle:
        lower = f' dy="{_n(_EM * words.size)}"' if words.middle else ""
        turn = f"translate({_n(words.x)} {_n(words.y)}) rotate({_n(-words.angle)})"
        at = f'transform="{turn}"{lower}'
    size = "" if words.size == 10 else f' font-size="{_n(words.size)}"'
    anchor = "" if words.anchor == "start" else f' text-anchor="{words.anchor}"'
    anchor += f' data-part="{words.part}"' if words.part else ""
    return f'<text {at}{size}{anchor} style="fill: {_colour(words.colour)}">{escape(words.text, quote=False)}</text>'


def _marks(marks: Marks, name: str, more: str) -> str:
    fills = [f' style="fill: {_colour(fill)}"' for fill in marks.fills] or [""] * len(marks.points)
    paint = replace(marks.paint, fill=None) if marks.fills else marks.paint
    uses = (
        f'<use href="#{name}" x="{_n(x)}" y="{_n(y)}"{fill}/>'
        for (x, y), fill in zip(marks.points.tolist(), fills, strict=True)
    )
    outline = f'<defs><path id="{name}" d="{_outline(marks.shape, marks.size)}"/></defs>'
    return f'<g{more} style="{_css(paint)}">{outline}{"".join(uses)}</g>'


def _css(paint: Paint) -> str:
    parts = [f"fill: {_colour(paint.fill)}"]
    if paint.fill and paint.opacity < 1:
        parts.append(f"fill-opacity: {paint.opacity:.3g}")
    if paint.stroke and paint.width:
        parts.append(f"stroke: {_colour(paint.stroke)}; stroke-width: {paint.width:.3g}")
        parts += [f"stroke-opacity: {paint.opacity:.3g}"] if paint.opacity < 1 else []
        parts += [f"stroke-dasharray: {' '.join(map(_n, paint.dash))}"] if paint.dash else []
    return "; ".join(parts)


def _colour(hex_: str | None) -> str:
    return f"var(--{_VARIABLES[hex_]})" if hex_ in _VARIABLES else hex_ or "none"
