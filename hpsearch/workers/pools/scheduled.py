"""A pool of workers on other machines, through Dask or Ray. May import data and the standard library.

joblib's own backends for them run whole lists of tasks, and do not distinguish a lost worker, a worker that died and a
lost scheduler. Here each segment is a call of its own, run by a process beside the engine's worker.
"""

import pickle
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hpsearch.errors import HpsearchError, ModelError
from hpsearch.workers.models.plugin import read_function, read_plugin
from hpsearch.workers.pools.calls import Answer, Calls
from hpsearch.workers.pools.engine import Engine, EngineUnavailable, shown
from hpsearch.workers.pools.pool import Argument, LimitReached, Limits, Result, WorkerDied, WorkerLost
from hpsearch.workers.pools.roster import Roster, gone
from hpsearch.workers.pools.transfer import CannotStore, SplitSender
from hpsearch.workers.remote.compatibility import facts_for
from hpsearch.workers.remote.local_files import keep
from hpsearch.workers.remote.messages import Chunk, Died, Done, Missing, Raised, Reached, Refused, Request
from hpsearch.workers.segments.segment import Segment

PATIENCE = 300.0
"""Seconds to wait for an engine that cannot be reached."""

POLL_SECONDS = 1.0
"""Seconds between two requests for the engine's workers."""

WARM_SECONDS = 20.0
"""Seconds to wait for the check of the first workers."""


@dataclass(eq=False)
class _Job:
    """A submitted call: its request, its future, and the workers that its split was sent to."""

    request: bytes
    split: Path | None
    future: "Future[Any]" = field(default_factory=Future)
    supplied: set[str] = field(default_factory=set)


