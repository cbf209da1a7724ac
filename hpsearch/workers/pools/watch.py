"""Ends workers whose call takes too long or too much memory. May import the standard library.

They are killed from outside, so that it does not matter what the call does: whether it waits for something, ignores
signals, or never lets another thread of its process run.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from hpsearch.platform import KILL
from hpsearch.workers.pools.pool import LimitReached, Limits

_POLL_SECONDS = 0.05
_COUNTED = ("RssAnon", "VmSwap")
"""What is a process's own in /proc/PID/status; files that are mapped into memory, as the data, are not."""


@dataclass(eq=False)
class Watched:
    """A call under watch, in process `pid` since the moment `since`; both None until its worker has started."""

    limits: Limits
    fresh: bool
    pid: int | None = None
    since: float | None = None
    reached: LimitReached | None = None


class Watch:
    """A thread that checks the running calls' time and memory."""

    def __init__(self) -> None:
        self._calls: set[Watched] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def over(self, ready: "Future[int]", limits: Limits, *, fresh: bool) -> Watched:
        """Watch the call that a worker begins when it is `ready`, which gives its process."""
        watched = Watched(limits, fresh)
        ready.add_done_callback(lambda done: self._begin(watched, done))
        return watched

    def _begin(self, watched: Watched, ready: "Future[int]") -> None:
        if ready.cancelled() or ready.exception():
            return  # the call ends in the same way
        with self._changed:
            watched.pid, watched.since = ready.result(), time.monotonic()
            self._calls.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hpsearch-limits", daemon=True)
                self._thread.start()
            self._changed.notify()

    def leave(self, watched: Watched) -> LimitReached | None:
        """The call has ended; return the limit that it was ended by, if any."""
        with self._changed:
            self._calls.discard(watched)
            return watched.reached

    def close(self) -> None:
        """End no worker from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls or self._closed)
                if self._closed:
                    return
                for watched in list(self._calls):
                    if key := _beyond(watched):  # under the lock: its worker has no other call yet
                        self._calls.discard(watched)
                        watched.reached = LimitReached(key, fresh=watched.fresh)
                        assert watched.pid is not None
                        kill(watched.pid)
            time.sleep(_POLL_SECONDS)


def _beyond(watched: Watched) -> str | None:
    """Which limit a call has reached; None if none."""
    limits = watched.limits
    elapsed = 0.0 if watched.since is None else time.monotonic() - watched.since
    if limits.seconds is not None and elapsed >= limits.seconds:
        return "minutes"
    if limits.memory is not None and watched.pid is not None and memory_of(watched.pid) > limits.memory:
        return "memory"
    return None


def memory_of(pid: int) -> int:
    """The bytes that a process and its descendants use beyond what they share with others; 0 where it is not known."""
    return sum(_own_memory(process) for process in _tree(pid))


def _own_memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended, or this is not Linux
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(_COUNTED))


def _tree(pid: int) -> Iterator[int]:
    """A process and, on Linux, its descendants."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in list(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield from _tree(int(child))


def kill(pid: int) -> None:
    """Kill a process and, on Linux, its descendants."""
    for process in list(_tree(pid)):  # those first found are the first to end: they would see the others die
        with contextlib.suppress(OSError):
            os.kill(process, KILL)
