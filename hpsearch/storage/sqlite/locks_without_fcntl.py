"""The locks of `locks.py` where the system has no `fcntl`, as on Windows: transactions that are held open.

May import `hpsearch.errors`. Each lock is an empty SQLite database beside the study's. SQLite locks a file on every
system it runs on, and the system frees the lock when its holder dies.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from hpsearch.errors import StudyBusyError
from hpsearch.storage.sqlite import connection

SCHEMA = 0
"""The number of the lock that guards making the tables; study n has number n (ids begin at 1)."""

_QUERY_SECONDS = 1.0
"""Whoever asks whether a lock is held has it for a moment: its taker waits for so long."""
_POLL_SECONDS = 0.2

_held: set[Path] = set()
"""What this process holds."""
_guard = threading.Lock()


def _beside(database: Path, number: int) -> Path:
    return database.with_name(f"{database.name}.lock-{number}").absolute()


def _taken(lock: Path, seconds: float) -> sqlite3.Connection | None:
    """Take a lock within so many seconds; None where somebody else has it."""
    made = None
    try:
        made = sqlite3.connect(lock, timeout=seconds, isolation_level=None, check_same_thread=False)
        made.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if made is not None:
            made.close()
        if _is_busy(error):
            return None
        raise connection.explain(error, lock) from error
    return made


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


@contextlib.contextmanager
def schema_lock(database: Path) -> Iterator[None]:
    """Wait for and hold the right to make the tables."""
    while (held := _taken(_beside(database, SCHEMA), _POLL_SECONDS)) is None:
        pass
    try:
        yield
    finally:
        held.close()


class StudyLock:
    """Held by the one coordinator that runs a study; whoever holds it knows that no other is alive."""

    def __init__(self, database: Path, study_id: int, name: str) -> None:
        """Raises StudyBusyError."""
        self._lock = _beside(database, study_id)
        with _guard:
            if self._lock in _held:
                raise StudyBusyError(f"study {name!r} is being run by this process already; wait for it")
            held = _taken(self._lock, _QUERY_SECONDS)
            if held is None:
                raise StudyBusyError(f"study {name!r} is being run by another process; wait for it")
            self._connection = held
            _held.add(self._lock)

    def renew(self) -> None:
        """The system takes it from nobody who lives."""

    def close(self) -> None:
        with _guard:
            _held.discard(self._lock)
            self._connection.close()


def is_held(database: Path, study_id: int) -> bool:
    """Tell whether somebody runs the study; changes nothing, and needs no right to write."""
    lock = _beside(database, study_id)
    if not lock.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(lock))}?mode=ro", uri=True, timeout=0)) as reader:
            reader.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        return _is_busy(error)
    return False


def clock(_: Path) -> float:
    """Seconds since 1970 by this machine's clock: the file's locks hold it, so that no time of its own can be asked."""
    return time.time()
