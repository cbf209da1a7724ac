"""A database in a SQLite file, as a place: its directory, its permissions, its locks. May import SQLAlchemy, Optuna."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy

from hpsearch.errors import HpsearchError, StorageError
from hpsearch.platform import HAS_FCNTL
from hpsearch.storage import DEFAULT_URL
from hpsearch.storage.sqlite import connection

if HAS_FCNTL:
    from hpsearch.storage.sqlite.locks import StudyLock, clock, is_held, schema_lock
else:
    from hpsearch.storage.sqlite.locks_without_fcntl import (  # type: ignore[assignment]
        StudyLock,
        clock,
        is_held,
        schema_lock,
    )

if TYPE_CHECKING:
    from hpsearch.storage.mirror.rdb import RDBStorage


@dataclass(frozen=True)
class File:
    """A SQLite file; see `Place` for what its methods promise."""

    path: Path

    @classmethod
    def of(cls, url: str) -> "File":
        """The file that a URL names. Raises StorageError where it names none."""
        return cls(connection.path_of(url))

    @property
    def shown(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def lock_decides(self) -> bool:
        return False  # many network file systems keep locks to each machine

    def now(self) -> datetime:
        return datetime.fromtimestamp(clock(self.path), UTC)

    def exists(self) -> bool:
        return self.path.exists()

    def make(self) -> None:
        parent = self.path.parent
        if self.path == connection.path_of(DEFAULT_URL):
            try:
                parent.mkdir(exist_ok=True)
            except OSError as error:
                raise connection.not_made(error, parent, "the directory cannot be made") from error
        if not parent.is_dir():
            raise StorageError(f"{parent}: no such directory; make it, or name another with --storage")
        connection.require_room(self.path)
        if not _may_write(parent):
            raise StorageError(f"{parent}: the directory cannot be written; check its permissions")

    def require_writable(self) -> None:
        if self.path.exists() and not _may_write(self.path):  # SQLite says so with the first change only
            raise StorageError(f"{self.path}: the database cannot be written; check its permissions")

    def open_writer(self) -> "RDBStorage":
        from hpsearch.storage.mirror.rdb import RDBStorage, make_tables

        if not self.path.exists():
            make_tables(connection.writer_options(self.path))
        return RDBStorage("sqlite://", engine_kwargs=connection.writer_options(self.path))

    def begin_writing(self, engine: sqlalchemy.Engine) -> tuple[tuple[int, int], bool]:
        connection.begin_at_once(engine)
        return connection.identity(self.path), connection.log_of(self.path).exists()

    def check(self, opened: Any) -> None:
        """What is committed to a file that is no longer at its place would be lost, and so would what is in its log."""
        identity, has_log = opened
        try:
            same = connection.identity(self.path) == identity
        except OSError:
            same = False
        if not same:
            raise connection.moved(self.path)
        if has_log and not connection.log_of(self.path).exists():
            raise connection.log_deleted(self.path)

    def back_up(self, version: int) -> str:
        copy = self.path.with_name(f"{self.path.name}.v{version}-backup")
        connection.copy(self.path, copy)
        return str(copy)

    def reader_engine(self) -> sqlalchemy.Engine:
        return connection.reader_engine(self.path)

    def dashboard_storage(self) -> "RDBStorage":
        from hpsearch.storage.mirror.rdb import RDBStorage

        return RDBStorage("sqlite://", engine_kwargs=connection.dashboard_options(self.path))

    def explain(self, error: BaseException, *, opened: bool = False) -> HpsearchError:
        return connection.explain(error, self.path)

    def schema_lock(self) -> AbstractContextManager[None]:
        return schema_lock(self.path)

    def lock_study(self, study_id: int, name: str) -> StudyLock:
        return StudyLock(self.path, study_id, name)

    def is_held(self, study_id: int) -> bool:
        return is_held(self.path, study_id)


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
