"""`digest` and `verify`: a line for each check, and an exit status that says whether all passed."""

import re
import sqlite3
from contextlib import closing

import pytest
from tiny import StopAfter, options, url, workspace

from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A workspace with a complete study."""
    folder = tmp_path_factory.mktemp("complete")
    launch(workspace(folder), options(folder))
    return folder


def run(folder, capsys, *arguments):
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def test_a_digest_is_one_line_with_a_note_for_an_unfinished_study(complete, tmp_path, capsys):
    status, finished, errors = run(complete, capsys, "digest", "tiny")
    assert (status, errors) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{64}\n", finished)
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    status, so_far, errors = run(tmp_path, capsys, "digest", "tiny")
    note = "hpsearch: study 'tiny' is not finished: this is the hash of its results so far\n"
    assert (status, errors) == (0, note)
    assert so_far != finished
    resume("tiny", options(tmp_path))
    assert run(tmp_path, capsys, "digest", "tiny") == (0, finished, "")


def test_verify_prints_a_line_for_each_check_and_draws_a_trial_by_seed(complete, capsys):
    status, out, errors = run(complete, capsys, "verify", "tiny", "--seed", "3")
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert all(line.startswith("✓ ") for line in lines)
    assert lines[0] == "✓ the database is undamaged, and its tables are consistent"
    assert "✓ stage final: it trains the best configuration of stage fine" in lines
    assert re.fullmatch(r"✓ trial \w+:\d, trained again for 3 epochs, .* \(drawn with --seed 3\)", lines[-1])
    assert run(complete, capsys, "verify", "tiny", "--seed", "3")[1] == out


@pytest.mark.slow
def test_verify_names_what_differs_and_exits_with_1(tmp_path, capsys):
    launch(workspace(tmp_path), options(tmp_path))
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection, connection:
        connection.execute("UPDATE hpsearch_curves SET train_loss = 7.0 WHERE trial_id = 6 AND epoch = 2")
    status, out, errors = run(tmp_path, capsys, "verify", "tiny", "--all")
    assert (status, errors) == (1, "")
    where = out.splitlines().index("✗ trial fine:0, trained again for 3 epochs, is the same, bit for bit")
    assert out.splitlines()[where + 1].startswith("    epoch 2's train_loss is 7.0 in the database, ")
    assert out.count("✗") == 1
    assert out.count("trained again") == 10


BAD = [
    (("--trial", "fine:9"), "--trial must name a trained trial as coarse:0, coarse:1, coarse:2, …, got 'fine:9'"),
    (("--trial", "fine:0", "--all"), "--trial and --all: give one of them"),
    (("--seed", "-1"), "Invalid value for '--seed': -1 is not in the range 0<=x<=18446744073709551615."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), BAD)
def test_a_trial_that_cannot_be_verified_costs_one_line(complete, capsys, arguments, expected):
    assert run(complete, capsys, "verify", "tiny", *arguments) == (2, "", f"hpsearch: {expected}\n")


def test_an_unknown_study_has_no_digest(complete, capsys):
    for command in ("digest", "verify"):
        expected = "hpsearch: study 'tinny' does not exist; did you mean 'tiny'?\n"
        assert run(complete, capsys, command, "tinny") == (2, "", expected)
