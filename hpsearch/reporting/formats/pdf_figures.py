"""Figures as lines, marks and texts of a PDF page, sharp at any size. May import fpdf2 and our figures."""

import io
from collections.abc import Callable, Container, Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.reporting.figures.drawing.fonts import written
from hpsearch.reporting.figures.drawing.scene import SHAPES, Element, Marks, Paint, Points, Scene, Words, inside
from hpsearch.reporting.figures.style import one_line

if TYPE_CHECKING:
    from fpdf import FPDF
    from PIL.Image import Image

_POINT = 25.4 / 72  # millimetres
_COLUMNS = 10
"""The images in a row of a montage."""

_SMOOTH = 128
"""Small images are enlarged to at least so many pixels, since many readers blur them otherwise."""

_ANCHORS = {"start": 0.0, "middle": 0.5, "end": 1.0}


def draw(pdf: "FPDF", scene: Scene, at: tuple[float, float], width: float, alt: str, known: Container[int]) -> None:
    """Draw a figure with its top left `at` a place, so many millimetres wide; `alt` describes it to a screen reader.

    `known` are the characters of the font.
    """
    figure = _Figure(pdf, np.array(at), width / scene.width, known)
    described = getattr(pdf, "_marked_sequence", lambda **_: nullcontext())  # fpdf2 has no public way to do so
    with pdf.local_context(), described(alt_text=alt):
        for element in scene.elements:
            with ExitStack() as stack:
                if not isinstance(element, Words) and element.clipped and not inside(element, scene.box):
                    left, top, right, bottom = scene.box
                    stack.enter_context(pdf.local_context())  # fpdf2 forgets what a clip restores
                    (x, y), size = figure.places(np.array([(left, top)]))[0], figure.scale
                    stack.enter_context(pdf.rect_clip(x, y, size * (right - left), size * (bottom - top)))
                figure.draw(element)


class _Figure:
    """Draws elements on a page: a figure's points are `scale` millimetres, from its top left."""

    def __init__(self, pdf: "FPDF", corner: Points, scale: float, known: Container[int]) -> None:
        self.pdf, self.corner, self.scale, self.known = pdf, corner, scale, known

    def places(self, points: Points) -> list[tuple[float, float]]:
        """Where points of the figure are on the page."""
        return [(x, y) for x, y in (self.corner + self.scale * np.asarray(points)).tolist()]

    def draw(self, element: Element) -> None:
        """Draw one element."""
        if isinstance(element, Words):
            self._words(element)
            return
        paint = element.paint
        with ExitStack() as stack:
            if paint.opacity < 1:
                opacity = {"fill_opacity": paint.opacity, "stroke_opacity": paint.opacity}
                stack.enter_context(self.pdf.local_context(**opacity))
            self._set(paint)
            if isinstance(element, Marks):
                self._marks(element)
                return
            for piece in element.pieces:
                if style := _style(paint, element.closed and paint.fill):
                    self.pdf.polyline(self.places(piece), polygon=element.closed, style=style)

    def _set(self, paint: Paint) -> None:
        if paint.stroke and paint.width:
            self.pdf.set_draw_color(paint.stroke)
            self.pdf.set_line_width(paint.width * self.scale)
        if paint.fill:
            self.pdf.set_fill_color(paint.fill)
        dash, gap = paint.dash or (0.0, 0.0)
        self.pdf.set_dash_pattern(dash * self.scale, gap * self.scale)

    def _marks(self, marks: Marks) -> None:
        shape = self._shape(marks)
        fills = marks.fills or (None,) * len(marks.points)
        for (x, y), fill in zip(self.places(marks.points), fills, strict=True):
            if fill:
                self.pdf.set_fill_color(fill)
            shape(x, y)

    def _shape(self, marks: Marks) -> Callable[[float, float], None]:
        """How a mark is drawn at a place."""
        half, pdf = marks.size / 2 * self.scale, self.pdf
        style = _style(marks.paint, marks.paint.fill or marks.fills)
        if not style:
            return lambda x, y: None
        if marks.shape == "o":
            return lambda x, y: pdf.circle(x, y, half, style=style)
        if marks.shape == "|":
            return lambda x, y: pdf.line(x, y - half, x, y + half)
        if marks.shape == "x":
            return lambda x, y: _cross(pdf, x, y, half)
        corners = np.array(SHAPES[marks.shape]) * (half / 3 if marks.shape in "PX" else half)
        return lambda x, y: pdf.polyline((corners + np.array((x, y))).tolist(), polygon=True, style=style)

    def _words(self, words: Words) -> None:
        pdf = self.pdf
        pdf.set_text_color(words.colour)
        pdf.set_fill_color(words.colour)  # else fpdf2 writes the colour again with each text
        pdf.set_font("text", size=words.size * self.scale / _POINT)
        (x, y), lower = self.places(np.array([(words.x, words.y)]))[0], (words.base - words.y) * self.scale
        text = written(words.text, self.known)
        with pdf.rotation(words.angle, x, y) if words.angle else nullcontext():
            pdf.text(x - _ANCHORS[words.anchor] * pdf.get_string_width(text), y + lower, text)


def _style(paint: Paint, filled: object) -> str:
    """How fpdf2 is to draw a shape: its edge (D), what is inside (F), both, or "" for nothing."""
    return ("D" if paint.stroke and paint.width else "") + ("F" if filled else "")


def _cross(pdf: "FPDF", x: float, y: float, half: float) -> None:
    pdf.line(x - half, y - half, x + half, y + half)
    pdf.line(x - half, y + half, x + half, y - half)


def draw_images(pdf: "FPDF", images: Sequence[tuple[str, bytes]], known: Container[int]) -> None:
    """Draw small images in rows, with their captions."""
    side = pdf.epw / _COLUMNS
    for start in range(0, len(images), _COLUMNS):
        if pdf.will_page_break(1.2 * side):
            pdf.add_page()
        top = pdf.y
        for column, (caption, content) in enumerate(images[start : start + _COLUMNS]):
            left = pdf.l_margin + side * column
            pdf.image(_enlarged(content), x=left, y=top, w=0.9 * side, alt_text=caption)
            pdf.set_font("text", size=4)
            pdf.text(left, top + 1.05 * side, written(one_line(caption, 22), known))
        pdf.set_y(top + 1.2 * side)


def _enlarged(content: bytes) -> "Image":
    """Read a PNG file; each pixel of a small image as several."""
    from PIL import Image

    image = Image.open(io.BytesIO(content))
    times = -(-_SMOOTH // max(image.size))
    return image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST)
