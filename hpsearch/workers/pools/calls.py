"""Running calls on other machines; each ends with a reply or as lost. May import the standard library."""

import pickle
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from hpsearch.workers.pools.engine import Engine, shown
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.messages import Reply

Answer = tuple[str, Reply]
"""The worker that replied, and its reply."""


@dataclass(eq=False)
class _Call:
    among: frozenset[str]
    future: "Future[Answer]" = field(default_factory=Future)
    inner: "Future[tuple[str, bytes]] | None" = None


class Calls:
    """All running calls of a pool. An engine alone may wait forever for a worker that does not come back."""

    def __init__(self, engine: Engine, away: Callable[[], object]) -> None:
        """`away` is called when the engine fails to start a call: no other is tried until its workers are known."""
        self._engine, self._away = engine, away
        self._lock = threading.Lock()
        self._under_way: set[_Call] = set()
        self._closed = False

    def make(self, request: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[Answer]":
        """Have one of these workers run the call; the future raises WorkerLost, or what the engine raised."""
        call = _Call(frozenset(among))
        with self._lock:
            self._under_way.add(call)
            closed = self._closed
        try:
            if closed:
                raise WorkerLost("the pool was closed")
            call.inner = self._engine.start(request, among, urgent=urgent)
        except Exception as error:  # the engine is not available any more
            self._away()
            lost = error if isinstance(error, WorkerLost) else WorkerLost(shown(error))
            self._end(call, lambda future: future.set_exception(lost))
        else:
            call.inner.add_done_callback(lambda done: self._take(call, done))
        return call.future

    def _take(self, call: _Call, inner: "Future[tuple[str, bytes]]") -> None:
        try:
            worker, content = inner.result()
            reply: Reply = pickle.loads(content)
        except BaseException as error:
            found = error if isinstance(error, Exception) else WorkerLost(type(error).__name__)
            self._end(call, lambda future: future.set_exception(found))
        else:
            self._end(call, lambda future: future.set_result((worker, reply)))

    def _end(self, call: _Call, settle: "Callable[[Future[Answer]], None]") -> None:
        """Settle a call's future, unless it is settled already."""
        with self._lock:
            if call not in self._under_way:
                return
            self._under_way.remove(call)
        settle(call.future)

    def lose(self, present: Iterable[str], why: str) -> None:
        """End all calls as lost for which none of their workers is present."""
        there = frozenset(present)
        with self._lock:
            lost = [call for call in self._under_way if not call.among & there]
        for call in lost:
            self._end(call, lambda future: future.set_exception(WorkerLost(why)))
            if call.inner is not None:
                call.inner.cancel()

    def close(self) -> None:
        """End all calls as lost, and from now on each that is made."""
        with self._lock:
            self._closed = True
        self.lose((), "the pool was closed")
