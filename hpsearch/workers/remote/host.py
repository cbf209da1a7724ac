"""In a worker of Dask or Ray: one process of ours for each running call, kept for the next.

May import the standard library, and what else is small, so that the worker itself stays so.
"""

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait

from hpsearch.workers.out_of_memory import explanation, kills
from hpsearch.workers.pools.watch import kill, memory_of
from hpsearch.workers.remote.messages import Died, Reached, Reply
from hpsearch.workers.remote.pipes import BEGUN, receive, send
from hpsearch.workers.threads import ONE_THREAD

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hpsearch.workers.remote.worker_process import serve; serve()"
)
_POLL_SECONDS = 0.5
_WATCH_SECONDS = 0.05
"""Of a call with limits: how often they are checked."""

_START_SECONDS = 120.0
"""So long a process may take before a call begins: to start, to import what the call needs and to read its data, which
is not part of the call's time."""

_END_SECONDS = 5.0
"""Seconds that a process whose pipe is closed may take to end."""


class Cancelled(Exception):  # noqa: N818
    """The call was cancelled."""


class _LimitReached(Exception):  # noqa: N818
    """The call took longer, or more memory, than it may; its argument is the key of the limit."""


class Host:
    """A process of ours that runs calls, one at a time."""

    used = False
    """Has it run a call?"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
        )
        assert self.process.stdout is not None
        self._replies = open(self.process.stdout.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115

    def call(
        self, request: bytes, wanted: Callable[[], bool], seconds: float | None = None, memory: int | None = None
    ) -> bytes | None:
        """Pass on a pickled request; return the pickled reply, or None if the process died.

        Raises Cancelled, and _LimitReached where it takes longer than so many seconds, or more bytes of memory.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            send(self.process.stdin, request)
        except BrokenPipeError:
            return None
        limited = seconds is not None or memory is not None
        began, self.used = time.monotonic() + _START_SECONDS, True
        reply: bytes | None = BEGUN
        while reply == BEGUN:
            while not wait([self.process.stdout.fileno()], _WATCH_SECONDS if limited else _POLL_SECONDS):
                if not wanted():
                    raise Cancelled
                if seconds is not None and time.monotonic() - began >= seconds:
                    raise _LimitReached("minutes")
                if memory is not None and memory_of(self.process.pid) > memory:
                    raise _LimitReached("memory")
            reply, began = receive(self._replies), time.monotonic()
        return reply

    def ending(self) -> str:
        """How the process ended that did not reply."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_SECONDS)
        return self.end()

    def end(self) -> str:
        """Kill the process, if it lives, and those that it has started; return how it ended."""
        if self.process.poll() is None:
            kill(self.process.pid)
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # from what the pipe's buffer still holds
                stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


_idle: list[Host] = []
_lock = threading.Lock()


def call(request: bytes, wanted: Callable[[], bool] = lambda: True) -> bytes:
    """Run a call in a process of ours; return the pickled reply. Raises Cancelled once `wanted` returns False.

    A request has the call's limits, (seconds, bytes of memory, whether in a new process), beside what is passed on.
    """
    (seconds, memory, fresh), content = pickle.loads(request)
    with _lock:
        host = _idle.pop() if _idle else None
    if host is not None and fresh and host.used:
        host.end()
    if host is None or host.process.poll() is not None:
        host = Host()
    fresh, before = not host.used, kills()
    try:
        reply = host.call(content, wanted, seconds, memory)
    except _LimitReached as reached:
        host.end()
        ended: Reply = Reached(str(reached), fresh)
        return pickle.dumps(ended)
    except BaseException:
        host.end()
        raise
    if reply is None:
        died: Reply = Died(host.ending(), explanation(before, kills()))
        return pickle.dumps(died)
    with _lock:
        _idle.append(host)
    return reply
