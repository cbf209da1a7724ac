"""Whole studies in every kind of database: the same digest, whoever dies in between, and copied from one to another."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import servers
from small_study import STUDY, add, whole
from tiny import LONG, ROOT, StopAfter, digest_of, finish, options, start, until, url, workspace

from hpsearch.cli import main
from hpsearch.errors import InputError, StorageFault, StudyBusyError
from hpsearch.search import copy
from hpsearch.search.launch import launch
from hpsearch.search.options import how_to_resume
from hpsearch.search.progress import Watcher
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.search.verify.checks import verify
from hpsearch.storage import reading
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up, opened_to_read

SERVERS = pytest.mark.parametrize("storage", ["postgresql", "mariadb"], indirect=True)


def problems(storage, name="tiny"):
    with opened_to_read(storage) as connection:
        row = reading.get_study(connection, name)
        return [problem for check in verify(connection, row) for problem in check.problems]


@pytest.fixture(scope="session")
def wanted(tmp_path_factory):
    """The digest of the tiny study, uninterrupted, in a SQLite file."""
    folder = tmp_path_factory.mktemp("wanted")
    launch(workspace(folder), options(folder))
    return digest_of(url(folder))


@SERVERS
def test_a_study_stopped_and_resumed_on_a_server_has_the_digest_of_sqlite(tmp_path, storage, wanted, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    path = workspace(tmp_path)
    for epochs in (2, 6):
        stopped = options(tmp_path, storage=storage, watcher=StopAfter(epochs))
        assert launch(path, stopped, or_resume=True) == ("tiny", False)
    assert resume("tiny", options(tmp_path, storage=storage))
    assert digest_of(storage) == wanted
    assert problems(storage) == []


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_study_whose_server_stops_ends_in_one_line_and_resumes_right(tmp_path, kind, wanted, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)

    class PowerCut(Watcher):
        def stage(self, progress):
            if progress.epochs_done == 5:
                server.stop(signal.SIGKILL)

    server = servers.server(kind)
    storage = server.new_database()
    try:
        with pytest.raises(StorageFault, match="the connection to the server was lost"):
            launch(workspace(tmp_path), options(tmp_path, storage=storage, watcher=PowerCut()))
    finally:
        server.start()
    assert resume("tiny", options(tmp_path, storage=storage))
    assert digest_of(storage) == wanted


@pytest.mark.slow
@SERVERS
def test_a_killed_coordinator_makes_nobody_wait(tmp_path, storage):
    process = start(tmp_path, "launch", str(workspace(tmp_path, LONG)), "--workers", "1", storage=storage)
    until(lambda: look_up(storage, "long") and epochs_done(storage))
    who = rf"\(process {process.pid} on {re.escape(socket.gethostname())}\)"
    refused = pytest.raises(StudyBusyError, match=f"'long' is being run by another process {who}; wait for it")
    with closing(Database(storage, create=False)) as database, refused:
        Coordinator(database, 1, "long")
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    with closing(Database(storage, create=False)) as database:
        Coordinator(database, 1, "long").close()


def epochs_done(storage):
    with opened_to_read(storage) as connection:
        return reading.overview(connection)[0]["epochs_done"]


ROUND = [("sqlite", "postgresql"), ("postgresql", "mariadb"), ("mariadb", "sqlite")]
MORE_MOVES = [*ROUND[1:], *((b, a) for a, b in ROUND)]


@pytest.mark.parametrize(
    ("source", "target"), ROUND[:1] + [pytest.param(*each, marks=pytest.mark.slow) for each in MORE_MOVES]
)
def test_a_study_moves_between_databases_whole(tmp_path, source, target):
    first, second = servers.place(source, tmp_path), servers.place(target, tmp_path)
    with closing(Database(second, create=True)) as database:
        add(database, study=STUDY.__class__(**vars(STUDY) | {"name": "older"}))
    with closing(Database(first, create=True)) as database:
        whole(database)
    launch(workspace(tmp_path), options(tmp_path, storage=first, watcher=StopAfter(3)))
    copied, wrong = copy.copy("tiny", first, second)
    assert copied == digest_of(first) == digest_of(second)
    assert wrong == []
    for storage in (first, second):
        assert resume("tiny", options(tmp_path, storage=storage))
    assert digest_of(first) == digest_of(second)
    assert problems(second) == []


def test_a_copy_is_refused_where_the_study_is_or_where_it_runs(tmp_path, monkeypatch):
    here, there = url(tmp_path), f"sqlite:///{tmp_path}/there.db"
    launch(workspace(tmp_path), options(tmp_path))
    with pytest.raises(InputError, match="--to must name another database than --storage"):
        copy.copy("tiny", here, here)
    with pytest.raises(InputError, match=r"nodir: no such directory; make it, or name another with --to$"):
        copy.copy("tiny", here, f"sqlite:///{tmp_path}/nodir/there.db")
    monkeypatch.setattr(copy.claims, "is_held", lambda *_: True)
    busy = rf"study 'tiny' is being run by process {os.getpid()} on {socket.gethostname()}; stop it or wait for it"
    with (
        closing(Database(here, create=False)) as database,
        closing(Coordinator(database, 1, "tiny")),
        pytest.raises(StudyBusyError, match=busy),
    ):
        copy.copy("tiny", here, there)
    assert look_up(there, "tiny") is None
    monkeypatch.undo()
    copy.copy("tiny", here, there)
    with pytest.raises(InputError, match=r"there.db: study 'tiny' is there already"):
        copy.copy("tiny", here, there)


@pytest.mark.long
def test_a_copy_that_is_stopped_is_not_there(tmp_path):
    there = f"sqlite:///{tmp_path}/there.db"
    launch(workspace(tmp_path), options(tmp_path))
    stopped = subprocess.run(
        [sys.executable, "-c", STOPPED, "copy", "tiny", "--storage", url(tmp_path), "--to", there],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (130, "", "hpsearch: stopped\n")
    assert look_up(there, "tiny") is None


STOPPED = """
import signal, sys
from hpsearch.cli import main
from hpsearch.search import copy

