"""The process that connects to Ray: it runs calls from its standard input, and reports Ray's nodes.

May import ray.
"""

import logging
import os
import pickle
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from typing import IO, Any

from hpsearch.workers.pools.engine import WorkerInfo, shown
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.entry_points import in_ray
from hpsearch.workers.remote.messages import Died
from hpsearch.workers.remote.pipes import own_streams, receive, send

POLL_SECONDS = 1.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 10.0
"""How long Ray may take to end running calls, before this process ends anyway."""
_HEX = 16
"""The number of digits of a node's id in messages."""


class Driver:
    """Nodes with one or more CPUs each; a segment takes one CPU."""

    def __init__(self, outgoing: IO[bytes]) -> None:
        self._outgoing = outgoing
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._loads, self._rooms = Counter[str](), dict[str, WorkerInfo]()

    def begin(self, address: str | None, cpus: int) -> None:
        """Join the cluster at an address, or start one here; from then on report its nodes."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray: Any = ray
        self._affinity, self._own = NodeAffinitySchedulingStrategy, address is None
        given: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if address is None:
            given |= {"num_cpus": cpus, "include_dashboard": False}
        _check_port(address)
        ray.init(address=address or "local", **given)
        self._function = ray.remote(num_cpus=1, max_retries=0)(in_ray)
        threading.Thread(target=self._watch_nodes, daemon=True).start()

    def make(self, number: int, request: bytes, among: list[str]) -> None:
        """Have one of these nodes run a call, and report its result."""
        try:
            self._start(number, request, among)
        except Exception as error:
            self.report(number, None, WorkerLost(shown(error)))

    def report(self, *message: Any) -> None:
        """(None, the workers or why they are not known, None), or (a call's number, its answer, its error)."""
        try:
            content = pickle.dumps(message)
            pickle.loads(content)
        except Exception:  # an error that does not unpickle
            content = pickle.dumps((message[0], None, RuntimeError(shown(message[2]))))
        with self._sending:
            send(self._outgoing, content)

    def _watch_nodes(self) -> None:
        while True:
            try:
                nodes = self._ray.nodes()
                self._rooms = {
                    node["NodeID"]: WorkerInfo(f"{node['NodeManagerAddress']} ({node['NodeID'][:_HEX]})", int(slots))
                    for node in nodes
                    if node["Alive"] and (slots := node["Resources"].get("CPU", 0)) >= 1
                }
                self.report(None, self._rooms if self._rooms or not self._own else "its node ended", None)
            except Exception as error:
                self.report(None, shown(error), None)
            time.sleep(POLL_SECONDS)

    def _start(self, number: int, request: bytes, among: list[str]) -> None:
        with self._lock:
            node = min(among, key=self._load)
            self._loads[node] += 1
        where = self._affinity(node_id=node, soft=False)
        reference = self._function.options(scheduling_strategy=where).remote(request)
        reference.future().add_done_callback(lambda done: self._take(number, node, done))

    def _load(self, node: str) -> float:
        room = self._rooms.get(node)
        return self._loads[node] / (room.slots if room else 1)

    def _take(self, number: int, node: str, done: "Future[Any]") -> None:
        with self._lock:
            self._loads[node] -= 1
        error = done.exception()
        if isinstance(error, self._ray.exceptions.OutOfMemoryError):  # perhaps by this call, as where Linux kills
            died = Died("Ray ended its worker", _out_of_memory(str(error)))
            return self.report(number, (node, pickle.dumps(died)), None)
        if isinstance(error, self._ray.exceptions.RayTaskError):
            error = error.cause if isinstance(error.cause, Exception) else error
        elif error is not None:
            error = WorkerLost(shown(error))
        return self.report(number, None if error else done.result(), error)


def _out_of_memory(said: str) -> str:
    """What Ray says of the memory of a node, briefly.

    >>> _out_of_memory("Memory on the node (IP: 10.0.0.1, ID: 8a) was 6.78GB used / 23.50GB (0.285), which exceeds …")
    'out of memory: 6.78GB of 23.50GB were used on the node, which is more than Ray allows'
    """
    found = re.search(r"was (\S+) used / (\S+)", said)
    used = "{} of {} were".format(*found.groups()) if found else "too much was"
    return f"out of memory: {used} used on the node, which is more than Ray allows"


def main(address: str | None, cpus: int) -> None:
    """Run calls until the standard input ends; Ray then ends the running ones."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's: the coordinator decides
    incoming, outgoing = own_streams()
    driver = Driver(outgoing)
    try:
        driver.begin(address, cpus)
        while (content := receive(incoming)) is not None:
            driver.make(*pickle.loads(content))
    except Exception as error:
        driver.report(None, shown(error), None)
    limit = threading.Timer(CLOSE_SECONDS, os._exit, (1,))
    limit.daemon = True
    limit.start()
    if ray := sys.modules.get("ray"):
        ray.shutdown()
    os._exit(0)


def _check_port(address: str | None) -> None:
    """Raise OSError if nothing listens at HOST:PORT: Ray itself would retry for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
