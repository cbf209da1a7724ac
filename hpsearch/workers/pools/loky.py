"""Worker processes on this machine, by joblib's loky. May import joblib.

Each slot has an executor with one worker, so that a worker that dies affects no other slot's segment.
"""

import contextlib
import importlib
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, InvalidStateError, wait
from typing import Any

from joblib.externals.loky import process_executor
from joblib.externals.loky.process_executor import ProcessPoolExecutor

from hpsearch.errors import InputError
from hpsearch.platform import STOP_SIGNALS, accept_signals_in_forks, end_with, signals_held
from hpsearch.workers.out_of_memory import explanation, kills
from hpsearch.workers.pools.executors import end, feeder, quiet_threads, thread_died
from hpsearch.workers.pools.pool import Argument, LimitReached, Limits, Result, WorkerDied, cannot_start
from hpsearch.workers.pools.semaphores import outlive_trackers, remove_leftovers, run_tracker
from hpsearch.workers.pools.watch import Watch, Watched
from hpsearch.workers.threads import ONE_THREAD

WARM_SECONDS = 10.0
"""How long after its start a closing pool waits for its workers to have started."""

_WORK = "hpsearch.workers.segments.segment"

_SAFE_PATH = "PYTHONSAFEPATH"
"""Loky starts Python so that it imports from the current folder first, which may be somebody else's, or have a
random.py. The command hpsearch does not, and neither does Python with this variable."""


_FAULTS = "PYTHONFAULTHANDLER"
"""Without this variable, loky prints the stacks of a worker that crashes, some twenty lines; empty, it does not."""


