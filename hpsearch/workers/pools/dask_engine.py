"""Dask's scheduler as an engine. May import distributed.

A client that loses its scheduler gives up all that was under way (dask/distributed#5667), and a worker that does ends
itself (#6361): whoever starts the workers starts them again.
"""

import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import dask
from distributed import Client, KilledWorker

from hpsearch.errors import InputError
from hpsearch.workers.pools.engine import EngineAway, Room
from hpsearch.workers.pools.seam import WorkerLost
from hpsearch.workers.remote.entering import in_dask

CONNECT_SECONDS = 10.0
FETCH_SECONDS = 120.0
"""How long the result of a task that is done may take to arrive."""
_MANY_BYTES = 2**22
"""From here on a parcel might be one that Dask warns of as a large graph: a cohort's states are that large."""
_UNLIMITED = {"distributed.admin.large-graph-warning-threshold": "1 TB"}


class DaskEngine:
    """Workers of one or more threads each, a thread for a segment."""

    def __init__(self, address: str) -> None:
        self.name = f"the Dask scheduler at {address}"
        self._address = address
        self._quietened = ExitStack()
        _quieten(self._quietened)
        self._takers = ThreadPoolExecutor(8, "hpsearch-dask")
        try:
            self._client = self._connect()
        except Exception as error:
            self._quietened.close()
            why = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"--scheduler {address}: no Dask scheduler answers there ({why[:200]}); `dask scheduler` starts one"
            ) from None

    def _connect(self) -> Any:
        return Client(  # type: ignore[no-untyped-call]
            self._address, timeout=CONNECT_SECONDS, set_as_default=False, name="hpsearch"
        )

    def workers(self) -> dict[str, Room]:
        client = self._client
        if client.status != "running":
            raise EngineAway("the connection was lost")
        try:
            return {worker: Room(worker, threads) for worker, threads in client.nthreads().items()}
        except Exception as error:
            raise EngineAway(str(error) or type(error).__name__) from error

    def start(self, parcel: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        given = {"workers": list(among), "allow_other_workers": False, "retries": 0, "pure": False}
        given |= {"key": f"hpsearch-{uuid.uuid4().hex}", "priority": 10 if urgent else 0}
        if len(parcel) > _MANY_BYTES:
            with dask.config.set(_UNLIMITED):
                task = self._client.submit(in_dask, parcel, **given)
        else:
            task = self._client.submit(in_dask, parcel, **given)
        future: Future[tuple[str, bytes]] = Future()
        task.add_done_callback(lambda done: self._hand_over(done, future))
        return future

    def _hand_over(self, task: Any, future: "Future[tuple[str, bytes]]") -> None:
        """Have the result fetched in a thread of ours: all of Dask's callbacks share one."""
        try:
            self._takers.submit(_take, task, future)
        except RuntimeError as error:  # closed meanwhile
            future.set_exception(WorkerLost(str(error)))

    def reconnect(self) -> None:
        _end(self._client)
        try:
            self._client = self._connect()
        except Exception as error:
            raise EngineAway(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """The scheduler forgets what only we had asked for; `in_dask` sees that on the workers."""
        _end(self._client)
        self._takers.shutdown(wait=False, cancel_futures=True)
        self._quietened.close()


def _take(task: Any, future: "Future[tuple[str, bytes]]") -> None:
    if task.status not in ("finished", "error"):  # asking for the result of a client that closes may take for ever
        future.set_exception(WorkerLost(f"its task was {task.status}"))
        return
    try:
        future.set_result(task.result(timeout=FETCH_SECONDS))
    except (CancelledError, KilledWorker, OSError) as error:
        future.set_exception(WorkerLost(" ".join(str(error).split())[:200]))
    except Exception as error:
        future.set_exception(error)


def _quieten(until: ExitStack) -> None:
    """Have Dask's loggers, each of which has a level of its own, leave to our one line what they would say in many."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logger = logging.getLogger(name)
            until.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL + 1)


def _end(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=2)
