"""Numbers are written one way, and foreign text does no harm in CSV and Markdown."""

import doctest

import pytest

from hpsearch.reporting import formatting, goal_text, options, report
from hpsearch.reporting.formatting import NumberStyle, csv_cell, markdown
from hpsearch.reporting.sections import advice, sample_size
from hpsearch.reporting.sections.ranking import rows
from hpsearch.reporting.statistics import intervals, power
from hpsearch.text import visible


@pytest.mark.parametrize(
    "module", [formatting, goal_text, intervals, report, options, power, advice, rows, sample_size]
)
def test_the_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([1e-5, 0.1, 0], ["1e-5", "1e-1", "0"]),
        ([6.25e-4, 6.375e-4], ["6.25e-4", "6.38e-4"]),
        ([0, 0.1, 1], ["0", "0.1", "1.0"]),
        ([100, 2000], ["100", "2,000"]),
        ([0.012345678, 0.1], ["0.0123", "0.1000"]),
        ([[50], [100, 50]], ["[50]", "[100, 50]"]),
        (["relu", True, None], ["relu", "true", "null"]),
        ([2.0, float("nan")], ["2", "NaN"]),
    ],
)
def test_a_column_of_numbers_is_written_in_one_style(values, written):
    style = NumberStyle(values)
    assert [style(value) for value in values] == written


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert csv_cell(text) == visible(f"'{text}")


@pytest.mark.parametrize("text", ["-1", "+1.5e-3", "-.5", "a=b", "", "[50]"])
def test_numbers_and_harmless_text_are_not_quoted(text):
    assert csv_cell(text) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (float("nan"), ""), (0.1, "0.1"), (1e-5, "1e-05"), (3, "3"), (True, "true"), ([64, 32], "[64, 32]")],
)
def test_values_are_written_with_all_their_digits(value, cell):
    assert csv_cell(value) == cell


def test_markdown_shows_foreign_text_as_it_is():
    assert markdown("a|b\n`c` <img src=x> [d](e) *f* $g$") == r"a\|b \`c\` &lt;img src=x&gt; \[d\](e) \*f\* \$g\$"


def test_differences_carry_their_sign_unless_they_round_to_zero():
    shares = (0.012, -0.012, 0.0001, -0.0001)
    assert [formatting.points(share, 1) for share in shares] == ["+1.2", "−1.2", "0.0", "0.0"]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["batch size"], ""),
        (["η max", "λ"], "λ is the factor of L2 regularisation and η the learning rate."),
        (["η"], "η is the learning rate."),
    ],
)
def test_greek_letters_are_explained_where_they_are_shown(labels, text):
    assert formatting.symbols(labels) == text
