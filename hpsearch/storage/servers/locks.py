"""Locks that a database server keeps for a connection, and frees when the connection's process dies.

May import SQLAlchemy and `hpsearch.errors`.
"""

import contextlib
import time
from typing import Protocol

import sqlalchemy
from sqlalchemy import Connection, select

from hpsearch.errors import HpsearchError, StorageFault, StudyBusyError
from hpsearch.storage.schema import claims
from hpsearch.storage.servers.kind import PATIENCE, Kind

SCHEMA = 0
"""The number of the lock that guards making the tables; study n has number n (ids begin at 1)."""

_DYING = 2.0
"""Seconds that a server may need to notice that the process which held a lock has died."""


class _Server(Protocol):
    @property
    def kind(self) -> Kind: ...
    @property
    def shown(self) -> str: ...
    def connect_alone(self) -> Connection: ...
    def explain(self, error: BaseException, *, opened: bool = False) -> HpsearchError: ...


def hold(server: _Server, number: int, rule: str, patience: float = PATIENCE) -> Connection:
    """Take a lock; it is held until the returned connection is closed. Raises StorageFault, with `rule`, in vain."""
    connection = server.connect_alone()
    deadline = time.monotonic() + patience
    try:
        while not server.kind.try_lock(connection, number):
            if time.monotonic() > deadline:
                raise StorageFault(f"{server.shown}: {rule}")
            time.sleep(0.05)
    except BaseException:
        end(connection)
        raise
    return connection


def end(connection: Connection) -> None:
    """Close a connection, and with it free its locks; one to a server that is gone has none left to free."""
    with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):
        connection.close()


class ServerLock:
    """Held by the one process that runs a study, on whatever machine."""

    def __init__(self, server: _Server, study_id: int, name: str) -> None:
        """Raises StudyBusyError, with host and process id, if another process runs the study."""
        self._server, self._study_id, self._name = server, study_id, name
        self._connection = self._taken()

    def _taken(self) -> Connection:
        try:
            try:
                return hold(self._server, self._study_id, "", _DYING)
            except StorageFault as error:
                rule = f"study {self._name!r} is being run by another process{self._holder()}; wait for it"
                raise StudyBusyError(rule) from error
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise self._server.explain(error, opened=True) from error

    def _holder(self) -> str:
        connection = self._server.connect_alone()
        try:
            row = connection.execute(select(claims).where(claims.c.study_id == self._study_id)).one_or_none()
        finally:
            end(connection)
        return f" (process {row.pid} on {row.host})" if row else ""

    def renew(self) -> None:
        """Take it again if the connection was lost. Raises StudyBusyError if another process has it by now."""
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except sqlalchemy.exc.SQLAlchemyError:
            end(self._connection)
            self._connection = self._taken()

    def close(self) -> None:
        end(self._connection)
