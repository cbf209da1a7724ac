"""Where a database is: a SQLite file, or one on a PostgreSQL, MySQL or MariaDB server. May import SQLAlchemy, Optuna.

What differs between them is here and in the modules of each kind; everything else is the same SQL.
"""

import difflib
import re
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy

from hpsearch.errors import HpsearchError, StorageError
from hpsearch.storage.masking import shown
from hpsearch.storage.servers.server import KINDS, Server
from hpsearch.storage.sqlite.file import File
from hpsearch.text import require_utf8

if TYPE_CHECKING:
    from hpsearch.storage.mirror.rdb import RDBStorage

_NAMES = {"sqlite": "sqlite:///"} | {name: f"{name}://" for name in KINDS if name != "postgres"}
"""How a URL of each kind begins."""


class StudyLock(Protocol):
    """Held by the one process that runs a study; it is freed when that process dies."""

    def renew(self) -> None:
        """Make sure that it is still held. Raises StudyBusyError, or StorageFault, if it was lost."""

    def close(self) -> None:
        """Let another process run the study."""


class Place(Protocol):
    """A database that may be opened to read or to write, and the locks that go with it."""

    @property
    def shown(self) -> str:
        """What messages call it: its URL without the password."""

    @property
    def lock_decides(self) -> bool:
        """Is a study's lock seen from all machines, so that who has it may run the study, whatever its claim says?"""

    def now(self) -> datetime:
        """The time, UTC, by the one clock that all machines with this database share, if they share one."""

    def exists(self) -> bool:
        """Could there be a database? False only where there is certainly none."""

    def make(self) -> None:
        """Make what a new database needs before its tables. Raises StorageError if it cannot be."""

    def require_writable(self) -> None:
        """Raise StorageError if this process may not write the database that is there."""

    def open_writer(self) -> "RDBStorage":
        """Return Optuna's storage over it, with Optuna's tables; its engine is the one to write with."""

    def begin_writing(self, engine: sqlalchemy.Engine) -> Any:
        """Make the writer's engine ready for transactions; return what `check` is to be given."""

    def check(self, opened: Any) -> None:
        """Raise StorageFault, before a commit, if the database is no longer the one that was opened."""

    def back_up(self, version: int) -> str | None:
        """Copy the database of that version to a file beside it; return the file, None where it is no file.

        Raises StorageError or StorageFault where it cannot be copied; then there is no copy.
        """

    def reader_engine(self) -> sqlalchemy.Engine:
        """Return an engine that cannot write. Raises StorageError if there is no database or it cannot be read."""

    def dashboard_storage(self) -> "RDBStorage":
        """Return Optuna's storage for optuna-dashboard, which writes notes while a study may be running."""

    def explain(self, error: BaseException, *, opened: bool = False) -> HpsearchError:
        """Say in one line what went wrong: a StorageFault where the database itself is valid.

        `opened` tells whether it could be reached before.
        """

    def schema_lock(self) -> AbstractContextManager[None]:
        """Wait for and hold the right to make the tables."""

    def lock_study(self, study_id: int, name: str) -> StudyLock:
        """Take the right to run a study. Raises StudyBusyError, saying who has it, if another process does."""

    def is_held(self, study_id: int) -> bool:
        """Tell whether another process holds a study's lock; changes nothing."""


def place_of(url: str) -> Place:
    """Return the place that a storage URL names. Raises StorageError, without the password, where it names none."""
    require_utf8("--storage", url)
    scheme = re.match(r"(\w+)(\+\w+)?://", url)
    if scheme and scheme[1] in KINDS:
        return Server.of(url)
    if url.startswith("sqlite:///"):
        return File.of(url)
    near = difflib.get_close_matches(url.partition(":")[0].lower(), _NAMES, n=1)
    if near:
        hint = f"; did you mean '{_NAMES[near[0]]}'?"
    else:
        hint = f"; did you mean 'sqlite:///{url}'?" if "://" not in url and "@" not in url else ""
    *others, last = map(repr, _NAMES.values())
    rule = f"must begin with {', '.join(others)} or {last}"
    raise StorageError(f"--storage {rule}, got {shown(url)!r}{hint}")
