"""What one kind of database server must say of itself, for `servers` to be about all. May import SQLAlchemy."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Protocol

import sqlalchemy

PATIENCE = 60
"""Seconds to wait for a lock that another program holds."""

CONNECTING = 10
"""Seconds to wait for a server to answer."""


class Trouble(Enum):
    """What can go wrong with a server, as far as what to do about it differs."""

    CONNECTION = auto()
    CREDENTIALS = auto()
    NO_DATABASE = auto()
    NOT_ALLOWED = auto()
    LOCKED = auto()
    FULL = auto()
    TOO_BIG = auto()


class Kind(Protocol):
    """One kind of server, and its driver."""

    @property
    def name(self) -> str:
        """SQLAlchemy's name of its dialect."""

    @property
    def driver(self) -> str:
        """The driver's module."""

    @property
    def extra(self) -> str:
        """The extra of ours that installs the driver."""

    @property
    def oldest(self) -> str:
        """The oldest servers that are known to work, as messages name them."""

    @property
    def password_hint(self) -> str:
        """Where the password may be given."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Of `sqlalchemy.create_engine`."""

    def completed(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        """The URL with what its driver does not find itself."""

    def connecting(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the driver's `connect`, with those that the URL gives."""

    def too_old(self, connection: Any) -> str | None:
        """The server's version, as messages name it, if it is older than `oldest`."""

    def set_up(self, connection: Any, *, read_only: bool) -> None:
        """Make the driver's new connection strict, patient, and unable to write where it is to read only."""

    def make_tables(self, engine: sqlalchemy.Engine) -> None:
        """Make tables, Optuna's and ours, that the server's defaults would make otherwise than they must be."""

    def try_lock(self, connection: sqlalchemy.Connection, number: int) -> bool:
        """Take the lock of that number if nobody has it; it lasts as long as the connection."""

    def is_locked(self, connection: sqlalchemy.Connection, number: int) -> bool:
        """Tell whether anybody has the lock."""

    def trouble(self, error: BaseException) -> Trouble | None:
        """What a driver's error means, None where there is nothing to do but show it."""
