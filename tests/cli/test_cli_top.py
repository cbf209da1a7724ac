"""`top`: what a frame holds and how it is drawn, alone and live in a terminal; it never writes."""

import dataclasses
import json
import os
import pty
import select
import subprocess
import sys
import termios
from contextlib import closing
from types import SimpleNamespace

import pytest
import servers
import sqlalchemy
from rich.console import Console
from tiny import ROOT, TINY, StopAfter, options, until, url, workspace

from hpsearch.cli import main, top, top_facts, top_view
from hpsearch.search import launching
from hpsearch.search.launching import launch
from hpsearch.storage import tables
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, open_to_read


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workspace with a stopped study."""
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    return tmp_path


@pytest.fixture
def held(folder, monkeypatch):
    """The same, with the study held, as `top` in another process finds out, and in the state of one that runs."""
    monkeypatch.setattr(top_facts.claims, "is_held", lambda _, study_id: study_id == 1)
    with closing(Database(url(folder), create=False)) as database, closing(Coordinator(database, 1, "tiny")):
        with database.transaction() as connection:
            connection.execute(sqlalchemy.update(tables.studies).values(state="running"))
        yield folder


def run(folder, capsys, *arguments):
    capsys.readouterr()
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def frame_of(folder) -> top_facts.Frame:
    with open_to_read(url(folder)).connect() as connection:
        return top_facts.frame(connection, url(folder), "tiny")


def drawn(frame, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    with open(os.devnull, "w", encoding=encoding) as nowhere:
        console = Console(width=width, height=height, record=True, file=nowhere)
        console.print(top_view.draw(frame, console, rate=7.0, height=height, live=True))
    return console.export_text().splitlines()


def test_a_study_is_shown_once_without_a_terminal(folder, capsys):
    status, out, complaint = run(folder, capsys, "top")
    lines = out.splitlines()
    assert (status, complaint) == (0, "")
    assert lines[0].split() == ["tiny", "interrupted"]
    assert [line.split()[0] for line in lines[1:4]] == ["coarse", "fine", "final"]
    assert "waiting" in lines[3]
    assert lines[4].startswith("best settings of stage coarse; curves from ")


def test_a_frame_is_json_if_asked(folder, capsys):
    status, out, _ = run(folder, capsys, "top", "tiny", "--json")
    frame = json.loads(out)
    assert (status, frame["study"], frame["state"], frame["stage"]) == (0, "tiny", "interrupted", "coarse")
    assert frame["leaders"][0]["value"] == max(frame["leaders"][0]["curve"])
    assert [stage["state"] for stage in frame["stages"]] == ["running", "waiting", "waiting"]


def test_trials_that_train_as_one_are_shown_as_one(held):
    (cohort,) = frame_of(held).cohorts
    assert (cohort.trials, cohort.epochs_done, cohort.value) == ([0, 3], 1, 0.38)
    assert cohort.curve == [0.38]  # of trial 3, the better one
    lines = drawn(frame_of(held), 120, 40)
    assert any(line.startswith("under way: 2 trials in 1 cohort; of each the best") for line in lines)
    (line,) = (line for line in lines if line.startswith("coarse:0, 3 (2) "))
    assert "batch_size = 20, lambda = 0.000163 to 0.0582, eta = 0.07 to 0.143" in line
    (line,) = (line for line in drawn(frame_of(held), 60, 40) if line.startswith("coarse:0, 3 (2) "))
    assert line.endswith("batch_size = 20, lambda = …")


def test_a_trial_that_waits_at_a_rung_is_not_shown_with_those_that_went_on(held):
    trial = tables.trials.c
    with closing(Database(url(held), create=False)) as database, database.transaction() as connection:
        connection.execute(sqlalchemy.update(tables.trials).where(trial.number == 3).values(epochs_done=2))
    frame = frame_of(held)
    assert [(cohort.trials, cohort.epochs_done) for cohort in frame.cohorts] == [([3], 2), ([0], 1)]
    assert (frame.cohorts_in_all, frame.trials_under_way) == (2, 2)


def test_the_study_that_runs_is_shown_unless_another_is_named(held, capsys):
    launch(workspace(held, TINY.replace('"tiny"', '"half"')), options(held))
    assert run(held, capsys, "top")[1].startswith("tiny  running  process ")
    assert run(held, capsys, "top", "half")[1].startswith("half  complete")
    assert run(held, capsys, "top", "hal")[2] == "hpsearch: study 'hal' does not exist; did you mean 'half'?\n"


def test_a_frame_fits_its_terminal(held):
    frame = frame_of(held)
    for width, height in ((120, 40), (60, 12), (30, 8)):
        lines = drawn(frame, width, height)
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
        assert lines[0].startswith("tiny  running")


def test_curves_are_drawn_on_one_scale_in_what_the_terminal_can_show():
    assert top_view.sparkline([], (0.0, 1.0)) == ""
    assert top_view.sparkline([0.5], (0.5, 0.5)) == "█"
    assert top_view.sparkline([-9.0, 0.0, 0.5, 1.0, 9.0], (0.0, 1.0)) == "▁▁▅██"
    long = top_view.sparkline([i / 99 for i in range(100)], (0.0, 1.0))
    assert (len(long), long[0], long[-1]) == (top_view.CURVE, "▁", "█")


def test_an_ascii_terminal_gets_ascii(held):
    frame = dataclasses.replace(frame_of(held), study="größe")
    for width in (100, 60, 20):
        assert "".join(drawn(frame, width, 30, "ascii")).isascii()


def test_the_rate_is_that_of_the_frames_seen():
    assert top._rate([(0.0, 5)]) is None
    assert top._rate([(0.0, 5), (10.0, 5)]) is None
    assert top._rate([(0.0, 5), (5.0, 9), (10.0, 25)]) == 2.0


def in_a_terminal(folder):
    """Start `top` in a pseudo-terminal; return the process and both of its ends."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hpsearch", "top", "--storage", url(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "LINES": "20", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    return SimpleNamespace(process=process, ours=ours, theirs=theirs, modes=termios.tcgetattr(theirs), text="")


def seen(terminal, word: str) -> bool:
    if select.select([terminal.ours], [], [], 0.2)[0]:
        terminal.text += os.read(terminal.ours, 65536).decode(errors="replace")
    return word in terminal.text


@pytest.mark.parametrize("way", ["q", "SIGTERM"])
def test_top_ends_when_asked_and_gives_the_terminal_back(held, way):
    terminal = in_a_terminal(held)
    until(lambda: seen(terminal, "q ends"))
    os.write(terminal.ours, b"q") if way == "q" else terminal.process.terminate()
    until(lambda: seen(terminal, "see it again with: hpsearch top --storage"))
    assert terminal.process.wait(30) == 0
    assert termios.tcgetattr(terminal.theirs) == terminal.modes
    assert frame_of(held).state == "running"  # nothing was changed
    os.close(terminal.ours)
    os.close(terminal.theirs)


def test_top_ends_with_its_study(held):
    terminal = in_a_terminal(held)
    until(lambda: seen(terminal, "q ends"))
    with closing(Database(url(held), create=False)) as database, database.transaction() as connection:
        connection.execute(sqlalchemy.update(tables.studies).values(state="complete"))
    until(lambda: seen(terminal, "next: hpsearch report --storage"))
    assert terminal.process.wait(30) == 0
    os.close(terminal.ours)
    os.close(terminal.theirs)


def test_the_report_that_is_there_is_named_at_the_end(folder):
    frame = dataclasses.replace(frame_of(folder), state="complete")
    assert top._next(frame, url(folder)).startswith("next: hpsearch report --storage")
    report = folder / "reports" / "tiny" / "index.html"
    report.parent.mkdir(parents=True)
    report.write_text("")
    assert top._next(frame, url(folder)) == "next: read reports/tiny/index.html"


def test_a_database_without_studies_costs_one_line(tmp_path, capsys):
    with closing(Database(url(tmp_path), create=True)):
        pass
    status, out, complaint = run(tmp_path, capsys, "top")
    assert (status, out) == (2, "")
    assert complaint == "hpsearch: the database holds no studies; `hpsearch launch STUDY_FILE` makes one\n"


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_frame_is_the_same_on_a_server(tmp_path, capsys, monkeypatch, kind):
    storage = servers.place(kind, tmp_path)
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path)
    launch(path, launching.Options(storage, 1, backend="threading"))
    launch(path, options(tmp_path))
    frames = [
        main(["top", "--json", "--storage", place]) or capsys.readouterr().out for place in (storage, url(tmp_path))
    ]
    assert frames[0] == frames[1]
