"""Dask's scheduler as an engine. May import distributed.

A client that loses its scheduler gives up all that was under way (dask/distributed#5667), and a worker that does ends
itself (#6361): whoever starts the workers starts them again.
"""

import logging
import socket
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from typing import Any

import dask
from distributed import Client, KilledWorker
from distributed.comm.addressing import get_address_host_port, parse_address
from distributed.comm.registry import get_backend

from hpsearch.errors import InputError
from hpsearch.workers.pools.engine import EngineAway, Room, settle, shown
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.entry_points import in_dask

CONNECT_SECONDS = 10.0
FETCH_SECONDS = 120.0
"""How long the result of a task that is done may take to arrive."""
_NO_WARNING = {"distributed.admin.large-graph-warning-threshold": "1 TB"}
"""A parcel is what Dask calls a graph, and one with a cohort's states a large one."""


class DaskEngine:
    """Workers of one or more threads each, a thread for a segment."""

    def __init__(self, address: str) -> None:
        self.name = f"the Dask scheduler at {address}"
        self._address = address
        self._configurations = ExitStack()
        self._configurations.enter_context(dask.config.set(_NO_WARNING))
        _quieten(self._configurations)
        try:
            self._client = self._connect()
        except Exception as error:
            self._configurations.close()
            raise InputError(
                f"--scheduler {address}: no Dask scheduler answers there ({shown(error)}); `dask scheduler` starts one"
            ) from None

    def _connect(self) -> Any:
        """A client. It is made in a thread: where something else than a scheduler listens, that can take for ever."""
        _knock(self._address)
        made: Future[Any] = Future()

        def connect() -> None:
            given = {"timeout": CONNECT_SECONDS, "set_as_default": False, "name": "hpsearch"}
            try:
                made.set_result(Client(self._address, **given))  # type: ignore[no-untyped-call]
            except Exception as error:
                made.set_exception(error)

        threading.Thread(target=connect, name="hpsearch-dask", daemon=True).start()
        try:
            return made.result(2 * CONNECT_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"no answer within {2 * CONNECT_SECONDS:.0f} s") from None

    def workers(self) -> dict[str, Room]:
        client = self._client
        if client.status != "running":
            raise EngineAway("the connection was lost")
        try:
            return {worker: Room(worker, threads) for worker, threads in client.nthreads().items()}
        except Exception as error:
            raise EngineAway(shown(error)) from error

    def start(self, parcel: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        task = self._client.submit(
            in_dask,
            parcel,
            key=f"hpsearch-{uuid.uuid4().hex}",
            workers=list(among),
            allow_other_workers=False,
            priority=10 if urgent else 0,
            retries=0,
            pure=False,
        )
        future: Future[tuple[str, bytes]] = Future()
        future.add_done_callback(lambda done: task.release() if done.cancelled() else None)
        task.add_done_callback(lambda task: _hand_over(task, future))
        return future

    def reconnect(self) -> None:
        _end(self._client)
        try:
            self._client = self._connect()
        except Exception as error:
            raise EngineAway(shown(error)) from error

    def close(self) -> None:
        """The scheduler forgets what only we had asked for; `in_dask` sees that on the workers."""
        _end(self._client)
        self._configurations.close()


def _knock(address: str) -> None:
    """Raise ValueError or OSError, and sooner than Dask would, for what is no address and where nobody listens."""
    scheme, _ = parse_address(address)
    get_backend(scheme)
    if scheme in ("tcp", "tls"):
        socket.create_connection(get_address_host_port(address), timeout=CONNECT_SECONDS).close()


def _hand_over(task: Any, future: "Future[tuple[str, bytes]]") -> None:
    """Have the result fetched in a thread that no exit waits for; all of Dask's callbacks share one."""
    threading.Thread(target=_take, args=(task, future), name="hpsearch-dask", daemon=True).start()


def _take(task: Any, future: "Future[tuple[str, bytes]]") -> None:
    if task.status not in ("finished", "error"):  # asking for the result of a client that closes may take for ever
        settle(future, error=WorkerLost(f"its task was {task.status}"))
        return
    try:
        settle(future, task.result(timeout=FETCH_SECONDS))
    except (CancelledError, KilledWorker, OSError) as error:
        settle(future, error=WorkerLost(shown(error)))
    except Exception as error:
        unread = "deserialization of the task graph" in str(error)  # the scheduler's words, of itself
        told = ModuleNotFoundError("the scheduler's own machine has no hpsearch") if unread else error
        settle(future, error=told)


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
