"""In a worker of Dask or Ray: one process of ours for each call under way, kept for the next. May import the standard
library only, so that the worker itself stays light.
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

from hpsearch.workers.pools.pool import ONE_THREAD
from hpsearch.workers.remote.messages import Died, Reply
from hpsearch.workers.remote.pipes import receive, send

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hpsearch.workers.remote.worker_process import serve; serve()"
)
_LOOK_SECONDS = 0.5
_END_SECONDS = 5.0
"""How long a process whose pipe is closed may take to end."""


class Unwanted(Exception):  # noqa: N818
    """Whoever asked for the call is gone."""


class Host:
    """A process of ours that makes calls, one at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
        )

    def call(self, parcel: bytes, wanted: Callable[[], bool]) -> bytes | None:
        """Hand over a pickled parcel; return the pickled reply, or None if the process died. Raises Unwanted."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            send(self.process.stdin, parcel)
        except BrokenPipeError:
            return None
        while not wait([self.process.stdout.fileno()], _LOOK_SECONDS):
            if not wanted():
                raise Unwanted
        return receive(self.process.stdout)

    def ending(self) -> str:
        """How the process ended by itself, once it did not reply."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_SECONDS)
        return self.end()

    def end(self) -> str:
        """Kill the process, if it lives; return how it ended."""
        self.process.kill()
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # of what the pipe's buffer still held
                stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


_idle: list[Host] = []
_lock = threading.Lock()


def call(parcel: bytes, wanted: Callable[[], bool] = lambda: True) -> bytes:
    """Have a process of ours make the call; return the pickled reply. Raises Unwanted when `wanted` says so."""
    with _lock:
        host = _idle.pop() if _idle else None
    if host is None or host.process.poll() is not None:
        host = Host()
    try:
        reply = host.call(parcel, wanted)
    except BaseException:
        host.end()
        raise
    if reply is None:
        died: Reply = Died(host.ending())
        return pickle.dumps(died)
    with _lock:
        _idle.append(host)
    return reply
