"""`top`: the contents of a frame and its drawing, once and live in a terminal; it never writes."""

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
from tiny import ROOT, TINY, StopAfter, options, rows, until, url, workspace

from hpsearch.cli import main
from hpsearch.cli.top import frame as frames
from hpsearch.cli.top import live, view
from hpsearch.search.launch import launch
from hpsearch.search.options import Options
from hpsearch.storage import schema
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
    """The same, with the study in the state of one that runs, and its lock held."""
    monkeypatch.setattr(frames.claims, "is_held", lambda _, study_id: study_id == 1)
    with closing(Database(url(folder), create=False)) as database, closing(Coordinator(database, 1, "tiny")):
        with database.transaction() as connection:
            connection.execute(sqlalchemy.update(schema.studies).values(state="running"))
        yield folder


def run(folder, capsys, *arguments):
    capsys.readouterr()
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def frame_of(folder) -> frames.Frame:
    with open_to_read(url(folder)).connect() as connection:
        return frames.frame(connection, url(folder), "tiny")


def drawn(frame, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    with open(os.devnull, "w", encoding=encoding) as nowhere:
        console = Console(width=width, height=height, record=True, file=nowhere)
        console.print(view.draw(frame, console, rate=7.0, height=height, live=True))
    return console.export_text().splitlines()


def test_a_study_is_shown_once_without_a_terminal(folder, capsys):
    status, out, errors = run(folder, capsys, "top")
    lines = out.splitlines()
    assert (status, errors) == (0, "")
    assert lines[0].split() == ["tiny", "interrupted"]
    assert [line.split()[0] for line in lines[1:4]] == ["coarse", "fine", "final"]
    assert "waiting" in lines[3]
    assert lines[4].startswith("best configurations of stage coarse; curves from ")


def test_a_frame_can_be_json(folder, capsys):
    status, out, _ = run(folder, capsys, "top", "tiny", "--json")
    frame = json.loads(out)
    assert (status, frame["study"], frame["state"], frame["stage"]) == (0, "tiny", "interrupted", "coarse")
    assert frame["leaders"][0]["value"] == max(frame["leaders"][0]["curve"])
    assert [stage["state"] for stage in frame["stages"]] == ["running", "waiting", "waiting"]


def test_a_cohort_is_shown_as_one_row(held):
    (cohort,) = frame_of(held).cohorts
    assert (cohort.trials, cohort.epochs_done, cohort.value) == (["coarse:0", "coarse:3"], 1, 0.38)
    assert cohort.curve == [0.38]  # of trial 3, the better one
    lines = drawn(frame_of(held), 120, 40)
    assert any(line.startswith("under way: 2 trials in 1 cohort; the best of each") for line in lines)
    (line,) = (line for line in lines if line.startswith("coarse:0, 3 (2) "))
    assert "batch_size = 20, lambda = 0.000163 to 0.0582, eta = 0.07 to 0.143" in line
    (line,) = (line for line in drawn(frame_of(held), 60, 40) if line.startswith("coarse:0, 3 (2) "))
    assert line.endswith("batch_size = 20, lambda = …")


def change(folder, number: int, **values) -> None:
    """Change a trial of the first stage."""
    trial = schema.trials.c
    with closing(Database(url(folder), create=False)) as database, database.transaction() as connection:
        connection.execute(sqlalchemy.update(schema.trials).where(trial.number == number).values(values))


def test_a_cohort_is_identified_by_the_first_trial_of_its_last_segment(held):
    assert {row["number"]: row["cohort"] for row in rows(held)} == {0: 0, 3: 0, 1: None, 2: None, 4: None}
    change(held, 3, cohort=3)
    frame = frame_of(held)
    assert [(cohort.trials, cohort.value) for cohort in frame.cohorts] == [(["coarse:0"], 0.3), (["coarse:3"], 0.38)]
    assert "under way: 2 trials ─" in "\n".join(drawn(frame, 120, 40))


def test_a_trial_that_waits_at_a_rung_is_not_in_the_cohort_of_those_that_went_on(held):
    change(held, 3, epochs_done=2)
    frame = frame_of(held)
    assert [(cohort.trials, cohort.epochs_done) for cohort in frame.cohorts] == [(["coarse:3"], 2), (["coarse:0"], 1)]
    assert (frame.cohorts_total, frame.trials_under_way) == (2, 2)


def test_configurations_with_different_hyperparameters_are_shown(held):
    change(held, 0, params={"lambda": 1e-3, "nesterov": True})
    change(held, 3, params={"lambda": 1e-3, "eta": 0.2, "nesterov": False})
    (line,) = (line for line in drawn(frame_of(held), 120, 40) if line.startswith("coarse:0, 3 (2) "))
    assert line.rstrip().endswith("  lambda = 0.001, nesterov = 2 values, eta = 0.2 in 1")


def test_a_long_name_of_a_stage_does_not_hide_the_numbers_of_trials(held):
    for name in ("successive-halving-coarse", "粗い探索粗い探索粗い探索"):
        lines = drawn(dataclasses.replace(frame_of(held), stage=name), 120, 40)
        assert sum(":0, 3 (2)  38.00%" in line for line in lines) == 1
        assert sum("…:3 " in line for line in lines) == 1


def test_the_running_study_is_shown_unless_another_is_named(held, capsys):
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


def test_numbers_are_not_cut_where_there_is_little_room(held):
    frame = frame_of(held)
    narrow = [line for line in drawn(frame, 40, 40) if line.startswith("coarse")]
    assert [line.split()[:3] for line in narrow[1:3]] == [["coarse:3", "38.00%", "1/3"], ["coarse:0", "30.00%", "1/3"]]
    pruned = dataclasses.replace(frame.stages[0], name="a-stage-of-some-length", done=22, pruned=22, test=0.9648)
    (line,) = (line for line in drawn(dataclasses.replace(frame, stages=[pruned]), 100, 40) if "pruned" in line)
    assert line.endswith("best 38.00%, test 96.48%, 2 s left")


def test_curves_are_drawn_on_one_scale():
    assert view.sparkline([], (0.0, 1.0)) == ""
    assert view.sparkline([0.5], (0.5, 0.5)) == "█"
    assert view.sparkline([-9.0, 0.0, 0.5, 1.0, 9.0], (0.0, 1.0)) == "▁▁▅██"
    long = view.sparkline([i / 99 for i in range(100)], (0.0, 1.0))
    assert (len(long), long[0], long[-1]) == (view.CURVE, "▁", "█")


def test_an_ascii_terminal_gets_ascii(held):
    frame = dataclasses.replace(frame_of(held), study="größe")
    for width in (100, 60, 20):
        assert "".join(drawn(frame, width, 30, "ascii")).isascii()


def test_the_rate_is_that_of_the_frames_seen():
    assert live._rate([(0.0, 5)]) is None
    assert live._rate([(0.0, 5), (10.0, 5)]) is None
    assert live._rate([(0.0, 5), (5.0, 9), (10.0, 25)]) == 2.0


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


@pytest.mark.long
@pytest.mark.parametrize("way", ["q", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_top_quits_and_restores_the_terminal(held, way):
    terminal = in_a_terminal(held)
    until(lambda: seen(terminal, "q quits"))
    os.write(terminal.ours, b"q") if way == "q" else terminal.process.terminate()
    until(lambda: seen(terminal, "show it again with: hpsearch top --storage"))
    assert terminal.process.wait(30) == 0
    assert termios.tcgetattr(terminal.theirs) == terminal.modes
    assert frame_of(held).state == "running"  # nothing was changed
    os.close(terminal.ours)
    os.close(terminal.theirs)


@pytest.mark.slow
def test_top_ends_with_its_study(held):
    terminal = in_a_terminal(held)
    until(lambda: seen(terminal, "q quits"))
    with closing(Database(url(held), create=False)) as database, database.transaction() as connection:
        connection.execute(sqlalchemy.update(schema.studies).values(state="complete"))
    until(lambda: seen(terminal, "next: hpsearch report --storage"))
    assert terminal.process.wait(30) == 0
    os.close(terminal.ours)
    os.close(terminal.theirs)


def test_a_database_without_studies_costs_one_line(tmp_path, capsys):
    with closing(Database(url(tmp_path), create=True)):
        pass
    status, out, errors = run(tmp_path, capsys, "top")
    assert (status, out) == (2, "")
    assert errors == "hpsearch: the database holds no studies; `hpsearch launch STUDY_FILE` makes one\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", pytest.param("mariadb", marks=pytest.mark.slow)])
def test_a_frame_is_the_same_on_a_server(tmp_path, capsys, monkeypatch, kind):
    storage = servers.place(kind, tmp_path)
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path)
    launch(path, Options(storage, 1, backend="threading"))
    launch(path, options(tmp_path))
    printed = [
        main(["top", "--json", "--storage", place]) or capsys.readouterr().out for place in (storage, url(tmp_path))
    ]
    assert printed[0] == printed[1]
