"""Slots that each run one segment at a time, in joblib's loky processes or, for debugging, in this process.

May import joblib and threadpoolctl. One single-worker executor per slot, so that a dying worker takes no other
slot's segment with it.
"""

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from joblib.externals.loky import process_executor
from joblib.externals.loky.process_executor import ProcessPoolExecutor
from threadpoolctl import threadpool_limits

from hpsearch.workers.leftovers import clear_leftovers

Given = TypeVar("Given")
Made = TypeVar("Made")

WARM_SECONDS = 10.0
"""How long a closing pool waits for its workers to have started."""

_WORK = "hpsearch.workers.segment"
_LEFT_TO_COORDINATOR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Pool:
    """`workers` slots, numbered from 0; one BLAS thread each, whatever the machine has."""

    def __init__(self, workers: int, backend: str = "loky") -> None:
        self.backend = backend
        self._executors: list[Executor | None] = [None] * workers
        self._warming: list[Future[Any]] = []
        self._limits = threadpool_limits(1, user_api="blas") if backend == "threading" else None

    def __len__(self) -> int:
        return len(self._executors)

    def submit(self, slot: int, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        """Start function(given) in an idle slot, with a new worker if there is none or if it died while it was idle."""
        try:
            return self._submit(slot, function, given)
        except BrokenExecutor:
            self.discard(slot)
            return self._submit(slot, function, given)

    def _submit(self, slot: int, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        executor = self._executors[slot] or self._make()
        self._executors[slot] = executor
        with _signals_held():
            return executor.submit(function, given)

    def warm(self) -> None:
        """Start all workers now, so that they have imported what they need by the time that there is work."""
        if self.backend == "loky":
            clear_leftovers()
            self._warming = [self.submit(slot, importlib.import_module, _WORK) for slot in range(len(self))]

    def _make(self) -> Executor:
        if self.backend == "threading":
            return ThreadPoolExecutor(1)
        with _signals_held():  # a terminal's SIGHUP would end Python's tracker, which lets the others through again
            resource_tracker.ensure_running()
        one = dict.fromkeys(_THREADS, "1")
        with _signals_held():  # and loky's, which starts here
            made: Executor = ProcessPoolExecutor(max_workers=1, initializer=_begin, initargs=(os.getpid(),), env=one)
        return made

    def discard(self, slot: int) -> None:
        """Forget a slot's worker, which has died; the next `submit` starts another."""
        executor, self._executors[slot] = self._executors[slot], None
        if executor is not None:
            _end(executor)

    def close(self) -> None:
        """End all workers at once; what they were doing is lost, which is never more than a segment."""
        wait(self._warming, timeout=WARM_SECONDS)  # loky stumbles over a worker that is ended while it starts
        for slot in range(len(self._executors)):
            self.discard(slot)
        _join_feeders()
        if self._limits is not None:
            self._limits.restore_original_limits()


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """A worker that starts here is deaf to Ctrl-C from its first moment: it inherits what is blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_COORDINATOR)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(executor: Any) -> None:
    if isinstance(executor, ThreadPoolExecutor):
        executor.shutdown(wait=True, cancel_futures=True)
    else:
        executor.shutdown(wait=True, kill_workers=True)


def _join_feeders() -> None:
    """Wait for the threads that fed dead workers: they let go of semaphores, and the exit must not come in between."""
    for thread in threading.enumerate():
        if thread.name == "QueueFeederThread":
            thread.join(timeout=1.0)


def _begin(coordinator: int) -> None:
    """In a new worker: leave Ctrl-C and its like to the coordinator, and do not outlive it."""
    process_executor._USE_PSUTIL = False  # loky would take pages of the shared images for a leak, and start anew
    for number in _LEFT_TO_COORDINATOR:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    threading.Thread(target=_watch, args=(coordinator,), daemon=True).start()


def _watch(coordinator: int) -> None:
    """End this worker when its coordinator is gone: the system's signal alone misses a parent that died before it."""
    while os.getppid() == coordinator:
        time.sleep(0.5)
    os._exit(1)
