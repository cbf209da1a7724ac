"""Worker processes of this machine: joblib's loky. May import joblib.

One single-worker executor per slot, so that a dying worker takes no other slot's segment with it.
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
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from multiprocessing import resource_tracker
from typing import Any

from joblib.externals.loky import process_executor
from joblib.externals.loky.process_executor import ProcessPoolExecutor

from hpsearch.workers.pools.pool import ONE_THREAD, Given, Made, WorkerDied
from hpsearch.workers.pools.semaphores import clear_leftovers

WARM_SECONDS = 10.0
"""How long a closing pool waits for its workers to have started."""

_WORK = "hpsearch.workers.segments.segment"
_LEFT_TO_COORDINATOR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LokyPool:
    """`workers` processes of this machine, each in an executor, or slot, of its own."""

    def __init__(self, workers: int) -> None:
        self.capacity = workers
        self._executors: list[Executor | None] = [None] * workers
        self._loads, self._lock = [0] * workers, threading.Lock()
        self._warming: list[Future[Any]] = []

    def submit(self, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        """Start function(given) in an idle slot, with a new worker if there is none or if it died."""
        with self._lock:
            slot = self._loads.index(min(self._loads))
            self._loads[slot] += 1
        inner, outer = self._start(slot, function, given), Future[Made]()
        inner.add_done_callback(lambda done: self._hand_on(slot, done, outer))
        return outer

    def _hand_on(self, slot: int, inner: "Future[Made]", outer: "Future[Made]") -> None:
        with self._lock:
            self._loads[slot] -= 1
        _hand_on(inner, outer)

    def _start(self, slot: int, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        try:
            return self._try_to_start(slot, function, given)
        except BrokenExecutor:
            self._discard(slot)
            return self._try_to_start(slot, function, given)

    def _try_to_start(self, slot: int, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        executor = self._executors[slot] or self._make()
        self._executors[slot] = executor
        with _signals_held():
            return executor.submit(function, given)

    def warm(self) -> None:
        """Start all workers now, so that they have imported what they need by the time that there is work."""
        clear_leftovers()
        self._warming = [self._start(slot, importlib.import_module, _WORK) for slot in range(self.capacity)]

    def poll(self) -> None:
        """A worker that died shows in its future, and is replaced."""

    def _make(self) -> Executor:
        with _signals_held():  # a terminal's SIGHUP would end Python's tracker, which lets the others through again
            resource_tracker.ensure_running()
        with _signals_held():  # and loky's, which starts here
            made: Executor = ProcessPoolExecutor(
                max_workers=1, initializer=_begin, initargs=(os.getpid(),), env=ONE_THREAD
            )
        return made

    def _discard(self, slot: int) -> None:
        """Forget a slot's worker, which has died; the next `submit` starts another."""
        executor, self._executors[slot] = self._executors[slot], None
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg] # loky's own

    def close(self) -> None:
        """End all workers at once; what they were doing is lost, which is never more than a segment."""
        wait(self._warming, timeout=WARM_SECONDS)  # loky stumbles over a worker that is ended while it starts
        for slot in range(self.capacity):
            self._discard(slot)
        _join_feeders()


def _hand_on(inner: "Future[Made]", outer: "Future[Made]") -> None:
    """Give the one future what became of the other."""
    if inner.cancelled():
        outer.cancel()
    elif error := inner.exception():
        died = isinstance(error, BrokenExecutor)
        outer.set_exception(WorkerDied(f"{type(error).__name__}: {error}") if died else error)
    else:
        outer.set_result(inner.result())


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """A worker that starts here is deaf to Ctrl-C from its first moment: it inherits what is blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_COORDINATOR)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    os.register_at_fork(after_in_child=_hear)
    os.dup2(2, 1)  # what a model file prints is no part of what `launch --json` does
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    threading.Thread(target=_watch, args=(coordinator,), daemon=True).start()


def _hear() -> None:
    """In what a model file forks: multiprocessing's pools end theirs by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _watch(coordinator: int) -> None:
    """End this worker when its coordinator is gone: the system's signal alone misses a parent that died before it."""
    while os.getppid() == coordinator:
        time.sleep(0.5)
    os._exit(1)