class LokyPool:
    """`workers` processes on this machine, each in an executor (a slot) of its own."""

    def __init__(self, workers: int) -> None:
        if multiprocessing.current_process().daemon:
            rule = 'may not start processes; use --backend sequential, backend="sequential" in Python'
            raise InputError(f"this process is a daemon of multiprocessing, which {rule}")
        outlive_trackers()
        self.capacity = workers
        self._executors: list[Executor | None] = [None] * workers
        self._running: dict[Future[Any], int] = {}  # the slot of each
        self._kills = kills()
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(quiet_threads())
        self._loads, self._lock = [0] * workers, threading.Lock()
        self._warming: list[Future[Any]] = []
        self._warm_by = 0.0
        self._used = [False] * workers
        self._watch = Watch()

    def submit(
        self, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "Future[Result]":
        """Start function(given) in an idle slot, with a new worker if there is none or if it died."""
        with self._lock:
            slot = self._loads.index(min(self._loads))
            self._loads[slot] += 1
        if limits and limits.fresh and self._used[slot]:
            self._discard(slot)
        inner, watched = self._start(slot, function, given, limits)
        outer = Future[Result]()
        with self._lock:
            self._running[inner] = slot
        inner.add_done_callback(lambda done: self._hand_on(slot, done, outer, watched))
        return outer

    def _hand_on(self, slot: int, inner: "Future[Result]", outer: "Future[Result]", watched: Watched | None) -> None:
        with self._lock:
            self._loads[slot] -= 1
            self._running.pop(inner, None)
        reason = None
        if not inner.cancelled() and isinstance(error := inner.exception(), BrokenExecutor):
            before, self._kills = self._kills, kills()
            reason = explanation(before, self._kills) or _ending(str(error))
        _hand_on(inner, outer, reason, None if watched is None else self._watch.leave(watched))

    def _start(
        self, slot: int, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "tuple[Future[Result], Watched | None]":
        try:
            return self._try_to_start(slot, function, given, limits)
        except BrokenExecutor:
            self._discard(slot)
            return self._try_to_start(slot, function, given, limits)

    def _try_to_start(
        self, slot: int, function: Callable[[Argument], Result], given: Argument, limits: Limits | None
    ) -> "tuple[Future[Result], Watched | None]":
        try:
            executor = self._executors[slot] or self._make()
            self._executors[slot] = executor
            with signals_held():
                if limits is None:
                    watched = None
                else:  # what the worker needs to start is not part of the call's time
                    watched = self._watch.over(executor.submit(_ready, _WORK), limits, fresh=not self._used[slot])
                inner = executor.submit(function, given)
        except BrokenExecutor:
            raise
        except (OSError, RuntimeError, MemoryError, UnboundLocalError) as error:  # loky trips over a pipe that failed
            self._warming = []
            self._discard(slot)
            cause = error.__context__ if isinstance(error, UnboundLocalError) else error
            raise cannot_start("a worker process", cause or error) from error
        self._used[slot] = True
        return inner, watched

    def warm(self) -> None:
        """Start all workers now, so that they have imported what they need by the time that there is work."""
        remove_leftovers()
        self._warm_by = time.monotonic() + WARM_SECONDS
        self._warming = [self._start(slot, _ready, _WORK)[0] for slot in range(self.capacity)]
        self._used = [False] * self.capacity

    def poll(self) -> None:
        """A worker that died shows in its future, and is replaced. So that one whose thread here died does, too."""
        for slot, executor in enumerate(self._executors):
            if executor is not None and thread_died(executor):
                with self._lock:
                    lost = [inner for inner, where in self._running.items() if where == slot]
                self._discard(slot)
                for inner in lost:
                    with contextlib.suppress(InvalidStateError):
                        inner.set_exception(BrokenExecutor("the thread that watched it died"))

    def _make(self) -> Executor:
        given, safe = (os.getpid(), os.environ.get(_SAFE_PATH)), {_SAFE_PATH: "1"}
        quiet = {_FAULTS: os.environ.get(_FAULTS, "")}
        _set_safe_path("1")  # for the trackers
        try:
            with signals_held():  # a terminal's SIGHUP would end Python's tracker, which blocks only the other two
                run_tracker()
            with signals_held():  # also for loky's tracker, which starts here
                made: Executor = ProcessPoolExecutor(
                    1, initializer=_begin, initargs=given, env=ONE_THREAD | safe | quiet
                )
        finally:
            _set_safe_path(given[1])
        return made

    def _discard(self, slot: int) -> None:
        """Forget a slot's worker, which has died; the next `submit` starts another."""
        executor, self._executors[slot], self._used[slot] = self._executors[slot], None, False
        if executor is not None:
            end(executor)

    def close(self) -> None:
        """End all workers at once; their running segments are lost."""
        self._watch.close()
        left = max(0.0, self._warm_by - time.monotonic())
        wait(self._warming, timeout=left)  # loky fails on a worker that is ended while it starts
        feeders = [feeder(executor) for executor in self._executors if executor is not None]
        for slot in range(self.capacity):
            self._discard(slot)
        _join(feeders)
        self._quiet.close()


def _hand_on(
    inner: "Future[Result]", outer: "Future[Result]", reason: str | None, reached: LimitReached | None
) -> None:
    """Settle the outer future as the inner one, whose worker may have been ended since it `reached` a limit.

    `reason` says why its worker died otherwise, where that is known.
    """
    if inner.cancelled():
        outer.cancel()
    elif error := inner.exception():
        died = isinstance(error, BrokenExecutor)
        outer.set_exception((reached or WorkerDied(f"{type(error).__name__}: {error}", reason)) if died else error)
    else:
        outer.set_result(inner.result())


def _ending(text: str) -> str | None:
    """How a worker ended, by loky's text: None for SIGKILL, which is also how the system ends one for its memory."""
    found = re.search(r"exit codes of the workers are .*?(\w+)\((-?\d+)\)", text)
    if found is None or found[2] == "-9":
        return None
    if int(found[2]) >= 0:
        return f"it ended itself, exit status {found[2]}"
    return found[1] if os.environ.get(_FAULTS) else f"{found[1]}; {_FAULTS}=1 shows where"


def _join(feeders: list[threading.Thread | None]) -> None:
    """Wait for the queue threads of ended workers, which release semaphores, so the exit does not interrupt it."""
    by = time.monotonic() + 1.0
    for thread in feeders:
        if thread is not None:
            thread.join(max(0.0, by - time.monotonic()))


def _ready(module: str) -> int:
    """In a worker: import what a call needs; return the process."""
    importlib.import_module(module)
    return os.getpid()


def _set_safe_path(value: str | None) -> None:
    os.environ.pop(_SAFE_PATH, None)
    if value is not None:
        os.environ[_SAFE_PATH] = value


def _begin(coordinator: int, safe_path: str | None) -> None:
    """In a new worker: leave Ctrl-C and similar signals to the coordinator, and end with it.

    `safe_path` is the coordinator's $PYTHONSAFEPATH, which is also that of the processes that a model starts.
    """
    _set_safe_path(safe_path)
    process_executor._USE_PSUTIL = (
        False  # loky would count the pages of the shared split as a memory leak, and restart the worker
    )
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    accept_signals_in_forks()
    with contextlib.suppress(OSError):  # there is no standard error
        os.dup2(2, 1)  # what a model file prints is not part of the output of `launch --json`
    end_with(coordinator)
