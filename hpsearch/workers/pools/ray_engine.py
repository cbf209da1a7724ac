"""Ray as an engine: a cluster's, or one of its own on this machine. May import the standard library.

A process that is connected to Ray waits for minutes when Ray's head goes away, prints messages, and is then ended by
Ray. So a process of its own (`ray_driver`) connects to it, which can be ended and restarted at any time.
"""

import itertools
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from hpsearch.errors import InputError
from hpsearch.platform import kill_group
from hpsearch.workers.pools.engine import EngineUnavailable, WorkerInfo, settle
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.pipes import receive, send

START_SECONDS = 60.0
"""How long Ray may take to start, or to answer."""
SILENT_SECONDS = 20.0
"""After so long without a message, the driver counts as unavailable."""
CLOSE_SECONDS = 15.0
"""How long the driver may take to end; longer than `ray_driver.CLOSE_SECONDS`."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}
_ENDED = "the process that connects to Ray ended"
_DRIVE = "import json, sys; from hpsearch.workers.pools.ray_driver import main; main(*json.loads(sys.argv[1]))"


class RayEngine:
    """Nodes with one or more CPUs each; a segment takes one CPU."""

    def __init__(self, address: str | None, cpus: int) -> None:
        self.name = f"the Ray cluster at {address}" if address else "a Ray of our own"
        self._given = json.dumps([address, cpus])
        try:
            self._driver = _Driver(self._given)
        except EngineUnavailable as error:
            place = f"--scheduler {address}" if address else "--backend ray"
            token = "" if "RAY_AUTH_MODE" in os.environ else "; one that asks for a token wants RAY_AUTH_MODE=token"
            raise InputError(f"{place}: no Ray answers there ({error}); `ray start --head` starts one{token}") from None

    def workers(self) -> dict[str, WorkerInfo]:
        return self._driver.workers()

    def start(self, request: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        return self._driver.start(request, among)

    def reconnect(self) -> None:
        """Start again: with a Ray of our own, or with what is at the address now."""
        self._driver.kill()
        self._driver = _Driver(self._given)

    def close(self) -> None:
        """Ray ends the calls of a program that disconnects."""
        self._driver.end()


class _Driver:
    """The process that connects to Ray. Raises EngineUnavailable if Ray does not answer."""

    def __init__(self, given: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _DRIVE, given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Ray repeats its messages there
            env=_QUIET | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # for Ray's own processes: Ctrl-C is not for them
        )
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._under_way: dict[int, Future[tuple[str, bytes]]] = {}
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._nodes: dict[str, WorkerInfo] | str = f"it did not answer within {START_SECONDS:.0f} s"
        self._last_message, self._ended, begun = time.monotonic(), False, threading.Event()
        for work, given_to in ((self._receive_replies, (begun,)), (self._send_requests, ())):
            threading.Thread(target=work, args=given_to, name="hpsearch-ray", daemon=True).start()
        begun.wait(START_SECONDS)
        if isinstance(self._nodes, str):
            self.kill()
            raise EngineUnavailable(self._nodes)

    def _send_requests(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as stream:
            while content := self._outgoing.get():
                send(stream, content)

    def _receive_replies(self, begun: threading.Event) -> None:
        assert self._process.stdout is not None
        with suppress(OSError), self._process.stdout as stream:
            while content := receive(stream):
                number, value, error = pickle.loads(content)
                if number is None:
                    self._nodes, self._last_message = value, time.monotonic()
                    begun.set()
                elif future := self._under_way.pop(number, None):
                    settle(future, value, error)
        with self._lock:
            self._ended, lost = True, list(self._under_way.values())
        for future in lost:
            settle(future, error=WorkerLost(_ENDED))
        begun.set()

    def workers(self) -> dict[str, WorkerInfo]:
        """The nodes of its last message. Raises EngineUnavailable."""
        if self._ended:
            raise EngineUnavailable(_ENDED)
        if (silent := time.monotonic() - self._last_message) > SILENT_SECONDS:
            raise EngineUnavailable(f"no message from it for {silent:.0f} s")
        if isinstance(self._nodes, str):
            raise EngineUnavailable(self._nodes)
        return dict(self._nodes)

    def start(self, request: bytes, among: Sequence[str]) -> "Future[tuple[str, bytes]]":
        """Run a call on one of these nodes."""
        future: Future[tuple[str, bytes]] = Future()
        with self._lock:
            if self._ended:
                raise WorkerLost(_ENDED)
            number = next(self._numbers)
            self._under_way[number] = future
        self._outgoing.put(pickle.dumps((number, request, list(among))))
        return future

    def end(self) -> None:
        """Disconnect from Ray, and end the process."""
        self._outgoing.put(None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill the process, with those that it started."""
        self._outgoing.put(None)
        if self._process.poll() is None:
            kill_group(self._process.pid)
        self._process.wait()
