"""In a worker of Dask or Ray: one process of ours for each call under way, kept for the next. May import the standard
library only, so that the worker itself stays light.
"""

import contextlib
import json
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from hpsearch.workers.remote.parcels import Died, Reply

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
HEAD = struct.Struct(">Q")
"""Before each message: its length in bytes."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hpsearch.workers.remote.serving import serve; serve()"
)
_LOOK_SECONDS = 0.5


class Unwanted(Exception):  # noqa: N818
    """Whoever asked for the call is gone."""


class Host:
    """A process of ours that makes calls, one at a time."""

    def __init__(self) -> None:
        one = dict.fromkeys(THREADS, "1")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | one,
        )

    def call(self, parcel: bytes, wanted: Callable[[], bool]) -> bytes | None:
        """Hand over a pickled parcel; return the pickled reply, or None if the process died. Raises Unwanted."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(HEAD.pack(len(parcel)) + parcel)
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        while not select.select([self.process.stdout], [], [], _LOOK_SECONDS)[0]:
            if not wanted():
                raise Unwanted
        return receive(self.process.stdout)

    def end(self) -> str:
        """Kill the process, if it lives; return how it ended."""
        self.process.kill()
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # of what the pipe's buffer still held
                stream.close()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the stream's end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


_idle: list[Host] = []
_lock = threading.Lock()


def call(parcel: bytes, wanted: Callable[[], bool] = lambda: True) -> bytes:
    """Have a process of ours make the call; return the pickled reply. Raises Unwanted when `wanted` says so."""
    with _lock:
        host = _idle.pop() if _idle else None
    if host is None or host.process.poll() is not None:
        host = Host()
    reply = None
    try:
        reply = host.call(parcel, wanted)
    finally:
        if reply is None:
            time.sleep(0.05)  # until it can be told how it ended by itself
            how = host.end()
        else:
            with _lock:
                _idle.append(host)
    died: Reply = Died(how if reply is None else "")
    return pickle.dumps(died) if reply is None else reply
