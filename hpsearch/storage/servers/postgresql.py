"""What is PostgreSQL's own: connecting with psycopg, advisory locks, its error codes. May import SQLAlchemy."""

import logging
import os
import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy
from sqlalchemy import text

from hpsearch.storage.servers.kind import CONNECTING, PATIENCE, Trouble

logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of each connection that was lost; we say so once

_OURS = int.from_bytes(b"hps")
"""The first number of all our advisory locks."""

_STATES = {
    **dict.fromkeys(("28P01", "28000"), Trouble.CREDENTIALS),
    "3D000": Trouble.NO_DATABASE,
    **dict.fromkeys(("42501", "25006"), Trouble.NOT_ALLOWED),
    **dict.fromkeys(("55P03", "40P01", "40001"), Trouble.LOCKED),
    **dict.fromkeys(("53100", "53200", "58030"), Trouble.FULL),
    **dict.fromkeys(("57P01", "57P02", "57P03", "53300"), Trouble.CONNECTION),
}
_SAID = (
    ("authentication failed", Trouble.CREDENTIALS),
    ("no password supplied", Trouble.CREDENTIALS),
    ("pg_hba.conf", Trouble.CREDENTIALS),
    ('role "', Trouble.CREDENTIALS),
    ('database "', Trouble.NO_DATABASE),
)
"""Of a connection that failed, only libpq's sentence is left."""


class PostgreSQL:
    """See `Kind` for what its methods promise."""

    name, driver, extra, oldest = "postgresql", "psycopg", "postgresql", "PostgreSQL 12 or newer"
    password_hint = "give the right ones in the URL, or the password in PGPASSWORD or ~/.pgpass"
    options: Mapping[str, Any] = MappingProxyType({"use_native_hstore": False})

    def completed(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        return url  # libpq looks up PGPASSWORD and ~/.pgpass

    def connecting(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A cut link is noticed within a minute."""
        alive = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
        name = f"hpsearch {os.getpid()} on {socket.gethostname()}"[:63]
        return {"connect_timeout": CONNECTING, "application_name": name, **alive, **given}

    def too_old(self, connection: Any) -> str | None:
        version = int(connection.info.server_version)
        return f"PostgreSQL {version // 10_000}" if version < 120_000 else None

    def set_up(self, connection: Any, *, read_only: bool) -> None:
        """The server, too, notices within a minute that this machine is gone, and frees its locks."""
        connection.autocommit = True
        connection.execute(
            f"SET lock_timeout = '{PATIENCE}s'; SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; "
            f"SET tcp_keepalives_count = 3; SET default_transaction_read_only = {'on' if read_only else 'off'}"
        )
        connection.autocommit = False

    def make_tables(self, engine: sqlalchemy.Engine) -> None:
        """Nothing: its text is exact, and of any length."""

    def try_lock(self, connection: sqlalchemy.Connection, number: int) -> bool:
        query = text("SELECT pg_try_advisory_lock(:ours, :number)")
        return bool(connection.execute(query, {"ours": _OURS, "number": number}).scalar())

    def is_locked(self, connection: sqlalchemy.Connection, number: int) -> bool:
        query = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE locktype = 'advisory' AND datname = current_database() "
            "AND classid = :ours AND objid = :number AND objsubid = 2 AND granted"
        )
        return bool(connection.execute(query, {"ours": _OURS, "number": number}).scalar())

    def trouble(self, error: BaseException) -> Trouble | None:
        state = getattr(error, "sqlstate", None)
        if state:
            return Trouble.CONNECTION if state.startswith("08") else _STATES.get(state)
        if type(error).__name__ != "OperationalError":
            return None
        return next((trouble for text, trouble in _SAID if text in str(error)), Trouble.CONNECTION)


POSTGRESQL = PostgreSQL()
