"""What a killed run left in shared memory is cleared away by the next one, and nothing else is."""

import os
import subprocess
import sys
import time

import pytest

from hpsearch.workers.pools.semaphores import remove_leftovers


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_old_semaphores_of_dead_processes_are_removed(tmp_path):
    dead = dead_process()
    kept = [f"sem.loky-{os.getpid()}-alive", f"sem.loky-{dead}-young", f"sem.other-{dead}-x", "sem.loky-x-y", "psm_1"]
    for name in [*kept, f"sem.loky-{dead}-old"]:
        (tmp_path / name).touch()
        if not name.endswith("young"):
            os.utime(tmp_path / name, (time.time() - 100,) * 2)
    assert remove_leftovers(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_where_there_is_no_shared_memory_nothing_happens(tmp_path):
    assert remove_leftovers(tmp_path / "none") == 0


KILLED = """
import os, signal
from joblib.externals.loky.backend import resource_tracker as loky
from multiprocessing import resource_tracker
from hpsearch.workers.pools.loky import LokyPool

if __name__ == "__main__":
    pool = LokyPool(1)
    assert pool.submit(abs, -1).result() == 1
    for tracker in (loky, resource_tracker):
        if (process := tracker._resource_tracker._pid) is not None:
            os.kill(process, signal.SIGKILL)
            os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    pool._discard(0)
    assert pool.submit(abs, -2).result() == 2
    pool.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such processes")
def test_trackers_that_are_killed_are_replaced_without_a_word(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    done = subprocess.run([sys.executable, "killed.py"], capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
