"""One coordinator of a machine at a time: byte locks in a file beside the database, freed when their holder dies.

May import `hpsearch.errors`. Between machines `claims` decides.
"""

import contextlib
import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from hpsearch.errors import StudyBusyError
from hpsearch.storage.sqlite import connection

SCHEMA = 0
"""The byte that guards making the tables; study n has byte n (ids begin at 1)."""

_FLOCK = "hhqqi4x"  # struct flock on 64-bit Linux and macOS differ; see `_holder`


class _File:
    """A lock file that this process has open: its one handle, and the studies whose bytes are locked by it.

    A lock is the process's, not the handle's, and closing any handle frees all: so there is one, and what it has locked
    is written down for the other threads.
    """

    def __init__(self, handle: int) -> None:
        self.handle, self.users, self.studies = handle, 0, set[int]()


_files: dict[tuple[int, int], _File] = {}
"""By device and inode."""
_guard = threading.Lock()
_making = threading.Lock()


def _beside(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def _known(lock: Path) -> _File | None:
    try:
        status = os.stat(lock)
    except OSError:
        return None
    return _files.get((status.st_dev, status.st_ino))


def _use(database: Path) -> _File:
    """The lock file, opened if nobody here uses it; `_leave` follows. Both under `_guard`."""
    lock = _beside(database)
    file = _known(lock)
    if file is None:
        try:
            file = _File(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
        except OSError as error:
            raise connection.not_made(error, lock, "cannot be written") from error
        status = os.fstat(file.handle)
        _files[status.st_dev, status.st_ino] = file
    file.users += 1
    return file


def _leave(file: _File) -> None:
    file.users -= 1
    if not file.users:
        status = os.fstat(file.handle)
        del _files[status.st_dev, status.st_ino]
        os.close(file.handle)


@contextlib.contextmanager
def schema_lock(database: Path) -> Iterator[None]:
    """Wait for and hold the right to make the tables."""
    with _making:
        with _guard:
            file = _use(database)
        try:
            fcntl.lockf(file.handle, fcntl.LOCK_EX, 1, SCHEMA)
            yield
        finally:
            with _guard:
                fcntl.lockf(file.handle, fcntl.LOCK_UN, 1, SCHEMA)
                _leave(file)


class StudyLock:
    """Held by the one coordinator that runs a study; whoever holds it knows that no other is alive."""

    def __init__(self, database: Path, study_id: int, name: str) -> None:
        """Raises StudyBusyError, with the holder's process id where the system knows it."""
        self._study_id = study_id
        with _guard:
            self._file = _use(database)
            try:
                if study_id in self._file.studies:
                    raise StudyBusyError(f"study {name!r} is being run by this process already; wait for it")
                fcntl.lockf(self._file.handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, study_id)
            except OSError as error:
                holder = _holder(self._file.handle, study_id)
                _leave(self._file)
                raise StudyBusyError(f"study {name!r} is being run by another process{holder}; wait for it") from error
            except StudyBusyError:
                _leave(self._file)
                raise
            self._file.studies.add(study_id)

    def renew(self) -> None:
        """The system takes it from nobody who lives."""

    def close(self) -> None:
        with _guard:
            if self._study_id in self._file.studies:
                self._file.studies.remove(self._study_id)
                fcntl.lockf(self._file.handle, fcntl.LOCK_UN, 1, self._study_id)
                _leave(self._file)


def is_held(database: Path, study_id: int) -> bool:
    """Tell whether somebody runs the study; changes nothing, and needs no right to write."""
    with _guard:
        lock = _beside(database)
        if file := _known(lock):
            return study_id in file.studies or _holder(file.handle, study_id) != ""
        try:
            handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # no lock was ever made here, as beside a copied database
            return False
        try:
            return _holder(handle, study_id) != ""
        finally:
            os.close(handle)


def clock(database: Path) -> float:
    """Seconds since 1970 by the clock of the file system, which is one for all machines that share it.

    The machines' own clocks may differ. Our own counts where the lock file is missing or may not be written.
    """
    lock = _beside(database)
    try:
        os.utime(lock)  # not by a handle: closing one would free all locks of this process
        return lock.stat().st_mtime
    except OSError:
        return time.time()


def _holder(handle: int, byte: int) -> str:
    try:
        query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, query))[4]
    except (OSError, struct.error):  # another layout of struct flock: the refusal stands, without the number
        return ""
    return f" (process {pid} on {socket.gethostname()})" if pid > 0 else ""
