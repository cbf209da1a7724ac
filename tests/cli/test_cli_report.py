"""`status`, `report`, `delete` and `--quiet`, on a complete study and on one that was stopped."""

import io
import signal
from types import SimpleNamespace

import pytest
from tiny import TINY, StopAfter, options, ranking, url, workspace

from hpsearch.cli import main
from hpsearch.cli.report import write
from hpsearch.search.launch import launch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workspace with a stopped study, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    return tmp_path


def run(folder, capsys, *arguments):
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def test_status_lists_studies_and_the_stages_of_one(folder, capsys):
    launch(workspace(folder, TINY.replace('"tiny"', '"done"')), options(folder))
    status, out, errors = run(folder, capsys, "status")
    assert (status, errors) == (0, "")
    words = [line.split() for line in out.splitlines()]
    assert [line[:3] for line in words if line[0] in ("tiny", "done")] == [
        ["tiny", "interrupted", "coarse"],
        ["done", "complete", "coarse"],
    ]
    assert [line[:2] for line in words[2:4]] == [["fine", "waiting"], ["final", "waiting"]]
    assert [line[:3] for line in words[5:]] == [["fine", "3/3", "9/9"], ["final", "2/2", "6/6"]]
    assert "done" not in run(folder, capsys, "status", "tiny")[1]


def test_an_unknown_study_gets_a_suggestion(folder, capsys):
    for command in (("status", "tinny"), ("resume", "tinny"), ("report", "tinny"), ("delete", "tinny", "--yes")):
        expected = "hpsearch: study 'tinny' does not exist; did you mean 'tiny'?\n"
        assert run(folder, capsys, *command) == (2, "", expected)


def test_an_unfinished_study_has_a_report(folder, capsys):
    assert run(folder, capsys, "report", "tiny") == (0, "reports/tiny/index.html\n", "")
    assert (folder / "reports" / "tiny" / "ranking.csv").read_text() == ranking(folder)


def test_a_report_that_cannot_be_written_costs_one_line(folder, capsys):
    status, out, errors = run(folder, capsys, "report", "tiny", "--reports", "models/mlp.py")
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("hpsearch: models/mlp.py/tiny: the report cannot be written")


@pytest.mark.long
def test_quiet_prints_nothing(folder, capsys):
    assert run(folder, capsys, "resume", "tiny", "--quiet", "--backend", "threading") == (0, "", "")
    arguments = ["launch", "studies/tiny.toml", "--or-resume", "--quiet", "--backend", "threading"]
    assert run(folder, capsys, *arguments) == (0, "", "")


def test_delete_asks_for_confirmation_without_yes(folder, capsys, monkeypatch):
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert run(folder, capsys, "delete", "tiny")[0] == 130
    assert run(folder, capsys, "status", "tiny")[0] == 0
    status, out, _ = run(folder, capsys, "delete", "tiny", "--yes")
    assert (status, out) == (0, "study 'tiny' is deleted; its report, if any, is left\n")
    assert run(folder, capsys, "status")[1] == f"no studies in {url(folder)}; `hpsearch launch STUDY_FILE` makes one\n"


def test_delete_asks_only_for_a_study_that_exists_and_needs_an_answer(folder, capsys, monkeypatch):
    expected = "hpsearch: study 'tinny' does not exist; did you mean 'tiny'?\n"
    assert run(folder, capsys, "delete", "tinny") == (2, "", expected)
    closed = io.StringIO()
    closed.close()
    for nobody in (io.StringIO(""), None, closed):  # None: it was closed before Python began
        monkeypatch.setattr("sys.stdin", nobody)
        status, out, errors = run(folder, capsys, "delete", "tiny")
        assert (status, out[-1:]) == (2, "\n")
        assert errors == "hpsearch: delete: nobody answered; --yes deletes without asking\n"
    assert run(folder, capsys, "status", "tiny")[0] == 0


NAMES = ['it\'s \\"quoted\\" & <b>', "☃ 🎉 ä", "a" * 250, "-x", "[red]50% {x}"]
ALL_AT_ONCE = "-x " + " ".join([*NAMES[:2], NAMES[4]]).ljust(247, "a")


@pytest.mark.slow
@pytest.mark.parametrize("name", [ALL_AT_ONCE, *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES)])
def test_every_valid_name_works_in_every_command(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, TINY.replace('"tiny"', f'"{name}"').replace('"coarse"', '"[b]coarse {0}"'))
    assert run(tmp_path, capsys, "launch", str(path), "--backend", "threading")[0] == 0
    plain = name.replace("\\", "")
    for command in (["status"], ["report"], ["resume", "--backend", "threading"], ["delete", "--yes"]):
        status = main([*command, "--storage", url(tmp_path), "--", plain])
        assert (status, capsys.readouterr().err) == (0, "")


def test_a_report_is_written_in_the_chosen_formats(folder, capsys):
    status, out, _ = run(folder, capsys, "report", "tiny", "--format", "csv", "--format", "svg")
    assert (status, out) == (0, "reports/tiny/ranking.csv\n")
    names = {path.suffix for path in (folder / "reports" / "tiny").rglob("*.*")}
    assert names == {".csv", ".svg"}


def test_an_unknown_format_costs_one_line(folder, capsys):
    status, out, errors = run(folder, capsys, "report", "tiny", "--format", "html,pgn")
    assert (status, out) == (2, "")
    assert errors == "hpsearch: --format: 'pgn' is not a format; did you mean 'png'?\n"


def test_a_watched_report_is_written_again_while_the_study_runs(folder, capsys, monkeypatch):
    held = [True, True, False]
    monkeypatch.setattr(write.reading, "get_study", lambda *_: SimpleNamespace(id=1, state="running"))
    monkeypatch.setattr(write.claims, "is_held", lambda *_: held.pop(0))
    waits = []
    monkeypatch.setattr(write, "_wait", lambda seconds, stopped: waits.append(seconds))
    before = signal.getsignal(signal.SIGINT)
    status, out, errors = run(folder, capsys, "report", "tiny", "--watch", "--format", "csv")
    signal.signal(signal.SIGINT, before)
    assert (status, out, held) == (0, "reports/tiny/ranking.csv\n", [])
    assert "written again while the study runs" in errors
    assert len(waits) == 2
    assert min(waits) >= write.WATCH_SECONDS


def test_ctrl_c_ends_a_watched_report(folder, capsys, monkeypatch):
    monkeypatch.setattr(write.reading, "get_study", lambda *_: SimpleNamespace(id=1, state="running"))
    monkeypatch.setattr(write.claims, "is_held", lambda *_: True)
    monkeypatch.setattr(write.time, "sleep", lambda _seconds: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    try:
        assert run(folder, capsys, "report", "tiny", "--watch", "--format", "csv")[0] == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_studies_are_compared(folder, capsys):
    launch(workspace(folder, TINY.replace('"tiny"', '"done"')), options(folder))
    status, out, _ = run(folder, capsys, "compare", "tiny", "done")
    assert (status, out) == (0, "reports/compare-tiny-done/index.html\n")
    expected = (2, "", "hpsearch: study 'tinny' does not exist; did you mean 'tiny'?\n")
    assert run(folder, capsys, "compare", "tiny", "tinny") == expected
    assert run(folder, capsys, "compare", "tiny")[0] == 2
