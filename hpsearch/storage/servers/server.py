"""A database on a server, as a place: connecting, its locks, and what goes wrong in one line each.

May import SQLAlchemy and Optuna; the drivers are imported by SQLAlchemy, and only where a URL asks for them.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import event

from hpsearch.errors import HpsearchError, StorageError, StorageFault, raised
from hpsearch.storage import schema
from hpsearch.storage.masking import shown
from hpsearch.storage.servers.kind import Kind, Trouble
from hpsearch.storage.servers.locks import SCHEMA, ServerLock, end, hold
from hpsearch.storage.servers.mysql import MYSQL
from hpsearch.storage.servers.postgresql import POSTGRESQL

if TYPE_CHECKING:
    from hpsearch.storage.mirror.rdb import RDBStorage

logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it prints a traceback of a lost connection

KINDS: dict[str, Kind] = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL}
"""The kind of server for each scheme of a URL."""

_WORDS = 300
"""So many characters of what a server said are shown."""


@dataclass(frozen=True)
class Server:
    """A database on a PostgreSQL, MySQL or MariaDB server; see `Place` for what its methods promise."""

    url: sqlalchemy.URL
    kind: Kind
    scheme: str
    """Of the URL as it was given."""

    @classmethod
    def of(cls, url: str) -> "Server":
        """The database that a URL names. Raises StorageError, without the password, where it names none."""
        scheme = url.partition("://")[0]
        name, _, driver = scheme.partition("+")
        kind = KINDS[name]
        if driver and driver != kind.driver:
            rule = f"must begin with '{name}://' or '{name}+{kind.driver}://'"
            raise StorageError(f"--storage {rule}, got {shown(url)!r}")
        try:
            parsed = sqlalchemy.make_url(url).set(drivername=f"{kind.name}+{kind.driver}")
            port = parsed.port or 1
        except (sqlalchemy.exc.ArgumentError, ValueError) as error:
            rule = f"must be {name}://USER:PASSWORD@HOST:PORT/DATABASE"
            hint = "@ : / ? # % in a password are written %40 %3A %2F %3F %23 %25"
            raise StorageError(f"--storage {rule}, got {shown(url)!r}; {hint}") from error
        if "@" in (parsed.host or ""):
            raise StorageError(f"--storage: an @ in the password must be written %40, got {shown(url)!r}")
        if not parsed.database or "\0" in url or not 0 < port < 65536:
            what = "name a database after the host" if not parsed.database else "have a port from 1 to 65535"
            raise StorageError(f"--storage must {what}, got {shown(url)!r}")
        if parsed.password == "***":
            rule = "*** stands for the password in what hpsearch shows"
            raise StorageError(f"--storage: {rule}, got {shown(url)!r}; {kind.password_hint}")
        return cls(kind.completed(parsed), kind, name)

    @property
    def shown(self) -> str:
        return shown(self.url.set(drivername=self.scheme).render_as_string(hide_password=False))

    @property
    def lock_decides(self) -> bool:
        return True  # it is the server's

    def now(self) -> datetime:
        return datetime.now(UTC)  # it decides nothing: the lock does

    def exists(self) -> bool:
        return True  # whether it does is seen by connecting

    def make(self) -> None:
        """Nothing: making databases on a server is its owner's business."""

    def require_writable(self) -> None:
        """Nothing: the server reports it with the first write."""

    def open_writer(self) -> "RDBStorage":
        from hpsearch.storage.mirror.rdb import RDBStorage

        engine = self._engine(read_only=False)
        try:
            with engine.connect() as connection:  # what is wrong with it is reported before anything is made
                self._refuse_strangers(connection)
            self.kind.make_tables(engine)
        finally:
            engine.dispose()
        return RDBStorage(f"{self.kind.name}+{self.kind.driver}://", engine_kwargs=self._options(read_only=False))

    dashboard_storage = open_writer

    def _refuse_strangers(self, connection: sqlalchemy.Connection) -> None:
        """Raise StorageError if a table of a name that we need is another program's; ours may be half made."""
        found = sqlalchemy.inspect(connection)
        if found.has_table(schema.versions.name):
            return
        from optuna.storages._rdb import models

        there = set(found.get_table_names())
        for table in (*models.BaseModel.metadata.sorted_tables, *schema.metadata.sorted_tables):
            if table.name in there and not {c["name"] for c in found.get_columns(table.name)} >= set(table.c.keys()):
                rule = f"the database has a table {table.name!r} of another program"
                raise StorageError(f"{self.shown}: {rule}; make a database for hpsearch alone, and name that")

    def begin_writing(self, engine: sqlalchemy.Engine) -> None:
        """Nothing: transactions are the server's."""

    def check(self, opened: Any) -> None:
        """Nothing: a server that is gone does not acknowledge."""

    def back_up(self, version: int) -> None:
        """Nothing: copies are the server's owner's business."""

    def reader_engine(self) -> sqlalchemy.Engine:
        engine = self._engine(read_only=True, poolclass=sqlalchemy.NullPool)

        @event.listens_for(engine, "handle_error")
        def _explain(context: sqlalchemy.engine.ExceptionContext) -> None:
            error = context.original_exception
            if self.kind.trouble(self._cause(error)) is not None:
                raise self.explain(error, opened=context.connection is not None) from error

        return engine

    def connect_alone(self) -> sqlalchemy.Connection:
        """A connection outside any pool and any transaction, for a lock; closing it ends it."""
        engine = self._engine(read_only=False, poolclass=sqlalchemy.NullPool)
        return engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def explain(self, error: BaseException, *, opened: bool = False) -> HpsearchError:
        cause = self._cause(error)
        text = " ".join(str(cause.args[-1] if cause.args else cause).split())[:_WORDS]
        if self.url.password and len(self.url.password) > 3:  # servers do not repeat it; if one did, we would not
            text = text.replace(self.url.password, "***")
        match self.kind.trouble(cause):
            case Trouble.CONNECTION if opened:
                then = "what is committed stands: resume when the server is back"
                return StorageFault(f"{self.shown}: the connection to the server was lost ({text}); {then}")
            case Trouble.CONNECTION:
                hint = "is it running, are host and port right?"
                return StorageError(f"{self.shown}: the server cannot be reached ({text}); {hint}")
            case Trouble.CREDENTIALS:
                rule = f"the server refuses the user or the password ({text})"
                return StorageError(f"{self.shown}: {rule}; {self.kind.password_hint}")
            case Trouble.NO_DATABASE:
                hint = f"make it with `CREATE DATABASE {self.url.database}`, or name another"
                return StorageError(f"{self.shown}: the database does not exist ({text}); {hint}")
            case Trouble.NOT_ALLOWED:
                rule = f"the database cannot be written ({text})"
                return StorageError(f"{self.shown}: {rule}; ask its owner for the rights")
            case Trouble.LOCKED:
                rule = f"another program has locked the database ({text})"
                return StorageFault(f"{self.shown}: {rule}; end it and resume")
            case Trouble.FULL:
                rule = f"the server's disk is full or failing ({text})"
                return StorageFault(f"{self.shown}: {rule}; make room and resume")
            case Trouble.TOO_BIG:
                return StorageFault(f"{self.shown}: {text}; raise the server's max_allowed_packet and resume")
        return StorageError(f"{self.shown}: {text}")

    def _cause(self, error: BaseException) -> BaseException:
        """What the driver itself raised, inside what SQLAlchemy and Optuna made of it."""
        while type(error).__module__.partition(".")[0] != self.kind.driver:
            inner = getattr(error, "orig", None) or error.__cause__
            if inner is None:
                break
            error = inner
        return error

    @contextlib.contextmanager
    def schema_lock(self) -> Iterator[None]:
        try:
            held = hold(self, SCHEMA, "the database's tables are being made by another process")
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise self.explain(error) from error
        try:
            yield
        finally:
            end(held)

    def lock_study(self, study_id: int, name: str) -> ServerLock:
        return ServerLock(self, study_id, name)

    def is_held(self, study_id: int) -> bool:
        with self.reader_engine().connect() as connection:
            return self.kind.is_locked(connection, study_id)

    def _engine(self, *, read_only: bool, **given: Any) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(self.url, **self._options(read_only=read_only), **given)

    def _options(self, *, read_only: bool) -> dict[str, Any]:
        """Options of `sqlalchemy.create_engine`; the password is in none of them."""
        options = {"creator": self._connector(read_only), "isolation_level": "READ COMMITTED"}
        return {**options, **self.kind.options, "pool_pre_ping": not read_only}

    def _connector(self, read_only: bool) -> Callable[[], Any]:
        dialect = self.url.get_dialect()
        try:
            driver: Any = dialect.import_dbapi()
        except ImportError as error:
            how = f"pip install 'hpsearch[{self.kind.extra}]'"
            raise StorageError(f"{self.shown}: to reach it needs {self.kind.driver}; {how}") from error
        try:
            positional, named = dialect().create_connect_args(self.url)
        except (ValueError, sqlalchemy.exc.ArgumentError) as error:
            raise StorageError(f"{self.shown}: one of the URL's options cannot be used ({error})") from error

        def connect() -> Any:
            try:
                connection = driver.connect(*positional, **self.kind.connecting(named))
            except RuntimeError as error:  # PyMySQL, of packages that a way to log in needs
                raise StorageError(f"{self.shown}: {error}") from error
            except (TypeError, ValueError, AttributeError, OSError) as error:  # so PyMySQL finds fault with options
                rule = f"{self.kind.driver} cannot use one of the URL's options"
                raise StorageError(f"{self.shown}: {rule} ({raised(error)})") from error
            if old := self.kind.too_old(connection):
                connection.close()
                raise StorageError(f"{self.shown}: hpsearch needs {self.kind.oldest}, the server is {old}")
            self.kind.set_up(connection, read_only=read_only)
            return connection

        return connect
