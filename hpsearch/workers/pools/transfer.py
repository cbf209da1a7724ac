"""Sends prepared splits to machines that lack them, once per machine. May import the standard library."""

import hashlib
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from hpsearch.errors import DataError
from hpsearch.workers.pools.calls import Answer, Calls
from hpsearch.workers.pools.pool import WorkerLost
from hpsearch.workers.remote.messages import Chunk, Done, Missing, Raised, Refused

CHUNK_BYTES = 8 * 2**20
_AHEAD = 3
"""The most chunks that are sent at once."""


class CannotStore(Exception):  # noqa: N818
    """A machine cannot store the split; `str(error)` says why."""


class SplitSender:
    """Sends a split to a machine, however many of its workers lack it."""

    def __init__(self, calls: Calls, pack: "Callable[[Chunk], bytes]", notify: Callable[[str], None]) -> None:
        self._calls, self._pack, self._notify = calls, pack, notify
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str, Path], Future[None]] = {}
        self._senders = ThreadPoolExecutor(4, "hpsearch-supplier")

    def send(self, worker: str, missing: Missing, split: Path) -> "Future[None]":
        """Send the split to a worker's machine, unless it is under way. The future raises WorkerLost or CannotStore."""
        place = (missing.machine, missing.place, split)
        with self._lock:
            if place not in self._under_way:
                try:
                    sending = self._senders.submit(self._send, worker, missing.machine, split, place)
                except RuntimeError as error:  # closed meanwhile
                    sending = Future()
                    sending.set_exception(WorkerLost(str(error)))
                    return sending
                self._under_way[place] = sending
            return self._under_way[place]

    def _send(self, worker: str, machine: str, split: Path, place: tuple[str, str, Path]) -> None:
        try:
            size = sum(file.stat().st_size for file in split.iterdir())
            self._notify(f"sending the prepared split ({size / 1e6:,.1f} MB) to {machine}")
            pending: deque[Future[Answer]] = deque()
            for chunk in _chunks(split):
                while len(pending) >= (_AHEAD if not chunk.hashes else 1):
                    _confirm(pending.popleft())
                pending.append(self._calls.make(self._pack(chunk), [worker], urgent=True))
            while pending:
                _confirm(pending.popleft())
        finally:
            with self._lock:
                del self._under_way[place]

    def close(self) -> None:
        """Send nothing more; running transfers fail with their worker."""
        self._senders.shutdown(wait=False, cancel_futures=True)


def _chunks(split: Path) -> Iterator[Chunk]:
    """A split's files in parts, and at the end their hashes."""
    sender, hashes = uuid.uuid4().hex, []
    for path in sorted(split.iterdir()):
        found, offset = hashlib.sha256(), 0
        with path.open("rb") as file:
            while content := file.read(CHUNK_BYTES):
                found.update(content)
                yield Chunk(split.stem, sender, path.name, offset, content)
                offset += len(content)
        hashes.append((path.name, found.hexdigest()))
    yield Chunk(split.stem, sender, "", 0, b"", tuple(hashes))


def _confirm(future: "Future[Answer]") -> None:
    _, reply = future.result()
    if isinstance(reply, Raised) and isinstance(reply.error, DataError):
        raise CannotStore(str(reply.error))
    if isinstance(reply, Refused):
        raise CannotStore(reply.why)
    if not isinstance(reply, Done):
        raise WorkerLost(f"the split did not arrive ({reply})")
