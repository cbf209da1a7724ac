"""A study's lock is one coordinator's, also where several are threads of one process."""

import subprocess
import sys
import threading
from contextlib import closing

import pytest
from tiny import ROOT

from hpsearch.errors import StorageError, StudyBusyError
from hpsearch.platform import HAS_FCNTL
from hpsearch.storage.sqlite import locks_without_fcntl

if HAS_FCNTL:
    from hpsearch.storage.sqlite import locks

    KINDS = [locks, locks_without_fcntl]
else:
    KINDS = [locks_without_fcntl]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__.rpartition(".")[2])
def kind(request):
    return request.param


def held_for_others(kind, database):
    imports = f"import pathlib\nfrom {kind.__name__} import is_held"
    program = f"{imports}\nprint(is_held(pathlib.Path({str(database)!r}), 1))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout == "True\n"


@pytest.mark.long
def test_a_second_coordinator_of_one_process_is_refused_and_the_first_keeps_its_lock(tmp_path, kind):
    database = tmp_path / "study.db"
    with closing(kind.StudyLock(database, 1, "tiny")):
        with pytest.raises(StudyBusyError, match="study 'tiny' is being run by this process already; wait for it"):
            kind.StudyLock(database, 1, "tiny")
        kind.StudyLock(database, 2, "other").close()
        with kind.schema_lock(database):
            assert kind.is_held(database, 1)
        assert not kind.is_held(database, 2)
        assert held_for_others(kind, database)
    assert not kind.is_held(database, 1)
    assert not held_for_others(kind, database)


def test_threads_make_tables_one_at_a_time(tmp_path, kind):
    inside, most = [], []

    def make():
        with kind.schema_lock(tmp_path / "study.db"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


@pytest.mark.long
def test_a_lock_is_free_when_its_holder_is_killed_and_refuses_others_until_then(tmp_path, kind):
    database = tmp_path / "study.db"
    program = f"import pathlib, time\nfrom {kind.__name__} import StudyLock\n"
    program += f"lock = StudyLock(pathlib.Path({str(database)!r}), 1, 'tiny')\nprint(flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert kind.is_held(database, 1)
        with pytest.raises(StudyBusyError, match="study 'tiny' is being run by another process"):
            kind.StudyLock(database, 1, "tiny")
        process.kill()
        process.wait()
    kind.StudyLock(database, 1, "tiny").close()


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path, kind):
    database = tmp_path / "missing" / "study.db"
    with pytest.raises(StorageError, match=r"cannot be written"):
        kind.StudyLock(database, 1, "tiny")
    assert not kind.is_held(database, 1)
