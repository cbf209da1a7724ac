"""What a killed run left in shared memory is cleared away by the next one, and nothing else is."""

import os
import subprocess
import sys
import time

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
