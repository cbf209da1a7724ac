"""The report as PDF, made without a browser. May import fpdf2 (the extra `pdf`)."""

import io
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hpsearch.reporting.figures.files import characters, dejavu, written
from hpsearch.reporting.figures.style import INK, RULE
from hpsearch.reporting.formats.content import Content, Files
from hpsearch.reporting.formats.outline import (
    Block,
    FigureBlock,
    Heading,
    Images,
    Paragraph,
    Table,
    Verbatim,
    shortened,
)

if TYPE_CHECKING:
    from fpdf import FPDF

_CELL, _TEXT = 160, 2_000
"""The most characters of a table cell and of a paragraph."""

_TEXT_FONT, _BOLD, _MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
_SIZES = {1: 20.0, 2: 14.0, 3: 11.0, 4: 10.0}
_MARGIN, _GUTTER = 16.0, 6.0  # millimetres


def files(content: Content) -> Files:
    """Return report.pdf."""
    return {"report.pdf": document(content.frames.study["name"], content.blocks, content.png)}


def document(name: str, blocks: Sequence[Block], figures: Mapping[str, bytes]) -> bytes:
    """Return the blocks of a page as A4 pages, the same bytes for the same input; `figures` are PNG files by name."""
    logging.getLogger("fpdf").setLevel(logging.ERROR)  # it warns of each glyph that the font lacks
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    pdf = _empty(name)
    row: list[FigureBlock] = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if isinstance(block, FigureBlock):
            row.append(block)
            if len(row) == 2:
                _figures(pdf, row, figures)
                row = []
            continue
        if row:
            _figures(pdf, row, figures)
            row = []
        if isinstance(block, Heading) and isinstance(following, FigureBlock | Images) and pdf.will_page_break(90):
            pdf.add_page()  # a heading stays on one page with its figure
        _block(pdf, block, figures)
    if row:
        _figures(pdf, row, figures)
    return bytes(pdf.output())


def _empty(name: str) -> "FPDF":
    from fpdf import FPDF

    class Pages(FPDF):
        """Pages with the study's name and a number at their foot."""

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("text", size=7)
            self.set_text_color(110)
            self.cell(0, 5, _plain(name, 80))
            self.set_x(-60)
            self.cell(60 - _MARGIN, 5, f"{self.page_no()} of {{nb}}", align="R")

    pdf = Pages(format="A4")
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))  # the same report gives the same bytes
    pdf.set_title(_plain(name, 250))
    pdf.set_lang("en")
    pdf.set_margin(_MARGIN)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_font("text", "", dejavu(_TEXT_FONT))
    pdf.add_font("text", "B", dejavu(_BOLD))
    pdf.add_font("mono", "", dejavu(_MONO))
    pdf.add_page()
    return pdf


def _plain(text: str, length: int, *fonts: str) -> str:
    """Return a shortened text without control characters, and the numbers of characters that the fonts lack."""
    known = frozenset.intersection(*(characters(dejavu(font)) for font in fonts or (_TEXT_FONT, _BOLD)))
    return written("".join(each if each.isprintable() else " " for each in shortened(text, length)), known)


def _block(pdf: "FPDF", block: Block, figures: Mapping[str, bytes]) -> None:
    pdf.set_text_color(INK)
    if isinstance(block, Heading):
        _heading(pdf, block)
    elif isinstance(block, Paragraph):
        pdf.set_font("text", size=9)
        indent = 4.0 if block.listed else 0.0
        pdf.set_x(_MARGIN + indent)
        text = f"•  {block.text}" if block.listed else block.text
        pdf.multi_cell(pdf.epw - indent, 4.6, _plain(text, _TEXT), align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(0.6 if block.listed else 1.6)
    elif isinstance(block, Verbatim):
        pdf.set_font("mono", size=7)
        text = "\n".join(_plain(line.expandtabs(4), _TEXT, _MONO) for line in block.text.splitlines())
        pdf.set_fill_color(246)
        pdf.multi_cell(0, 3.6, text, align="L", fill=True, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
    elif isinstance(block, Table):
        _table(pdf, block)
    elif isinstance(block, Images):
        pdf.image(io.BytesIO(figures[block.name]), w=pdf.epw * min(1, len(block.images) / 10), alt_text=block.name)


def _heading(pdf: "FPDF", block: Heading) -> None:
    size = _SIZES[block.level]
    if pdf.will_page_break(size + 24):
        pdf.add_page()
    if block.level > 1:
        pdf.ln(5 if block.level == 2 else 2)
    text = _plain(block.text, 300)
    if block.level == 2:
        pdf.set_draw_color(RULE)
        pdf.line(_MARGIN, pdf.y, pdf.w - _MARGIN, pdf.y)
        pdf.ln(2.5)
    pdf.start_section(_plain(block.text, 80), level=max(0, block.level - 2), strict=False)
    pdf.set_font("text", "B", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1.5)


def _table(pdf: "FPDF", table: Table) -> None:
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    size = 7.0 if len(table.left) <= 11 else 5.5
    pdf.set_font("text", size=size)
    pdf.set_draw_color(RULE)
    plain = [[_plain(cell, _CELL) for cell in row] for row in table.rows]
    header = [_plain(cell, 60) for cell in table.header]
    weights = _widths(pdf, header, plain)
    headed = any(header)
    with pdf.table(
        col_widths=weights,
        width=min(pdf.epw, sum(weights)),
        align="L",
        text_align=tuple("LEFT" if left else "RIGHT" for left in table.left),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=size * 0.5,
        padding=(0.6, 1.2),
        first_row_as_headings=headed,
        headings_style=FontFace(emphasis="BOLD", color=INK),
    ) as drawn:
        for cells in ([header] if headed else []) + plain:
            drawn.row(cells)
    pdf.ln(2)


def _widths(pdf: "FPDF", header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Return each column's width in millimetres: that of its longest cell, reduced where the page is too narrow."""
    widths = []
    for column, head in enumerate(header):
        words = max((pdf.get_string_width(word) * 1.15 for word in head.split()), default=0.0)
        longest = max((pdf.get_string_width(row[column]) for row in rows), default=0.0)
        widths.append(max(words, longest) + 3.4)
    room = pdf.epw
    while sum(widths) > room * 1.001:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] = max(room - (sum(widths) - widths[widest]), widths[widest] * 0.8)
    return tuple(widths)


def _figures(pdf: "FPDF", row: Sequence[FigureBlock], figures: Mapping[str, bytes]) -> None:
    """Set one or two figures beside each other."""
    width = (pdf.epw - _GUTTER) / 2
    contents = [(block, figures[block.name]) for block in row if block.name in figures]
    heights = [width * _ratio(content) for _, content in contents]
    if not contents:
        return
    if pdf.will_page_break(max(heights)):
        pdf.add_page()
    top = pdf.y
    for column, (block, content) in enumerate(contents):
        x = _MARGIN + column * (width + _GUTTER)
        pdf.image(io.BytesIO(content), x=x, y=top, w=width, alt_text=_plain(block.alt, 300))
    pdf.set_y(top + max(heights) + 3)


def _ratio(png: bytes) -> float:
    """Return height / width of a PNG file, from its first chunk."""
    return int.from_bytes(png[20:24], "big") / int.from_bytes(png[16:20], "big")
