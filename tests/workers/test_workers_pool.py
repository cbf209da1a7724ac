"""Worker processes: a death is confined to its slot, and no worker outlives its coordinator."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tiny import ROOT, alive, children, until
from worker_tasks import blas_threads, interrupt, sleep

from hpsearch.workers.pool import Pool

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_a_workers_death_is_confined_to_its_slot_and_the_slot_gets_another():
    with closing(Pool(2)) as pool:
        doomed, other = pool.submit(0, sleep, 0.0).result(), pool.submit(1, sleep, 0.0).result()
        running, innocent = pool.submit(0, sleep, 60.0), pool.submit(1, sleep, 0.5)
        os.kill(doomed, signal.SIGKILL)
        with pytest.raises(TerminatedWorkerError):
            running.result(30)
        assert innocent.result(30) == other
        pool.discard(0)
        assert pool.submit(0, sleep, 0.0).result(30) not in (doomed, other)


def test_a_worker_that_died_while_it_was_idle_is_replaced_by_the_next_task():
    with closing(Pool(1)) as pool:
        doomed = pool.submit(0, sleep, 0.0).result()
        os.kill(doomed, signal.SIGKILL)
        executor = pool._executors[0]
        until(lambda: executor._flags.broken is not None)  # only then does the executor know
        assert pool.submit(0, sleep, 0.0).result(30) != doomed


def test_workers_have_one_blas_thread_and_leave_ctrl_c_to_the_coordinator():
    with closing(Pool(1)) as pool:
        assert pool.submit(0, blas_threads, None).result(30) == {1}
        assert pool.submit(0, interrupt, None).result(30) == 1


@linux
def test_closing_a_pool_ends_busy_workers_at_once():
    pool = Pool(1)
    worker = pool.submit(0, sleep, 0.0).result(30)
    pool.submit(0, sleep, 60.0)
    time.sleep(0.2)  # until it is under way: loky complains of a task that has just been handed over
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 5
    until(lambda: not alive(worker), 3)


@linux
def test_no_worker_outlives_a_killed_coordinator():
    program = (
        "import time\n"
        "from hpsearch.workers.pool import Pool\n"
        "if __name__ == '__main__':\n"
        "    pool = Pool(2)\n"
        "    for slot in (0, 1):\n"
        "        pool.submit(slot, time.sleep, 0).result()\n"
        "        pool.submit(slot, time.sleep, 600)\n"
        "    print(flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as coordinator:
        assert coordinator.stdout is not None
        coordinator.stdout.readline()
        workers = children(coordinator.pid)
        assert len(workers) == 2
        coordinator.kill()
    until(lambda: not any(alive(worker) for worker in workers), 3)
