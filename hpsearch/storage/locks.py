"""One process of a machine at a time: byte locks in a file beside the database, freed when their holder dies.

May import `hpsearch.errors`. Between machines `claims` decides.
"""

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from hpsearch.errors import StudyBusyError
from hpsearch.storage import sqlite

SCHEMA = 0
"""The byte that guards making the tables; study n has byte n (ids begin at 1)."""

_FLOCK = "hhqqi4x"  # struct flock on 64-bit Linux and macOS differ; see `_holder`


def _open(database: Path) -> int:
    lock = database.with_name(database.name + ".lock")
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise sqlite.not_made(error, lock, "cannot be written") from error


@contextlib.contextmanager
def schema_lock(database: Path) -> Iterator[None]:
    """Wait for and hold the right to make the tables."""
    handle = _open(database)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX, 1, SCHEMA)
        yield
    finally:
        os.close(handle)


class StudyLock:
    """Held by the one process that runs a study; whoever holds it knows that no other coordinator is alive.

    The system frees it when this process closes any handle of the file, so nothing may call `is_held` or `schema_lock`
    while it is held.
    """

    def __init__(self, database: Path, study_id: int, name: str) -> None:
        """Raises StudyBusyError, with the holder's process id where the system tells it."""
        self._handle = _open(database)
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, study_id)
        except OSError as error:
            holder = _holder(self._handle, study_id)
            os.close(self._handle)
            raise StudyBusyError(f"study {name!r} is being run by another process{holder}; wait for it") from error

    def renew(self) -> None:
        """The system takes it from nobody who lives."""

    def close(self) -> None:
        os.close(self._handle)


def is_held(database: Path, study_id: int) -> bool:
    """Tell whether another process runs the study; changes nothing, and needs no right to write."""
    try:
        handle = os.open(database.with_name(database.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no lock was ever made here, as beside a copied database
        return False
    try:
        return _holder(handle, study_id) != ""
    finally:
        os.close(handle)


def _holder(handle: int, byte: int) -> str:
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))[4]
    except (OSError, struct.error):  # another layout of struct flock: the refusal stands, without the number
        return ""
    return f" (process {pid} on {socket.gethostname()})" if pid > 0 else ""
