"""The one database of many studies, opened to write or to read. May import SQLAlchemy, Optuna, `hpsearch.errors`."""

import contextlib
import shlex
from collections.abc import Callable, Iterator

import sqlalchemy
from sqlalchemy import select

from hpsearch.errors import DamagedError, StorageError
from hpsearch.storage import reading, schema
from hpsearch.storage.places import Place, place_of
from hpsearch.storage.records import StudyRow


class NoTablesError(StorageError):
    """A database that has none of our tables: someone else's, or one that no study was launched into."""


class Database:
    """A database that this process may write: our tables and Optuna's, changed together.

    Inside `transaction()` Optuna's storage works on the same connection as we do, so that either all of a result is
    in the database or nothing.
    """

    def __init__(self, url: str, *, create: bool) -> None:
        """Open it, making it and the tables with `create`. Raises StorageError in one line."""
        from optuna.exceptions import StorageInternalError

        self.place = place_of(url)
        if create:
            self.place.make()
        else:
            open_to_read(url).dispose()
        self.place.require_writable()
        opened = False
        try:
            with self.place.schema_lock():
                opened = True  # from now on tables may have been made
                self.optuna = self.place.open_writer()
                self.engine = self.optuna.engine
                try:
                    _make_tables(self.place, self.engine)
                    self._opened = self.place.begin_writing(self.engine)
                except BaseException:
                    self.close()
                    raise
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, RuntimeError) as error:
            raise self.place.explain(error, opened=opened) from error
        self.fence: Callable[[sqlalchemy.Connection], None] | None = None
        """Called first in every transaction; what it raises keeps the transaction from happening."""
        self.faulted = False
        """Has a transaction failed because of the file? Then closing need not wait for it again."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """Commit what is done inside, ours and Optuna's, as one; on an error nothing of it is left."""
        from optuna.exceptions import StorageInternalError

        try:
            with self.engine.begin() as connection:
                self._bind_optuna(connection)
                try:
                    if self.fence:
                        self.fence(connection)
                    yield connection
                    self.place.check(self._opened)
                finally:
                    self._bind_optuna(self.engine)
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError) as error:
            self.faulted = True
            raise self.place.explain(error, opened=True) from error

    def _bind_optuna(self, to: sqlalchemy.Connection | sqlalchemy.Engine) -> None:
        sessions = self.optuna.scoped_session
        try:
            sessions.remove()
        finally:  # a session whose connection was lost may not even be closed; the next one must not be the same
            sessions.registry.clear()
            sessions.configure(bind=to, join_transaction_mode="create_savepoint")

    def close(self) -> None:
        """Close all connections; SQLite then folds its log into the file."""
        self.optuna.scoped_session.remove()
        self.engine.dispose()


def _make_tables(place: Place, engine: sqlalchemy.Engine) -> None:
    with engine.connect() as connection:
        _check_version(place, connection)  # before anything is changed
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        if connection.execute(select(schema.versions.c.version)).scalar() is None:
            connection.execute(schema.versions.insert().values(version=schema.SCHEMA_VERSION))


def found_version(place: Place, connection: sqlalchemy.Connection) -> int | None:
    """The version of our tables, None where there are none. Raises DamagedError where a view has a table's name."""
    found = sqlalchemy.inspect(connection)
    if views := sorted({*found.get_view_names()} & {*schema.metadata.tables}):  # it may have rows without end
        rule = f"{views[0]} must be a table, but is a view"
        raise DamagedError(f"{place.shown}: {rule}; restore a copy of the database, or name another")
    if not found.has_table(schema.versions.name):
        return None
    try:
        return connection.execute(select(schema.versions.c.version)).scalar()
    except DamagedError as error:
        raise DamagedError(f"{place.shown}: {error}; restore a copy of the database") from error


def _check_version(place: Place, connection: sqlalchemy.Connection) -> bool:
    """Tell whether our tables are there. Raises StorageError if another version of us made them."""
    found = found_version(place, connection)
    if found is None or found == schema.SCHEMA_VERSION:
        return found is not None
    refuse_unknown(place, found)
    rule = f"was written by an older hpsearch ({_versions(found)})"
    raise StorageError(f"{place.shown}: the database {rule}; upgrade it with `{upgrade_command(place)}`")


def refuse_unknown(place: Place, found: int) -> None:
    """Raise StorageError for a version of our tables that is newer than this one or older than can be upgraded."""
    if found > schema.SCHEMA_VERSION:
        rule = f"was written by a newer hpsearch ({_versions(found)}); use that hpsearch or another --storage"
    elif found < schema.OLDEST_VERSION:
        rule = (
            f"was written by an older hpsearch, and version {schema.OLDEST_VERSION} of its tables is the oldest that "
            f"can be upgraded, got {found}; use the hpsearch that wrote it or another --storage"
        )
    else:
        return
    raise StorageError(f"{place.shown}: the database {rule}")


def _versions(found: int) -> str:
    return f"version {found} of its tables, this one has {schema.SCHEMA_VERSION}"


def upgrade_command(place: Place) -> str:
    """The command that upgrades a database, to be pasted into a shell."""
    return shlex.join(["hpsearch", "upgrade", "--storage", place.shown])


def look_up(url: str, name: str) -> StudyRow | None:
    """The study of that name, or None, also where there is no database yet; changes nothing. Raises StorageError."""
    place = place_of(url)
    if not place.exists():
        return None
    engine = place.reader_engine()
    try:
        with engine.connect() as connection:
            return reading.find_study(connection, name) if _check_version(place, connection) else None
    except sqlalchemy.exc.DatabaseError as error:
        raise place.explain(error) from error
    finally:
        engine.dispose()


@contextlib.contextmanager
def snapshot(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    """Open one read transaction, so that a study that is being written is seen as of one moment."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's sqlite3 begins no transaction before a SELECT, so each would see a moment of its own.
            if not getattr(connection.connection.dbapi_connection, "in_transaction", False):
                connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextlib.contextmanager
def opened_to_read(url: str) -> Iterator[sqlalchemy.Connection]:
    """A `snapshot` of the database that a URL names; nothing of it stays open. Raises StorageError."""
    engine = open_to_read(url)
    try:
        with snapshot(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def open_to_read(url: str) -> sqlalchemy.Engine:
    """Return an engine that cannot write, over an existing database with our tables. Raises StorageError."""
    place = place_of(url)
    engine = place.reader_engine()
    try:
        with engine.connect() as connection:
            ours = _check_version(place, connection)
        if not ours:
            raise NoTablesError(f"{place.shown}: the database holds no hpsearch studies")
    except BaseException as error:
        engine.dispose()
        if isinstance(error, sqlalchemy.exc.DatabaseError):
            raise place.explain(error) from error
        raise
    engine.update_execution_options(hpsearch_storage=url)  # by which `claims.state_of` finds the locks
    return engine
