"""Worker processes: a death is confined to its slot, and no worker outlives its coordinator."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from tiny import ROOT, alive, children, until
from worker_tasks import allocate, blas_threads, crash, fails, fork_a_pool, ignore_and_sleep, interrupt, leave, sleep

from hpsearch.errors import InputError
from hpsearch.workers.pools import LimitReached, Limits, WorkerDied, loky, open_pool

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_a_workers_death_is_confined_to_its_slot_and_the_slot_gets_another():
    with closing(open_pool("loky", 2)) as pool:
        first = [pool.submit(sleep, 0.5) for _ in range(2)]
        pruned_at, other = (future.result(30) for future in first)
        running, innocent = pool.submit(sleep, 60.0), pool.submit(sleep, 0.5)
        os.kill(pruned_at, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            running.result(30)
        assert innocent.result(30) == other
        assert pool.submit(sleep, 0.0).result(30) not in (pruned_at, other)


@pytest.mark.long
@linux
def test_a_dead_worker_is_told_by_how_it_ended_and_its_stacks_only_where_they_are_asked_for(capfd, monkeypatch):
    monkeypatch.delenv("PYTHONFAULTHANDLER", raising=False)
    with closing(open_pool("loky", 1)) as pool:
        for end, reason in (
            (leave, "it ended itself, exit status 0"),
            (crash, "SIGSEGV; PYTHONFAULTHANDLER=1 shows where"),
        ):
            with pytest.raises(WorkerDied) as died:
                pool.submit(end, 0).result(30)
            assert died.value.reason == reason
    assert capfd.readouterr().err == ""
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    with closing(open_pool("loky", 1)) as pool, pytest.raises(WorkerDied):
        pool.submit(crash, 0).result(30)
    assert "in crash" in capfd.readouterr().err


def test_workers_and_trackers_import_nothing_from_the_current_folder(tmp_path):
    for name in ("random", "joblib", "numpy"):  # somebody else's, or a user's own of an unlucky name
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n1 / 0\n")
    program = (
        "import os\n"
        "from hpsearch.workers.pools import open_pool\n"
        "if __name__ == '__main__':\n"
        "    pool = open_pool('loky', 1)\n"
        "    print(pool.submit(os.getenv, 'PYTHONSAFEPATH').result(60), os.getenv('PYTHONSAFEPATH'))\n"
        "    pool.close()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", program]  # as the command hpsearch is, Python is not told to look there
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("None None\n", "")  # a model's processes are as they would be without us
    assert not (tmp_path / "imported").exists()


@pytest.mark.long
@linux
def test_a_call_beyond_its_time_or_memory_is_ended_whatever_it_does_and_its_slot_gets_another_worker():
    with closing(open_pool("loky", 2)) as pool:
        deaf = pool.submit(ignore_and_sleep, 60.0, Limits(seconds=0.3))
        grows = pool.submit(allocate, 60.0, Limits(memory=300_000_000))
        for future, key in ((deaf, "minutes"), (grows, "memory")):
            with pytest.raises(LimitReached) as reached:
                future.result(30)
            assert (reached.value.key, reached.value.fresh) == (key, True)
        within = [pool.submit(sleep, 0.1, Limits(seconds=60, memory=300_000_000)) for _ in range(2)]
        assert len({future.result(30) for future in within}) == 2


@pytest.mark.long
def test_a_model_file_may_have_processes_of_its_own_and_what_it_prints_is_no_output_of_ours(capfd):
    with closing(open_pool("loky", 1)) as pool:
        assert pool.submit(fork_a_pool, None).result(60) == [1, 2]
    told = capfd.readouterr()
    assert told.out == ""
    assert "said by a model file" in told.err


@pytest.mark.long
def test_a_worker_that_died_while_it_was_idle_is_replaced_by_the_next_task():
    with closing(open_pool("loky", 1)) as pool:
        pruned_at = pool.submit(sleep, 0.0).result()
        os.kill(pruned_at, signal.SIGKILL)
        executor = pool._executors[0]
        until(lambda: executor._flags.broken is not None)  # only then does the executor know
        assert pool.submit(sleep, 0.0).result(30) != pruned_at


@pytest.mark.long
def test_workers_have_one_blas_thread_and_leave_ctrl_c_to_the_coordinator():
    with closing(open_pool("loky", 1)) as pool:
        assert pool.submit(blas_threads, None).result(30) == {1}
        assert pool.submit(interrupt, None).result(30) == 1


@pytest.mark.long
@linux
def test_closing_a_pool_ends_busy_workers_at_once():
    pool = open_pool("loky", 1)
    worker = pool.submit(sleep, 0.0).result(30)
    pool.submit(sleep, 60.0)
    time.sleep(0.2)  # until it is under way: loky complains of a task that has just been handed over
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 5
    until(lambda: not alive(worker), 3)


def test_closing_a_pool_does_not_wait_for_the_threads_of_others():
    end = threading.Event()
    for _ in range(8):  # as multiprocessing names those of all queues, which live as long as their pools
        threading.Thread(target=end.wait, name="QueueFeederThread", daemon=True).start()
    pool = open_pool("loky", 1)
    pool.submit(sleep, 0.0).result(30)
    began = time.monotonic()
    pool.close()
    end.set()
    assert time.monotonic() - began < 5  # a thread is waited for one second


@pytest.mark.long
@linux
def test_closing_a_pool_does_not_wait_again_for_workers_that_have_long_not_started(monkeypatch):
    monkeypatch.setattr(loky, "WARM_SECONDS", 6.0)
    pool = open_pool("loky", 1)
    pool.warm()
    (worker,) = pool._executors[0]._processes
    os.kill(worker, signal.SIGSTOP)  # as on a machine that is too busy to start it
    time.sleep(6.0)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 5  # not six seconds once more


@linux
def test_no_worker_outlives_a_killed_coordinator():
    program = (
        "import time\n"
        "from hpsearch.workers.pools import open_pool\n"
        "if __name__ == '__main__':\n"
        "    pool = open_pool('loky', 2)\n"
        "    for future in [pool.submit(time.sleep, 0.2) for _ in range(2)]:\n"
        "        future.result()\n"
        "    for _ in range(2):\n"
        "        pool.submit(time.sleep, 600)\n"
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


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_a_future_has_what_the_function_made_or_raised(backend):
    with closing(open_pool(backend, 2)) as pool:
        assert pool.capacity == (1 if backend == "sequential" else 2)
        futures = [pool.submit(fails, text) for text in ("", "no", "")]  # more than there are workers
        assert futures[0].result(30) == futures[2].result(30) == "fine"
        with pytest.raises(ValueError, match="no"):
            futures[1].result(30)


@pytest.mark.parametrize(
    ("backend", "scheduler", "rule"),
    [
        ("loky", "tcp://h:1", "--scheduler needs --backend dask or ray, got --backend loky"),
        ("spark", None, "--backend must be one of loky, threading, sequential, dask, ray, got 'spark'"),
    ],
)
def test_a_backend_that_makes_no_sense_is_refused_in_one_line(backend, scheduler, rule):
    with pytest.raises(InputError, match=rule):
        open_pool(backend, 1, scheduler)
