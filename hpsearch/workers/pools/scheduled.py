"""Workers elsewhere, behind an engine that schedules: Dask or Ray. May import data and the standard library.

joblib's own backends for them run whole lists of tasks, and tell a lost worker from a dead one as little as a lost
scheduler; here each segment is a call of its own, made by a process beside the engine's worker.
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
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.pools.calls import Answer, Calls
from hpsearch.workers.pools.engine import Engine, EngineAway, shown
from hpsearch.workers.pools.pool import Given, Made, WorkerDied, WorkerLost
from hpsearch.workers.pools.roster import Roster, gone
from hpsearch.workers.pools.transfer import Supplier, Unfit
from hpsearch.workers.remote.compatibility import facts_for
from hpsearch.workers.remote.local_files import keep
from hpsearch.workers.remote.messages import Chunk, Died, Done, Missing, Parcel, Raised, Refused
from hpsearch.workers.segments.segment import Segment

PATIENCE = 300.0
"""Seconds that an engine which cannot be reached is waited for."""

LOOK_SECONDS = 1.0
"""How often the engine is asked for its workers."""

WARM_SECONDS = 20.0
"""How long the first workers get to say whether they can be used."""


@dataclass(eq=False)
class _Job:
    """Something submitted: its parcel, its future, and the workers that its images were sent to."""

    parcel: bytes
    split: Path | None
    future: "Future[Any]" = field(default_factory=Future)
    supplied: set[str] = field(default_factory=set)


class ScheduledPool:
    """All workers of an engine that compute what this process would."""

    def __init__(self, engine: Engine, workers: int | None, say: Callable[[str], None]) -> None:
        self._engine, self._limit, self._say = engine, workers, say
        self._roster = Roster(engine.name)
        self._calls = Calls(engine, lambda: self._roster.update({}))
        self._news: deque[str] = deque()
        self._supplier = Supplier(self._calls, _packed_chunk, self._news.append)
        self._fault: HpsearchError | None = None
        self._closing = threading.Event()
        self._looked = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="hpsearch-workers", daemon=True)
        self._watch.start()

    @property
    def capacity(self) -> int:
        return self._roster.slots if self._limit is None else min(self._limit, self._roster.slots)

    def submit(self, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        """Have a worker call function(given); a segment's model file goes with it, its images ahead of it."""
        future: Future[Made]
        if isinstance(given, Segment):
            try:
                job = _Job(_packed(function, given, _model_text(given.model, given.model_hash)), given.split)
            except ModelError as error:
                future = Future()
                future.set_exception(error)
                return future
        else:
            job = _Job(_packed(function, given), None)
        self._start(job)
        return job.future

    def warm(self) -> None:
        """Ask the workers that are there whether they can be used. Raises InputError if none can."""
        self._looked.wait(WARM_SECONDS)
        deadline = time.monotonic() + WARM_SECONDS
        while self._roster.asked and time.monotonic() < deadline:
            time.sleep(0.05)
        self.poll()

    def poll(self) -> None:
        """Tell who came, went or was refused. Raises HpsearchError if the engine stays away, or no worker fits."""
        while self._news:
            self._say(self._news.popleft())
        for line in self._roster.news():
            self._say(line)
        if self._fault is not None:
            raise self._fault
        self._roster.require_hope()

    def close(self) -> None:
        self._closing.set()
        self._supplier.close()
        self._calls.close()
        self._engine.close()
        self._watch.join(timeout=5.0)

    # What was submitted

    def _start(self, job: _Job) -> None:
        used = self._roster.used
        if not used:
            job.future.set_exception(WorkerLost(f"no worker at {self._engine.name}"))
            return
        self._calls.make(job.parcel, used).add_done_callback(lambda done: self._take(job, done))

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
            case Died(how):
                job.future.set_exception(WorkerDied(f"its process ended ({how})"))
            case Refused(why):
                self._turn_away(job, worker, why)
            case Missing():
                self._supply(job, worker, reply)

    def _turn_away(self, job: _Job, worker: str, why: str) -> None:
        self._roster.refuse(worker, why)
        self._start(job)

    def _supply(self, job: _Job, worker: str, missing: Missing) -> None:
        assert job.split is not None
        if worker in job.supplied:
            self._turn_away(job, worker, f"it keeps no prepared images in {missing.place}")
            return
        job.supplied.add(worker)

        def go_on(sent: "Future[None]") -> None:
            error = None if sent.cancelled() else sent.exception()
            if isinstance(error, Unfit):
                self._turn_away(job, worker, str(error))
            elif error is not None or sent.cancelled():
                job.future.set_exception(WorkerLost(f"the images did not arrive{f': {error}' if error else ''}"))
            else:
                self._start(job)

        self._supplier.supply(worker, missing, job.split).add_done_callback(go_on)

    # Who is there

    def _look_after(self) -> None:
        away: float | None = None
        while not self._closing.is_set():
            try:
                if away is not None:
                    self._engine.reconnect()
                present = self._engine.workers()
            except EngineAway as error:
                away = self._miss(away, str(error))
            else:
                if away is not None:
                    self._news.append(f"{self._engine.name} is there again")
                    away = None
                self._greet(self._roster.update(present))
                self._calls.lose(present, "its worker is gone")
                self._looked.set()
            self._closing.wait(LOOK_SECONDS)

    def _miss(self, away: float | None, why: str) -> float:
        """Note that the engine cannot be reached, and what that means for all that is under way."""
        now = time.monotonic()
        if away is None:
            away = now
            self._news.append(f"{self._engine.name} cannot be reached; waiting for it ({why})")
        self._roster.update({})
        self._calls.lose((), why)
        if now - away > PATIENCE:
            self._fault = gone(self._engine.name, now - away, why)
        return away

    def _greet(self, came: list[str]) -> None:
        """Ask each new worker whether it computes what we would; that also starts a process of ours there."""
        for worker in came:
            self._calls.make(_packed(_nothing, None), [worker], urgent=True).add_done_callback(
                lambda done, worker=worker: self._welcome(worker, done)  # type: ignore[misc]
            )

    def _welcome(self, worker: str, done: "Future[Answer]") -> None:
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
            case _:
                self._roster.refuse(worker, f"it cannot start a process of ours ({reply})")


def _nothing(_: None) -> None:
    """What a worker is asked to do when it comes."""


def _packed(function: Callable[[Any], Any], given: Any, model: str | None = None) -> bytes:
    return pickle.dumps(Parcel(function, given, facts_for(model), model), protocol=pickle.HIGHEST_PROTOCOL)


def _packed_chunk(chunk: Chunk) -> bytes:
    return _packed(keep, chunk)


@lru_cache(maxsize=16)
def _model_text(path: Path, wanted: str) -> str:
    plugin = read_plugin(path)
    if plugin.hash != wanted:
        raise ModelError(f"{path}: the model file has changed since the study was launched")
    return plugin.text
