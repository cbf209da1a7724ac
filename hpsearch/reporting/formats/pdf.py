"""The report as PDF, made without a browser. May import fpdf2 (the extra `pdf`)."""

import logging
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hpsearch.reporting.figures.drawing.fonts import dejavu, written
from hpsearch.reporting.figures.style import INK, RULE, Plot
from hpsearch.reporting.formats import pdf_figures
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
    return {"report.pdf": document(content.frames.study["name"], content.blocks, content.plots)}


def document(name: str, blocks: Sequence[Block], figures: Mapping[str, Plot]) -> bytes:
    """Return the blocks of a page as A4 pages, the same bytes for the same input; `figures` by name."""
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
        with_it = 90 if isinstance(following, FigureBlock | Images) else 60 if isinstance(following, Heading) else 0
        if isinstance(block, Heading) and with_it and pdf.will_page_break(with_it):
            pdf.add_page()  # a heading stays on one page with its figure, or with a further heading and its first lines
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
            self.cell(0, 5, _plain(self, name, 80))
            self.set_x(-60)
            self.cell(60 - _MARGIN, 5, f"{self.page_no()} of {{nb}}", align="R")

    pdf = Pages(format="A4")
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))  # the same report gives the same bytes
    pdf.set_lang("en")
    pdf.set_margin(_MARGIN)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_font("text", "", dejavu(_TEXT_FONT))
    pdf.add_font("text", "B", dejavu(_BOLD))
    pdf.add_font("mono", "", dejavu(_MONO))
    pdf.set_title(_plain(pdf, name, 250))
    pdf.add_page()
    return pdf


def _characters(pdf: "FPDF", font: str) -> Container[int]:
    """Return the code points that a font has."""
    return getattr(pdf.fonts[font], "cmap", ())  # all are TrueType


def _plain(pdf: "FPDF", text: str, length: int, *fonts: str) -> str:
    """Return a shortened text without control characters, and the numbers of characters that the fonts lack."""
    known = [_characters(pdf, font) for font in fonts or ("text", "textB")]
    return written("".join(each if each.isprintable() else " " for each in shortened(text, length)), *known)


def _block(pdf: "FPDF", block: Block, figures: Mapping[str, Plot]) -> None:
    pdf.set_text_color(INK)
    if isinstance(block, Heading):
        _heading(pdf, block)
    elif isinstance(block, Paragraph):
        pdf.set_font("text", size=9)
        indent = 4.0 if block.listed else 0.0
        pdf.set_x(_MARGIN + indent)
        text = f"•  {block.text}" if block.listed else block.text
        pdf.multi_cell(pdf.epw - indent, 4.6, _plain(pdf, text, _TEXT), align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(0.6 if block.listed else 1.6)
    elif isinstance(block, Verbatim):
        pdf.set_font("mono", size=7)
        text = "\n".join(_plain(pdf, line.expandtabs(4), _TEXT, "mono") for line in block.text.splitlines())
        pdf.set_fill_color(246)
        pdf.multi_cell(0, 3.6, text, align="L", fill=True, new_x="LMARGIN", new_y="NEXT")
        pdf.set_fill_color(0)  # as at first: else the tables that follow are filled, too
        pdf.ln(2)
    elif isinstance(block, Table):
        _table(pdf, block)
    elif isinstance(block, Images):
        pdf_figures.draw_images(pdf, block.images, _characters(pdf, "text"))


def _heading(pdf: "FPDF", block: Heading) -> None:
    size = _SIZES[block.level]
    if pdf.will_page_break(size + 24):
        pdf.add_page()
    if block.level > 1:
        pdf.ln(5 if block.level == 2 else 2)
    text = _plain(pdf, block.text, 300)
    if block.level == 2:
        pdf.set_draw_color(RULE)
        pdf.line(_MARGIN, pdf.y, pdf.w - _MARGIN, pdf.y)
        pdf.ln(2.5)
    pdf.start_section(_plain(pdf, block.text, 80), level=max(0, block.level - 2), strict=False)
    pdf.set_font("text", "B", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1.5)


def _table(pdf: "FPDF", table: Table) -> None:
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    size = 7.0 if len(table.left) <= 11 else 5.5
    pdf.set_font("text", size=size)
    pdf.set_draw_color(RULE)
    plain = [[_plain(pdf, cell, _CELL) for cell in row] for row in table.rows]
    header = [_plain(pdf, cell, 60) for cell in table.header]
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


def _figures(pdf: "FPDF", row: Sequence[FigureBlock], figures: Mapping[str, Plot]) -> None:
    """Set one or two figures beside each other."""
    width = (pdf.epw - _GUTTER) / 2
    scenes = [(block, figures[block.name].with_legend) for block in row if block.name in figures]
    if not scenes:
        return
    height = max(width * scene.height / scene.width for _, scene in scenes)
    if pdf.will_page_break(height):
        pdf.add_page()
    top = pdf.y
    for column, (block, scene) in enumerate(scenes):
        at = _MARGIN + column * (width + _GUTTER), top
        pdf_figures.draw(pdf, scene, at, width, _plain(pdf, block.alt, 300), _characters(pdf, "text"))
    pdf.set_y(top + height + 3)
