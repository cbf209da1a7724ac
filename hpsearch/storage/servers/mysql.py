"""What is MySQL's and MariaDB's own: connecting with PyMySQL, exact tables, user locks, and their error codes.

May import SQLAlchemy and Optuna.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy
from sqlalchemy import MetaData, text
from sqlalchemy.dialects.mysql import LONGTEXT

from hpsearch.storage import schema
from hpsearch.storage.servers.kind import CONNECTING, PATIENCE, Trouble

_IDLE = 3600
"""Seconds of silence after which the server takes our machine for dead, and frees its locks."""

_SILENT = 600
"""The same for a lock's connection, which is heard of every few seconds: so long a study waits for a lost machine."""

_CODES = {
    **dict.fromkeys((1045, 1698, 1251, 2059), Trouble.CREDENTIALS),
    1049: Trouble.NO_DATABASE,
    **dict.fromkeys((1044, 1142, 1143, 1227, 1290, 1370, 1792, 1836), Trouble.NOT_ALLOWED),
    **dict.fromkeys((1205, 1213), Trouble.LOCKED),
    **dict.fromkeys((3, 1021, 1026, 1030, 1114), Trouble.FULL),
    1153: Trouble.TOO_BIG,
    **dict.fromkeys((0, 1040, 1053, 1152, 1927, 2002, 2003, 2005, 2006, 2013, 2014, 4031), Trouble.CONNECTION),
}


class MySQL:
    """MySQL and MariaDB; see `Kind` for what its methods promise."""

    name, driver, extra, oldest = "mysql", "pymysql", "mysql", "MariaDB 10.5 or MySQL 8.0, or newer"
    password_hint = "give the right ones in the URL, or the password in MYSQL_PWD"
    options: Mapping[str, Any] = MappingProxyType({})

    def completed(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        return url if url.password is not None else url.set(password=os.environ.get("MYSQL_PWD"))

    def connecting(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A cut link is noticed within two minutes."""
        password = str(given.get("password", "")).encode()  # PyMySQL would take a text for Latin-1
        waiting = {"connect_timeout": CONNECTING, "read_timeout": 2 * PATIENCE, "write_timeout": 2 * PATIENCE}
        return {**waiting, **given, "password": password}

    def too_old(self, connection: Any) -> str | None:
        said = str(connection.get_server_info()).removeprefix("5.5.5-")  # MariaDB, to old replicas
        version = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
        name, oldest = ("MariaDB", (10, 5)) if "MariaDB" in said else ("MySQL", (8, 0))
        return f"{name} {'.'.join(map(str, version))}" if version < oldest else None

    def set_up(self, connection: Any, *, read_only: bool) -> None:
        """What does not fit is refused, not cut."""
        configurations = f"sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = {PATIENCE}"
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {configurations}")
            own = "TRANSACTION READ ONLY" if read_only else f"wait_timeout = {_IDLE}"
            cursor.execute(f"SET SESSION {own}")

    def make_tables(self, engine: sqlalchemy.Engine) -> None:
        """Text by its bytes and of any length: by default case, accents, and spaces at its end do not count."""
        from optuna.storages._rdb import models

        exact = "utf8mb4_nopad_bin" if getattr(engine.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
        made = MetaData()
        for source in (models.BaseModel.metadata, schema.metadata):
            for table in source.sorted_tables:
                copy = table.to_metadata(made)
                copy.kwargs.update(mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate=exact)
                for column in copy.columns:
                    if isinstance(column.type, sqlalchemy.Text):
                        column.type = LONGTEXT()
        made.create_all(engine)

    def try_lock(self, connection: sqlalchemy.Connection, number: int) -> bool:
        connection.exec_driver_sql(f"SET SESSION wait_timeout = {_SILENT}")
        found = connection.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": _lock_name(connection, number)})
        return found.scalar() == 1

    def is_locked(self, connection: sqlalchemy.Connection, number: int) -> bool:
        found = connection.execute(text("SELECT IS_USED_LOCK(:name)"), {"name": _lock_name(connection, number)})
        return found.scalar() is not None

    def trouble(self, error: BaseException) -> Trouble | None:
        code = error.args[0] if error.args else None
        return _CODES.get(code) if isinstance(code, int) else None


def _lock_name(connection: sqlalchemy.Connection, number: int) -> str:
    """The server's locks are common to all of its databases, and their names at most 64 characters long."""
    database = str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
    return f"hpsearch:{hashlib.sha256(database.encode()).hexdigest()[:32]}:{number}"


MYSQL = MySQL()