def copy_study(*given, copy_study=copy.copy_study):
    copy_study(*given)
    signal.raise_signal(signal.SIGINT)

copy.copy_study = copy_study
sys.exit(main())
"""


def test_a_copy_that_differs_is_not_kept(tmp_path, monkeypatch):
    there = f"sqlite:///{tmp_path}/there.db"
    launch(workspace(tmp_path), options(tmp_path))
    copy_study = copy.copy_study

    def spoil(source, target, study_id):
        copy_study(source, target, study_id)
        target.exec_driver_sql("UPDATE hpsearch_curves SET eta = 0.5 WHERE trial_id = 1 AND epoch = 1")

    monkeypatch.setattr(copy, "copy_study", spoil)
    with pytest.raises(copy.HpsearchError, match=r"the copy of study 'tiny' differs .*nothing was copied"):
        copy.copy("tiny", url(tmp_path), there)
    assert look_up(there, "tiny") is None


def test_what_is_missing_is_copied_as_it_is_and_named(tmp_path, capsys):
    there = f"sqlite:///{tmp_path}/there.db"
    launch(workspace(tmp_path), options(tmp_path))
    with closing(sqlite3.connect(tmp_path / "study.db")) as database, database:
        database.execute("DELETE FROM hpsearch_curves WHERE epoch = 1")
    assert main(["copy", "tiny", "--storage", url(tmp_path), "--to", there]) == 0
    out, told = capsys.readouterr()
    assert out.startswith("study 'tiny' is in sqlite:///")
    named = told.splitlines()
    first = (
        "copied as it is: study 'tiny', stage 'coarse': trial coarse:0: its curve is not that of 3 epochs, each once"
    )
    assert (named[0], len(named)) == (first, 11)
    assert named[-1].endswith(" more, which `hpsearch verify` names")


def test_how_to_resume_shows_no_password_and_not_what_the_environment_says(tmp_path, monkeypatch):
    storage = "postgresql://me:secret@host/db"
    told = how_to_resume("s", options(tmp_path, storage=storage))
    assert told == "hpsearch resume --storage 'postgresql://me:***@host/db' s"
    monkeypatch.setenv("HPSEARCH_STORAGE", storage)
    assert how_to_resume("s", options(tmp_path, storage=storage)) == "hpsearch resume s"
