"""Figures on a PDF page: lines, marks and texts, where and as the page's SVG has them."""

import re
import subprocess
import sys

import numpy as np
import pytest

from hpsearch.reporting.figures.drawing.fonts import dejavu
from hpsearch.reporting.figures.drawing.scene import OPEN, SHAPES, Lines, Marks, Paint, Scene, Words
from hpsearch.reporting.formats import pdf_figures

fpdf = pytest.importorskip("fpdf", reason="fpdf2 is not installed (the extra pdf)")
POINT = 25.4 / 72
EDGED = Paint("#0072b2", 1.0, "#d55e00")


def drawn(*elements, width=100.0):
    """The operators on a page of A4 (595 × 842 points) with a figure of 100 × 100 points at its top left."""
    pdf = fpdf.FPDF(format="A4")
    pdf.set_compression(False)
    pdf.add_font("text", "", dejavu())
    pdf.add_page()
    scene = Scene(100, 100, (10, 10, 90, 90), elements)
    pdf_figures.draw(pdf, scene, (0, 0), width * POINT, "what it shows", pdf.fonts["text"].cmap)
    return bytes(pdf.output()).decode("latin-1")


def test_a_line_is_where_the_figure_has_it_scaled_to_its_width():
    piece = np.array([(20.0, 30.0), (40.0, 50.0)])
    assert "20.00 811.89 m\n40.00 791.89 l\n S" in drawn(Lines([piece], Paint("#000000")))
    assert "40.00 781.89 m\n80.00 741.89 l\n S" in drawn(Lines([piece], Paint("#000000")), width=200.0)


def test_only_what_leaves_the_axes_is_clipped():
    inside, outside = (Lines([np.array([(20.0, 30.0), (x, 50.0)])], Paint("#000000")) for x in (40.0, 140.0))
    assert "re W n" not in drawn(inside)
    assert "10.00 751.89 80.00 80.00 re W n" in drawn(outside)


@pytest.mark.parametrize("shape", ["o", *SHAPES])
def test_a_mark_has_its_edge_and_its_own_colour_inside(shape):
    page = drawn(Marks(shape, 6.0, np.array([(20.0, 30.0), (40.0, 50.0)]), EDGED, fills=("#ff0000", "#00ff00")))
    assert page.count("1 0 0 rg") == page.count("0 1 0 rg") == 1
    assert len(re.findall(r"\bB\n", page.partition("endstream")[0])) == 2


@pytest.mark.parametrize("shape", OPEN)
def test_an_open_mark_is_lines(shape):
    assert len(re.findall(r" l S", drawn(Marks(shape, 6.0, np.array([(20.0, 30.0)]), Paint("#000000"))))) == (
        2 if shape == "x" else 1
    )


def test_dashes_opacity_and_turned_texts_are_kept():
    page = drawn(
        Lines([np.array([(20.0, 30.0), (40.0, 50.0)])], Paint("#000000", dash=(4.0, 2.0), opacity=0.5)),
        Words("turned", 50, 50, angle=90, middle=True),
    )
    assert "[4.000 2.000] 0.000 d" in page
    assert "/CA 0.5" in page
    assert "q\n0 1 -1 0 " in page


def test_a_figure_says_what_it_shows_and_lacks_no_character():
    assert "what it shows" in drawn(Words("猫", 50, 50))


@pytest.mark.long
def test_it_needs_no_matplotlib_but_its_fonts():
    code = (
        "import sys, hpsearch.reporting.formats.pdf as pdf; pdf._empty('x'); print({'matplotlib'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