class ScheduledPool:
    """The workers of an engine that compute the same bits as this process."""

    def __init__(self, engine: Engine, workers: int | None, notify: Callable[[str], None]) -> None:
        self._engine, self._limit, self._notify = engine, workers, notify
        self._roster = Roster(engine.name)
        self._calls = Calls(engine, lambda: self._roster.update({}))
        self._news: deque[str] = deque()
        self._sender = SplitSender(self._calls, _packed_chunk, self._news.append)
        self._fault: HpsearchError | None = None
        self._closing = threading.Event()
        self._workers_known = threading.Event()
        self._watch = threading.Thread(target=self._watch_engine, name="hpsearch-workers", daemon=True)
        self._watch.start()

    @property
    def capacity(self) -> int:
        return self._roster.slots if self._limit is None else min(self._limit, self._roster.slots)

    def submit(
        self, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "Future[Result]":
        """Have a worker call function(given); a segment's model file is sent with it, its split before it."""
        future: Future[Result]
        if isinstance(given, Segment):
            try:
                model = _model_text(given.model, given.model_hash, given.function)
                job = _Job(_packed(function, given, model, limits), given.split)
            except ModelError as error:
                future = Future()
                future.set_exception(error)
                return future
        else:
            job = _Job(_packed(function, given, None, limits), None)
        self._start(job)
        return job.future

    def warm(self) -> None:
        """Wait for the check of the present workers. Raises InputError if none can be used."""
        self._workers_known.wait(WARM_SECONDS)
        deadline = time.monotonic() + WARM_SECONDS
        while self._roster.checking and time.monotonic() < deadline:
            time.sleep(0.05)
        self.poll()

    def poll(self) -> None:
        """Report workers that joined, left or were refused. Raises HpsearchError without engine or usable workers."""
        while self._news:
            self._notify(self._news.popleft())
        for line in self._roster.news():
            self._notify(line)
        if self._fault is not None:
            raise self._fault
        self._roster.require_usable()

    def close(self) -> None:
        self._closing.set()
        self._sender.close()
        self._calls.close()
        self._engine.close()
        self._watch.join(timeout=5.0)

    # Calls

    def _start(self, job: _Job) -> None:
        used = self._roster.used
        if not used:
            job.future.set_exception(WorkerLost(f"no worker at {self._engine.name}"))
            return
        self._calls.make(job.request, used).add_done_callback(lambda done: self._take(job, done))

    def _take(self, job: _Job, done: "Future[Answer]") -> None:
        if problem := done.exception():
            lost = problem if isinstance(problem, WorkerLost) else WorkerLost(shown(problem))
            job.future.set_exception(lost)
            return
        worker, reply = done.result()
        match reply:
            case Done(value):
                self._roster.prove()
                job.future.set_result(value)
            case Raised(error):
                job.future.set_exception(error)
            case Died(how, reason):
                job.future.set_exception(WorkerDied(f"its process ended ({how})", reason))
            case Reached(key, fresh):
                job.future.set_exception(LimitReached(key, fresh=fresh))
            case Refused(why):
                self._refuse(job, worker, why)
            case Missing():
                self._send_split(job, worker, reply)

    def _refuse(self, job: _Job, worker: str, why: str) -> None:
        self._roster.refuse(worker, why)
        self._start(job)

    def _send_split(self, job: _Job, worker: str, missing: Missing) -> None:
        assert job.split is not None
        if worker in job.supplied:
            self._refuse(job, worker, f"it keeps no prepared split in {missing.place}")
            return
        job.supplied.add(worker)

        def go_on(sent: "Future[None]") -> None:
            error = None if sent.cancelled() else sent.exception()
            if isinstance(error, CannotStore):
                self._refuse(job, worker, str(error))
            elif error is not None or sent.cancelled():
                job.future.set_exception(WorkerLost(f"the split did not arrive{f': {error}' if error else ''}"))
            else:
                self._start(job)

        self._sender.send(worker, missing, job.split).add_done_callback(go_on)

    # Workers

    def _watch_engine(self) -> None:
        away: float | None = None
        while not self._closing.is_set():
            try:
                if away is not None:
                    self._engine.reconnect()
                present = self._engine.workers()
            except EngineUnavailable as error:
                away = self._miss(away, str(error))
            else:
                if away is not None:
                    self._news.append(f"{self._engine.name} is available again")
                    away = None
                self._check_new(self._roster.update(present))
                self._calls.lose(present, "its worker is gone")
                self._workers_known.set()
            self._closing.wait(POLL_SECONDS)

    def _miss(self, away: float | None, why: str) -> float:
        """Note that the engine cannot be reached; all running calls are lost."""
        now = time.monotonic()
        if away is None:
            away = now
            self._news.append(f"{self._engine.name} cannot be reached; waiting for it ({why})")
        self._roster.update({})
        self._calls.lose((), why)
        if now - away > PATIENCE:
            self._fault = gone(self._engine.name, now - away, why)
        return away

    def _check_new(self, new: list[str]) -> None:
        """Check whether each new worker computes the same bits; that also starts a process of ours there."""
        for worker in new:
            self._calls.make(_packed(_nothing, None), [worker], urgent=True).add_done_callback(
                lambda done, worker=worker: self._finish_check(worker, done)  # type: ignore[misc]
            )

    def _finish_check(self, worker: str, done: "Future[Answer]") -> None:
        if error := done.exception():
            if isinstance(error, WorkerLost):
                self._roster.forget(worker)
            else:
                self._roster.refuse(worker, shown(error))
            return
        _, reply = done.result()
        match reply:
            case Done():
                self._roster.use(worker)
            case Refused(why):
                self._roster.refuse(worker, why)
            case Died(_, reason) if reason:  # for want of memory, which another call may have taken
                self._roster.forget(worker)
            case _:
                self._roster.refuse(worker, f"it cannot start a process of ours ({reply})")


def _nothing(_: None) -> None:
    """The call that checks a new worker."""


def _packed(
    function: Callable[[Any], Any], given: Any, model: str | None = None, limits: Limits | None = None
) -> bytes:
    """A request as `host.call` takes it, which unpacks the limits alone."""
    request = pickle.dumps(Request(function, given, facts_for(model), model), protocol=pickle.HIGHEST_PROTOCOL)
    may_take = (limits.seconds, limits.memory, limits.fresh) if limits else (None, None, False)
    return pickle.dumps((may_take, request), protocol=pickle.HIGHEST_PROTOCOL)


def _packed_chunk(chunk: Chunk) -> bytes:
    return _packed(keep, chunk)


@lru_cache(maxsize=16)
def _model_text(path: Path | str, wanted: str, function: bool) -> str:
    plugin = (read_function if function else read_plugin)(path)
    if plugin.hash != wanted:
        raise ModelError(f"{path}: the model file has changed since the study was launched")
    return plugin.text
