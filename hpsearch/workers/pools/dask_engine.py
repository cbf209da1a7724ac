"""Dask's scheduler as an engine. May import distributed.

A client that loses its scheduler cancels all running tasks (dask/distributed#5667), and a worker that does ends itself
(#6361): it must be started again.
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
from hpsearch.workers.pools.engine import EngineUnavailable, WorkerInfo, settle, shown
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.entry_points import in_dask

CONNECT_SECONDS = 10.0
FETCH_SECONDS = 120.0
"""How long the transfer of a finished task's result may take."""
_NO_WARNING = {"distributed.admin.large-graph-warning-threshold": "1 TB"}
"""To Dask a request is a graph, and one with a cohort's states a large one."""


class DaskEngine:
    """Workers with one or more threads each; a segment takes one thread."""

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
        """A client, made in a thread: where something other than a scheduler listens, that may never return."""
        _check_port(self._address)
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

    def workers(self) -> dict[str, WorkerInfo]:
        client = self._client
        if client.status != "running":
            raise EngineUnavailable("the connection was lost")
        try:
            return {worker: WorkerInfo(worker, threads) for worker, threads in client.nthreads().items()}
        except Exception as error:
            raise EngineUnavailable(shown(error)) from error

    def start(self, request: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        task = self._client.submit(
            in_dask,
            request,
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
            raise EngineUnavailable(shown(error)) from error

    def close(self) -> None:
        """The scheduler then drops our tasks, which `in_dask` notices on the workers."""
        _end(self._client)
        self._configurations.close()


def _check_port(address: str) -> None:
    """Raise ValueError for an invalid address and OSError for a closed port, sooner than Dask would."""
    scheme, _ = parse_address(address)
    get_backend(scheme)
    if scheme in ("tcp", "tls"):
        socket.create_connection(get_address_host_port(address), timeout=CONNECT_SECONDS).close()


def _hand_over(task: Any, future: "Future[tuple[str, bytes]]") -> None:
    """Fetch the result in a daemon thread of its own; all of Dask's callbacks share one."""
    threading.Thread(target=_take, args=(task, future), name="hpsearch-dask", daemon=True).start()


def _take(task: Any, future: "Future[tuple[str, bytes]]") -> None:
    if task.status not in ("finished", "error"):  # the result of a client that closes may never come
        settle(future, error=WorkerLost(f"its task was {task.status}"))
        return
    try:
        settle(future, task.result(timeout=FETCH_SECONDS))
    except (CancelledError, KilledWorker, OSError) as error:
        settle(future, error=WorkerLost(shown(error)))
    except Exception as error:
        unread = "deserialization of the task graph" in str(error)  # the scheduler's message about itself
        cause = ModuleNotFoundError("the scheduler's own machine has no hpsearch") if unread else error
        settle(future, error=cause)


def _quieten(until: ExitStack) -> None:
    """Silence Dask's loggers, each of which has its own level: our message has one line."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logger = logging.getLogger(name)
            until.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL + 1)


def _end(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=2)
