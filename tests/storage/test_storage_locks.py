"""A study's lock is one coordinator's, also where several are threads of one process."""

import subprocess
import sys
import threading
from contextlib import closing

import pytest
from tiny import ROOT

from hpsearch.errors import StudyBusyError
from hpsearch.storage.sqlite.locks import StudyLock, is_held, schema_lock


def held_for_others(database):
    imports = "import pathlib\nfrom hpsearch.storage.sqlite.locks import is_held"
    program = f"{imports}\nprint(is_held(pathlib.Path({str(database)!r}), 1))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout == "True\n"


def test_a_second_coordinator_of_one_process_is_refused_and_the_first_keeps_its_lock(tmp_path):
    database = tmp_path / "study.db"
    with closing(StudyLock(database, 1, "tiny")):
        with pytest.raises(StudyBusyError, match="study 'tiny' is being run by this process already; wait for it"):
            StudyLock(database, 1, "tiny")
        StudyLock(database, 2, "other").close()
        with schema_lock(database):
            assert is_held(database, 1)
        assert not is_held(database, 2)
        assert held_for_others(database)
    assert not is_held(database, 1)
    assert not held_for_others(database)


def test_threads_make_tables_one_at_a_time(tmp_path):
    inside, most = [], []

    def make():
        with schema_lock(tmp_path / "study.db"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
