"""SQLite connections that lose nothing, and engines over them. May import SQLAlchemy and `hpsearch.errors`."""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import event

from hpsearch.errors import DamagedError, HpsearchError, StorageError, StorageFault

TIMEOUT = 60.0
"""Seconds to wait while another program writes."""


class ClosingConnection(sqlite3.Connection):
    """A connection that is closed when nobody has it any more.

    Python did so by itself, and since 3.13 warns. SQLAlchemy and Optuna keep nobody from dropping an engine that has
    connections in its pool, and drop their own where opening fails.
    """

    def __del__(self) -> None:
        with suppress(sqlite3.Error):  # it was never opened
            self.close()


class WriterConnection(ClosingConnection):
    """A connection in WAL mode that acknowledges a commit only once it is on the disk.

    The pragmas are set here because engine listeners do not survive pickling (which Optuna does with its storages).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.isolation_level = None  # transactions begin where we say so: see `_begin_at_once`
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.execute(f"PRAGMA {pragma}")


def path_of(url: str) -> Path:
    """Return the file that a storage URL names. Raises StorageError where it names no SQLite file."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        hint = f"; did you mean '{prefix}{url}'?" if "://" not in url else ""
        raise StorageError(f"--storage must begin with '{prefix}', got {url!r}{hint}")
    if len(url) == len(prefix) or "\0" in url:
        raise StorageError(f"--storage must name a file after '{prefix}', got {url!r}")
    path = Path(url.removeprefix(prefix))
    try:
        path = path.expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, or ~nobody-of-that-name
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"--storage must name a file that can be made, got {url[:80]!r} ({reason})") from error
    return path


def _connector(path: Path, mode: str, factory: type[sqlite3.Connection]) -> Callable[[], sqlite3.Connection]:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return lambda: sqlite3.connect(uri, uri=True, timeout=TIMEOUT, factory=factory, check_same_thread=False)


def _begin_at_once(connection: sqlalchemy.Connection) -> None:
    """Take the write lock when the transaction begins: taken later, it could meet another writer's, and fail."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def writer_options(path: Path) -> dict[str, Any]:
    """Options of `sqlalchemy.create_engine` for the one writer; the file is made if it is not there."""
    return {"creator": _connector(path, "rwc", WriterConnection), "poolclass": sqlalchemy.QueuePool}


def begin_at_once(engine: sqlalchemy.Engine) -> None:
    """Make every transaction of this engine take the write lock at its beginning."""
    event.listen(engine, "begin", _begin_at_once)


def reader_engine(path: Path) -> sqlalchemy.Engine:
    """Return an engine that cannot write. Raises StorageError if there is no database or it cannot be read."""
    require(path)
    try:
        return _opened(path, "ro")
    except (sqlalchemy.exc.DatabaseError, UnicodeDecodeError) as error:
        if _kind(error) not in (*_NOT_ALLOWED, *_FULL):
            raise explain(error, path) from error
    # In a read-only directory, or on a full disk, SQLite cannot make what readers share with a writer. It can read the
    # file alone, which is all that there is unless a writer was killed or is at work.
    log = log_of(path)
    if log.exists() and log.stat().st_size:
        rule = (
            f"its newest results are in {log.name}, and to read them needs a directory that can be written, with room"
        )
        raise StorageError(f"{path}: the database cannot be opened for reading: {rule}")
    try:
        return _opened(path, "ro&immutable=1")
    except sqlalchemy.exc.DatabaseError as error:
        if _kind(error) in _NOT_ALLOWED:
            rule = "the database cannot be opened for reading; check its permissions"
            raise StorageError(f"{path}: {rule}") from error
        raise explain(error, path) from error


def _opened(path: Path, mode: str) -> sqlalchemy.Engine:
    engine = sqlalchemy.create_engine(
        "sqlite://", creator=_connector(path, mode, ClosingConnection), poolclass=sqlalchemy.QueuePool
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except BaseException:
        engine.dispose()
        raise
    _explain_faults(engine, path)
    return engine


def copy(path: Path, to: Path) -> None:
    """Copy a database, in use or not, to a file that exists only once it is complete, and on the disk."""
    partial = to.with_name(f"{to.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with closing(_connector(path, "ro", sqlite3.Connection)()) as source, closing(sqlite3.connect(partial)) as made:
            source.backup(made)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(to)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise not_made(error, partial, "the copy cannot be written") from error
        raise explain(error, partial) from error


def _explain_faults(engine: sqlalchemy.Engine, path: Path) -> None:
    """Turn this engine's errors about the file, not those about a statement, into one line each."""

    @event.listens_for(engine, "handle_error")
    def _explain(context: sqlalchemy.engine.ExceptionContext) -> None:
        if _kind(context.original_exception) in (*_DAMAGED, *_LOCKED, *_FULL) or _is_no_text(
            context.original_exception
        ):
            raise explain(context.original_exception, path) from context.original_exception


