"""In a worker of Dask or Ray: one process of ours for each running call, kept for the next.

May import the standard library only, so that the worker itself stays small.
"""

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import wait

from hpsearch.workers.remote.messages import Died, Reply
from hpsearch.workers.remote.pipes import receive, send
from hpsearch.workers.threads import ONE_THREAD

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hpsearch.workers.remote.worker_process import serve; serve()"
)
_POLL_SECONDS = 0.5
_END_SECONDS = 5.0
"""Seconds that a process whose pipe is closed may take to end."""


class Cancelled(Exception):  # noqa: N818
    """The call was cancelled."""


class Host:
    """A process of ours that runs calls, one at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
        )

    def call(self, request: bytes, wanted: Callable[[], bool]) -> bytes | None:
        """Pass on a pickled request; return the pickled reply, or None if the process died. Raises Cancelled."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            send(self.process.stdin, request)
        except BrokenPipeError:
            return None
        while not wait([self.process.stdout.fileno()], _POLL_SECONDS):
            if not wanted():
                raise Cancelled
        return receive(self.process.stdout)

    def ending(self) -> str:
        """How the process ended that did not reply."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_SECONDS)
        return self.end()

    def end(self) -> str:
        """Kill the process, if it lives; return how it ended."""
        self.process.kill()
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # from what the pipe's buffer still holds
                stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


_idle: list[Host] = []
_lock = threading.Lock()


def call(request: bytes, wanted: Callable[[], bool] = lambda: True) -> bytes:
    """Run a call in a process of ours; return the pickled reply. Raises Cancelled once `wanted` returns False."""
    with _lock:
        host = _idle.pop() if _idle else None
    if host is None or host.process.poll() is not None:
        host = Host()
    try:
        reply = host.call(request, wanted)
    except BaseException:
        host.end()
        raise
    if reply is None:
        died: Reply = Died(host.ending())
        return pickle.dumps(died)
    with _lock:
        _idle.append(host)
    return reply
