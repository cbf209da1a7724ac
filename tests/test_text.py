"""Text of others: what would act on a terminal, a page or a spreadsheet is written out, everything else stays."""

import io
import unicodedata

import pytest

from hpsearch.api.console import SafeConsole
from hpsearch.api.streams import safe
from hpsearch.errors import DataError
from hpsearch.reporting.formatting import csv_cell, markdown
from hpsearch.storage.mirror.notes import shown
from hpsearch.text import visible, visible_line

EVERY = [chr(code) for code in range(0x110000)]
BIDIRECTIONAL = [
    c for c in EVERY if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
]
CONTROLS = [c for c in EVERY if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
HARMFUL = "\x1b]0;title\x07\x1b[2J \u202egnp.exe\u2066 \x9b31m\x00\r"


def test_no_control_character_or_mark_of_direction_stays():
    for character in {*BIDIRECTIONAL, *CONTROLS, "\u200e", "\u200f", "\u061c"} - {"\n", "\t"}:
        assert character not in visible(f"a{character}b"), ascii(character)
    assert visible_line("a\n\tb") == r"a\n\tb"


@pytest.mark.parametrize("text", ["λ = 1e-5, η", "👩‍🚀 ﷽", "שלום مرحبا", "می‌خواهم", "a\n\tb", "naïve – “x”\u00a0…"])
def test_letters_of_any_script_and_emoji_stay(text):
    assert visible(text) == text


def test_what_is_printed_cannot_act_on_the_terminal_but_the_colours_of_tables_do():
    out = io.StringIO()
    print(HARMFUL, file=safe(out))
    assert out.getvalue() == r"\x1b]0;title\x07\x1b[2J [U+202E]gnp.exe[U+2066] \x9b31m\x00\r" + "\n"


def test_a_table_shows_texts_of_others_and_has_its_own_colours(capsys):
    SafeConsole(force_terminal=True, width=120).print("[red]mine[/red]", HARMFUL)
    out = capsys.readouterr().out
    assert "\x1b[31mmine\x1b[0m" in out
    assert not {"\x07", "\x9b", "\u202e"} & set(out)
    assert "\x1b[2J" not in out


@pytest.mark.parametrize("safely", [visible, csv_cell, markdown, shown])
def test_every_format_of_a_text_is_safe(safely):
    assert not {*BIDIRECTIONAL, *CONTROLS} & set(safely(HARMFUL))


@pytest.mark.parametrize(
    "formula", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "－A1", "+1e3x"]
)
def test_a_cell_of_csv_is_never_a_formula(formula):
    assert csv_cell(formula).startswith("'")


@pytest.mark.parametrize("number", [-1.5, 1e-300, -7, "-1e3", "+.5", " -2", "0"])
def test_numbers_stay_numbers_in_csv(number):
    assert float(csv_cell(number)) == float(number)


def test_an_error_is_one_line_whatever_library_it_quotes():
    assert str(DataError("x.parquet: cannot be read: Couldn't deserialize:\n  invalid data\n")) == (
        "x.parquet: cannot be read: Couldn't deserialize: invalid data"
    )
