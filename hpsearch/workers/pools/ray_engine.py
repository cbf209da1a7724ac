"""Ray as an engine: a cluster's, or one of its own on this machine. May import ray."""

import logging
import os
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from hpsearch.errors import InputError
from hpsearch.workers.pools.engine import EngineAway, Room
from hpsearch.workers.pools.seam import WorkerLost
from hpsearch.workers.remote.entering import in_ray
from hpsearch.workers.remote.hosting import THREADS

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
CONNECT_SECONDS = 10.0
_HEX = 16
"""So many digits of a node's id are its name in messages."""


class RayEngine:
    """Nodes of one or more CPUs each, a CPU for a segment."""

    def __init__(self, address: str | None, cpus: int) -> None:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.name = f"the Ray cluster at {address}" if address else "a Ray of our own"
        self._ray, self._affinity = ray, NodeAffinitySchedulingStrategy
        self._lock, self._loads = threading.Lock(), Counter[str]()
        self._rooms: dict[str, Room] = {}
        self._under_way: set[Any] = set()
        self._ours = not ray.is_initialized()
        if self._ours:
            self._begin(address, cpus)
        self._function = ray.remote(num_cpus=1, max_retries=0)(in_ray)

    def _begin(self, address: str | None, cpus: int) -> None:
        given: dict[str, Any] = {"runtime_env": {"env_vars": dict.fromkeys(THREADS, "1")}}
        given |= {"log_to_driver": False, "logging_level": logging.CRITICAL, "configure_logging": True}
        if address is None:
            given |= {"num_cpus": cpus, "include_dashboard": False}
        try:
            _knock(address)
            self._ray.init(address=address or "local", **given)
        except Exception as error:
            why = " ".join(str(error).split())[:200] or type(error).__name__
            place = f"--scheduler {address}" if address else "--backend ray"
            raise InputError(f"{place}: no Ray answers there ({why}); `ray start --head` starts one") from None

    def workers(self) -> dict[str, Room]:
        try:
            nodes = self._ray.nodes()  # type: ignore[no-untyped-call]
        except Exception as error:
            raise EngineAway(str(error) or type(error).__name__) from error
        self._rooms = {
            node["NodeID"]: Room(f"{node['NodeManagerAddress']} ({node['NodeID'][:_HEX]})", int(slots))
            for node in nodes
            if node["Alive"] and (slots := node["Resources"].get("CPU", 0)) >= 1
        }
        return dict(self._rooms)

    def start(self, parcel: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        with self._lock:
            node = min(among, key=self._load)
            self._loads[node] += 1
        where = self._affinity(node_id=node, soft=False)
        reference = self._function.options(scheduling_strategy=where).remote(parcel)
        self._under_way.add(reference)
        future: Future[tuple[str, bytes]] = Future()
        reference.future().add_done_callback(lambda done: self._take(reference, node, done, future))
        return future

    def _load(self, node: str) -> float:
        room = self._rooms.get(node)
        return self._loads[node] / (room.slots if room else 1)

    def _take(self, reference: Any, node: str, done: "Future[Any]", future: "Future[tuple[str, bytes]]") -> None:
        with self._lock:
            self._loads[node] -= 1
            self._under_way.discard(reference)
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        elif isinstance(error, self._ray.exceptions.RayTaskError):
            future.set_exception(error.cause if isinstance(error.cause, Exception) else error)
        else:
            future.set_exception(WorkerLost(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"))

    def reconnect(self) -> None:
        """Ray's own client does that, or ends this process."""

    def close(self) -> None:
        """A cluster ends what a program that has left it had under way; one that stays in it ends that itself."""
        with suppress(Exception):
            if self._ours:
                self._ray.shutdown()
            else:
                for reference in list(self._under_way):
                    self._ray.cancel(reference, force=True)


def _knock(address: str | None) -> None:
    """Raise OSError if nobody listens at HOST:PORT: Ray itself would try for minutes, and say so on standard error."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
