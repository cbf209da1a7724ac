"""The one database of many studies, opened to write or to read. May import SQLAlchemy, Optuna, `hpsearch.errors`."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from sqlalchemy import select

from hpsearch.errors import StorageError
from hpsearch.storage import DEFAULT_URL, reading, sqlite, tables
from hpsearch.storage.locks import schema_lock
from hpsearch.storage.records import StudyRow

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Database:
    """A database that this process may write: our tables and Optuna's in one file, changed together.

    Inside `transaction()` Optuna's storage works on the same connection as we do, so that either all of a result is
    in the file or nothing.
    """

    def __init__(self, url: str, *, create: bool) -> None:
        """Open the file, making it and the tables with `create`. Raises StorageError in one line."""
        self.path = sqlite.path_of(url)
        if create:
            _make_directory(self.path)
        else:
            open_to_read(url).dispose()
        if self.path.exists() and not _may_write(self.path):  # SQLite says so with the first change only
            raise StorageError(f"{self.path}: the database cannot be written; check its permissions")
        try:
            with schema_lock(self.path):
                self.optuna = RDBStorage("sqlite://", engine_kwargs=sqlite.writer_options(self.path))
                self.engine = self.optuna.engine
                _make_tables(self.engine)
                sqlite.begin_at_once(self.engine)
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
            raise sqlite.explain(error, self.path) from error
        self._identity = sqlite.identity(self.path)
        self.fence: Callable[[sqlalchemy.Connection], None] | None = None
        """Called first in every transaction; what it raises keeps the transaction from happening."""
        self.faulted = False
        """Has a transaction failed for what befell the file? Then whoever tidies up need not wait for it again."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """Commit what is done inside, ours and Optuna's, as one; on an error nothing of it is left."""
        try:
            with self.engine.begin() as connection:
                self.optuna.scoped_session.remove()
                self.optuna.scoped_session.configure(bind=connection, join_transaction_mode="create_savepoint")
                try:
                    if self.fence:
                        self.fence(connection)
                    yield connection
                    self._check_place()
                finally:
                    self.optuna.scoped_session.remove()
                    self.optuna.scoped_session.configure(bind=self.engine)
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            self.faulted = True
            raise sqlite.explain(error, self.path) from error

    def _check_place(self) -> None:
        """What is committed to a file that is no longer at its place would be lost."""
        try:
            same = sqlite.identity(self.path) == self._identity
        except OSError:
            same = False
        if not same:
            raise sqlite.moved(self.path)

    def close(self) -> None:
        """Close all connections; SQLite then folds its log into the file."""
        self.optuna.scoped_session.remove()
        self.engine.dispose()


def _make_directory(path: Path) -> None:
    if path == sqlite.path_of(DEFAULT_URL):
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise sqlite.not_made(error, path.parent, "the directory cannot be made") from error
    if not path.parent.is_dir():
        raise StorageError(f"{path.parent}: no such directory; make it, or name another with --storage")
    if path.is_dir():
        raise StorageError(f"{path}: --storage must name a file, got a directory")
    if not _may_write(path.parent):
        raise StorageError(f"{path.parent}: the directory cannot be written; check its permissions")


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _make_tables(engine: sqlalchemy.Engine) -> None:
    with engine.connect() as connection:
        _check_version(connection)  # before anything is changed
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        if connection.execute(select(tables.versions.c.version)).scalar() is None:
            connection.execute(tables.versions.insert().values(version=tables.SCHEMA_VERSION))


def _check_version(connection: sqlalchemy.Connection) -> bool:
    """Tell whether our tables are there. Raises StorageError if another version of us made them."""
    if not sqlalchemy.inspect(connection).has_table(tables.versions.name):
        return False
    found = connection.execute(select(tables.versions.c.version)).scalar()
    if found is not None and found != tables.SCHEMA_VERSION:
        newer = "a newer" if found > tables.SCHEMA_VERSION else "an older"
        raise StorageError(
            f"the database was written by {newer} hpsearch (version {found} of its tables, this one has "
            f"{tables.SCHEMA_VERSION}); use that hpsearch or another --storage"
        )
    return found is not None


def look_up(url: str, name: str) -> StudyRow | None:
    """The study of that name, or None, also where there is no database yet; changes nothing. Raises StorageError."""
    path = sqlite.path_of(url)
    if not path.exists():
        return None
    engine = sqlite.reader_engine(path)
    try:
        with engine.connect() as connection:
            return reading.find_study(connection, name) if _check_version(connection) else None
    except sqlalchemy.exc.DatabaseError as error:
        raise sqlite.explain(error, path) from error
    finally:
        engine.dispose()


def open_to_read(url: str) -> sqlalchemy.Engine:
    """Return an engine that cannot write, over an existing database with our tables. Raises StorageError."""
    path = sqlite.path_of(url)
    engine = sqlite.reader_engine(path)
    try:
        with engine.connect() as connection:
            ours = _check_version(connection)
    except sqlalchemy.exc.DatabaseError as error:
        raise sqlite.explain(error, path) from error
    if not ours:
        raise StorageError(f"{path}: the database holds no hpsearch studies")
    return engine