def require(path: Path) -> None:
    """Raise StorageError unless there is a file at `path`."""
    if not path.is_file():
        raise StorageError(f"{path}: the database {_what_is_there(path)}")


def require_room(path: Path) -> None:
    """Raise StorageError where no file can be made at `path`, since there is another thing or a link to nowhere."""
    real = os.path.realpath(path)  # of links in a circle one of them
    nowhere = path.is_symlink() and (os.path.islink(real) or not os.path.isdir(os.path.dirname(real)))
    if nowhere or (path.exists() and not path.is_file()):
        raise StorageError(f"{path}: the database {_what_is_there(path)}")


def _what_is_there(path: Path) -> str:
    """Say what is at `path` in place of a file, and what to do."""
    if path.exists():
        what = "a directory" if path.is_dir() else "a device, a pipe or a socket"
        return f"is {what}, not a file; name another with --storage"
    if path.is_symlink():
        return f"is a link to {os.readlink(path)}, where no file is; name another with --storage"
    return "does not exist; `hpsearch launch` makes one, --storage names another"


_NOT_ALLOWED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def explain(error: BaseException, path: Path) -> HpsearchError:
    """Say in one line what SQLite reported: a StorageFault where the database itself is valid."""
    cause = _cause(error)
    text, kind = str(cause), _kind(error)
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED:
        return moved(path)
    if isinstance(cause, UnicodeDecodeError):  # of what SQLite itself says of a malformed schema
        kind, text = sqlite3.SQLITE_CORRUPT, "text that is not UTF-8 in its schema"
    if kind in _DAMAGED:
        return DamagedError(f"{path}: not a database, or a damaged one ({text}); restore a copy or name another")
    if kind in _NOT_ALLOWED:
        return StorageError(f"{path}: the database cannot be written ({text}); check the permissions")
    if kind in _LOCKED:
        return StorageFault(f"{path}: another program has locked the database for {TIMEOUT:.0f} s; end it and resume")
    if kind in _FULL:
        return StorageFault(f"{path}: the disk is full or failing ({text}); make room and resume")
    if _is_no_text(cause):
        return DamagedError(
            f"{path}: {text.partition(' with text')[0].replace('Could not decode to UTF-8', 'no UTF-8 in')}"
        )
    return StorageError(f"{path}: {text}")


def _is_no_text(error: BaseException) -> bool:
    """So Python's sqlite3 reports text that is not UTF-8, as an error without a code."""
    return isinstance(error, UnicodeDecodeError) or (
        isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode to UTF-8")
    )


def _cause(error: BaseException) -> BaseException:
    """What SQLite itself raised, inside what SQLAlchemy and Optuna made of it."""
    while not isinstance(error, sqlite3.Error):
        inner = getattr(error, "orig", None) or error.__cause__
        if inner is None:
            break
        error = inner
    return error


def _kind(error: BaseException) -> int:
    """SQLite's code for what went wrong, without the higher bits, which say more."""
    return int(getattr(_cause(error), "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def moved(path: Path) -> StorageFault:
    """A WAL database that was moved or deleted while open would go on acknowledging into nothing."""
    return StorageFault(
        f"{path}: the database was moved, replaced or deleted while it was in use; put it back and resume"
    )


def log_of(path: Path) -> Path:
    """The file that has the newest commits, until SQLite folds them into the database."""
    return path.with_name(f"{path.name}-wal")


def log_deleted(path: Path) -> StorageFault:
    """What is committed to a deleted log is lost, unless the last connection can fold it into the database."""
    return StorageFault(f"{log_of(path)}: was deleted while the database was in use; leave it alone, and resume")


def not_made(error: OSError, path: Path, rule: str) -> HpsearchError:
    """Say in one line why a file or a directory beside the database could not be made."""
    if error.errno in _NO_ROOM:
        return StorageFault(f"{path}: the disk is full or failing ({error.strerror}); make room and try again")
    return StorageError(f"{path}: {rule} ({error.strerror}); check the permissions")


def identity(path: Path) -> tuple[int, int]:
    """Device and inode: what a moved or replaced file does not share with the one that was opened."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def dashboard_options(path: Path) -> dict[str, Any]:
    """Options of `sqlalchemy.create_engine` for optuna-dashboard, which writes notes while a study may be running."""
    return {"creator": _connector(path, "rw", ClosingConnection), "poolclass": sqlalchemy.QueuePool}
