"""A running study in a terminal: signals, kills, a second process that tries to resume it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from tiny import (
    LONG,
    ROOT,
    TINY,
    alive,
    children,
    epochs_done,
    finish,
    options,
    ranking,
    rows,
    start,
    until,
    url,
    workspace,
)

from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.storage import schema

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ONE_STAGE = TINY.partition('[[stage]]\nname = "fine"')[0]
MEDIUM = ONE_STAGE.replace("epochs = 3", "epochs = 60")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The ranking.csv of an undisturbed run of a study that takes some seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    launch(workspace(folder, MEDIUM), options(folder))
    return ranking(folder)


def started(folder, text=MEDIUM, *arguments, workers=2):
    """Launch a study in a process of its own, and wait until it has committed something."""
    process = start(folder, "launch", str(workspace(folder, text)), "--workers", str(workers), *arguments)
    until(lambda: process.poll() is not None or epochs_done(folder))
    assert process.poll() is None
    return process


@pytest.mark.long
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=lambda number: number.name
)
def test_a_signal_stops_cleanly_and_resume_has_the_same_result(tmp_path, undisturbed, capsys, number):
    process = started(tmp_path, MEDIUM, "--reports", "my reports", workers=1)
    os.killpg(process.pid, number)
    status, _, errors = finish(process, 12)
    assert status == 130
    command = f"hpsearch resume --reports 'my reports' --storage sqlite:///{tmp_path}/study.db tiny"
    assert errors == f"hpsearch: stopped; go on with `{command}`\n"
    assert rows(tmp_path, schema.studies)[0]["state"] == "interrupted"
    reports = str(tmp_path / "my reports")
    status = main(["resume", "tiny", "--quiet", "--workers", "1", "--reports", reports, "--storage", url(tmp_path)])
    assert (status, *capsys.readouterr()) == (0, "", "")
    assert ranking(tmp_path) == undisturbed


SLOW = """\
import time
from hpsearch.nn import Dense

class Slow(Dense):
    def forward(self, *given, **named):
        time.sleep(60)

def build(classes, hidden):
    return [Slow(classes)]
"""


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(tmp_path):
    path = workspace(tmp_path)
    (tmp_path / "models" / "mlp.py").write_text(SLOW)
    process = start(tmp_path, "launch", str(path), "--workers", "1")
    until(lambda: children(process.pid))
    began = time.monotonic()
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
    status, _, errors = finish(process, 12)
    assert (status, errors.count("\n")) == (130, 1), errors
    assert time.monotonic() - began < 6  # less than the ten seconds that a running segment may take


@pytest.mark.slow
def test_a_run_under_nohup_ignores_the_closing_of_its_terminal(tmp_path):
    arguments = ["nohup", sys.executable, "-m", "hpsearch", "launch", str(workspace(tmp_path, MEDIUM)), "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    storage = ["--storage", f"sqlite:///{tmp_path}/study.db"]
    process = subprocess.Popen(arguments + storage, cwd=tmp_path, env=environment, start_new_session=True, **pipes)
    until(lambda: epochs_done(tmp_path))
    process.send_signal(signal.SIGHUP)
    assert finish(process)[0] == 0


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_changes_nothing(tmp_path, undisturbed):
    process = started(tmp_path)
    os.kill(until(lambda: children(process.pid))[0], signal.SIGKILL)
    status, out, errors = finish(process)
    assert (status, errors) == (0, "")
    assert re.search(r"a worker died with trial \w+:\d+.*; its segment is run again", out)
    assert ranking(tmp_path) == undisturbed


@pytest.mark.long
def test_a_second_process_is_refused_and_a_killed_coordinator_leaves_no_worker(tmp_path, capsys):
    process = started(tmp_path, LONG, workers=1)
    workers = until(lambda: children(process.pid))
    storage = ["--storage", url(tmp_path)]
    message = (
        f"study 'long' is being run by another process (process {process.pid} on {socket.gethostname()}); wait for it"
    )
    for arguments in (("resume", "long"), ("delete", "long", "--yes")):
        assert (main([*arguments, *storage]), *capsys.readouterr()) == (1, "", f"hpsearch: {message}\n")
    status = main(["launch", str(tmp_path / "studies" / "tiny.toml"), *storage])
    errors = capsys.readouterr().err
    assert (status, errors.count("\n")) == (2, 1)
    assert "study 'long' exists already; go on with" in errors
    assert main(["status", *storage]) == 0
    assert "running" in capsys.readouterr().out
    process.kill()
    finish(process)
    until(lambda: not any(alive(worker) for worker in workers), 3)
    assert main(["status", *storage]) == 0
    assert "interrupted" in capsys.readouterr().out


@pytest.mark.slow
def test_two_studies_run_in_one_database_at_once(tmp_path, undisturbed):
    first = started(tmp_path)
    other = workspace(tmp_path, MEDIUM.replace('"tiny"', '"other"'), "other.toml")
    second = start(tmp_path, "launch", str(other), "--quiet")
    assert finish(first)[0] == finish(second)[0] == 0
    assert ranking(tmp_path) == ranking(tmp_path, "other") == undisturbed


@pytest.mark.slow
def test_without_a_terminal_progress_is_plain_lines(tmp_path):
    status, out, errors = finish(start(tmp_path, "launch", str(workspace(tmp_path, ONE_STAGE)), "--workers", "2"))
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "1,437 samples of digits prepared; starting 2 workers"
    assert lines[1] == "stage 1/1 coarse:   0% of 15 epochs, 0/5 trials"
    assert lines[-2].startswith("the best is coarse:")
    assert "(95% interval " in lines[-2]
    assert lines[-1] == "study 'tiny' is complete; its report: reports/tiny/index.html"
    assert "\x1b" not in out
    assert (tmp_path / "reports" / "tiny" / "ranking.csv").read_text() == ranking(tmp_path)
