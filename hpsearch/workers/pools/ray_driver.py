"""The process that speaks to Ray for us: it makes calls that arrive on its standard input, and tells who is there.

May import ray.
"""

import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from typing import IO, Any

from hpsearch.workers.pools.engine import Room, shown
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.entry_points import in_ray
from hpsearch.workers.remote.pipes import own_streams, receive, send

LOOK_SECONDS = 1.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 10.0
"""How long Ray may take to end what was under way, before this process ends without it."""
_HEX = 16
"""So many digits of a node's id are its name in messages."""


class Driver:
    """Nodes of one or more CPUs each, a CPU for a segment."""

    def __init__(self, outgoing: IO[bytes]) -> None:
        self._outgoing = outgoing
        self._lock, self._speaking = threading.Lock(), threading.Lock()
        self._loads, self._rooms = Counter[str](), dict[str, Room]()

    def begin(self, address: str | None, cpus: int) -> None:
        """Join the cluster at an address, or start one here; from then on tell who is there."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray: Any = ray
        self._affinity, self._own = NodeAffinitySchedulingStrategy, address is None
        given: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if address is None:
            given |= {"num_cpus": cpus, "include_dashboard": False}
        _knock(address)
        ray.init(address=address or "local", **given)
        self._function = ray.remote(num_cpus=1, max_retries=0)(in_ray)
        threading.Thread(target=self._look, daemon=True).start()

    def make(self, number: int, parcel: bytes, among: list[str]) -> None:
        """Have one of these nodes make a call; say what came of it."""
        try:
            self._start(number, parcel, among)
        except Exception as error:
            self.say(number, None, WorkerLost(shown(error)))

    def say(self, *message: Any) -> None:
        """(None, the workers or why they are not known, None), or (a call's number, its answer, its error)."""
        try:
            content = pickle.dumps(message)
            pickle.loads(content)
        except Exception:  # an error that cannot be had back
            content = pickle.dumps((message[0], None, RuntimeError(shown(message[2]))))
        with self._speaking:
            send(self._outgoing, content)

    def _look(self) -> None:
        while True:
            try:
                nodes = self._ray.nodes()
                self._rooms = {
                    node["NodeID"]: Room(f"{node['NodeManagerAddress']} ({node['NodeID'][:_HEX]})", int(slots))
                    for node in nodes
                    if node["Alive"] and (slots := node["Resources"].get("CPU", 0)) >= 1
                }
                self.say(None, self._rooms if self._rooms or not self._own else "its node ended", None)
            except Exception as error:
                self.say(None, shown(error), None)
            time.sleep(LOOK_SECONDS)

    def _start(self, number: int, parcel: bytes, among: list[str]) -> None:
        with self._lock:
            node = min(among, key=self._load)
            self._loads[node] += 1
        where = self._affinity(node_id=node, soft=False)
        reference = self._function.options(scheduling_strategy=where).remote(parcel)
        reference.future().add_done_callback(lambda done: self._take(number, node, done))

    def _load(self, node: str) -> float:
        room = self._rooms.get(node)
        return self._loads[node] / (room.slots if room else 1)

    def _take(self, number: int, node: str, done: "Future[Any]") -> None:
        with self._lock:
            self._loads[node] -= 1
        error = done.exception()
        if isinstance(error, self._ray.exceptions.RayTaskError):
            error = error.cause if isinstance(error.cause, Exception) else error
        elif error is not None:
            error = WorkerLost(shown(error))
        self.say(number, None if error else done.result(), error)


def main(address: str | None, cpus: int) -> None:
    """Drive Ray until the standard input ends; Ray then ends what was under way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's: the coordinator decides
    incoming, outgoing = own_streams()
    driver = Driver(outgoing)
    try:
        driver.begin(address, cpus)
        while (content := receive(incoming)) is not None:
            driver.make(*pickle.loads(content))
    except Exception as error:
        driver.say(None, shown(error), None)
    limit = threading.Timer(CLOSE_SECONDS, os._exit, (1,))
    limit.daemon = True
    limit.start()
    if ray := sys.modules.get("ray"):
        ray.shutdown()
    os._exit(0)


def _knock(address: str | None) -> None:
    """Raise OSError if nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
