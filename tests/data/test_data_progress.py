"""A large table says how far its reading is: to the display of a launch, else on a terminal."""

import io
import re
import sys

import pytest

from hpsearch.data import load, progress, progress_to

TABLE = {"kind": "csv", "path": "x\x1b.csv", "label": "y", "test": 10}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS", 0.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "x\x1b.csv").write_text(
        "a,y\n" + "".join(f"{row * 0.37},{'no' if row % 3 else 'yes'}\n" for row in range(20_000))
    )
    return tmp_path


def test_whoever_asks_is_told_how_much_is_read(folder):
    told = []
    with progress_to(told.append):
        load(TABLE, workspace=folder)
    assert all(re.fullmatch(r"reading x\\x1b\.csv: \d+%", line) for line in told)
    shares = [int(line.split()[-1].rstrip("%")) for line in told]
    assert shares == sorted(shares)
    assert (len(shares), shares[0] < 50, shares[-1]) == (5, True, 100)


def test_else_a_terminal_has_one_line_which_disappears(folder, monkeypatch):
    for stream, wanted in ((Terminal(), True), (io.StringIO(), False), (None, False)):
        monkeypatch.setattr(sys, "stderr", stream)
        load(TABLE, workspace=folder)
        text = "" if stream is None else stream.getvalue()
        assert ("\rreading x\\x1b.csv: 100% " in text, text.count("\n"), text[-1:]) == (
            wanted,
            0,
            "\r" if wanted else "",
        )
