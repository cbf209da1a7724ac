"""One coordinator of a study at a time, on whatever machine: a lock, and a claim in the database with a lease.

On one machine the lock decides at once, also after a death; other machines see the claim, and take it over once it has
not been renewed for `LEASE` seconds. May import SQLAlchemy and `hpsearch.errors`.
"""

import contextlib
import os
import secrets
import socket
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hpsearch.errors import HpsearchError, StudyBusyError
from hpsearch.storage.database import Database
from hpsearch.storage.places import place_of
from hpsearch.storage.schema import claims

LEASE = 60.0
"""Seconds after which a claim that another machine has not renewed counts as a dead one's."""

RENEWAL = 10.0
"""A claim is renewed at most so often (s), so that a transaction that only reads stays one."""


class Coordinator:
    """Held by the one process that runs a study, while it does; every transaction of its database renews the claim.

    A process that was stopped for longer than the lease and then goes on finds its claim taken by another: its next
    transaction raises StudyBusyError and is rolled back.
    """

    def __init__(self, database: Database, study_id: int, name: str) -> None:
        """Raises StudyBusyError, with host and process id, if another process runs the study."""
        self._database, self._study_id, self._name = database, study_id, name
        self._token = secrets.token_hex(16)
        self._renewed = time.monotonic()
        self._lock = database.place.lock_study(study_id, name)
        try:
            with database.transaction() as connection:
                self._take(connection)
        except BaseException:
            self._lock.close()
            raise
        database.fence = self.renew

    def _take(self, connection: Connection) -> None:
        row = _claim(connection, self._study_id, to_change=True)
        host = socket.gethostname()
        if row is not None and row.host != host and _age(row) < LEASE:
            raise StudyBusyError(
                f"study {self._name!r} is being run by another process (process {row.pid} on {row.host}, heard of "
                f"{max(_age(row), 0):.0f} s ago); wait for it, or for {LEASE:.0f} s after its death"
            )
        connection.execute(delete(claims).where(claims.c.study_id == self._study_id))
        values = {"study_id": self._study_id, "host": host, "pid": os.getpid(), "token": self._token}
        connection.execute(insert(claims).values(values | {"renewed_at": _now()}))

    def renew(self, connection: Connection) -> None:
        """Make sure, inside a transaction, that the study is still ours. Raises StudyBusyError if it is not."""
        row = _claim(connection, self._study_id, to_change=True)
        if row is None or row.token != self._token:
            who = "" if row is None else f" by process {row.pid} on {row.host}"
            raise StudyBusyError(
                f"study {self._name!r} was taken over{who} while this process had not been heard of for some time"
            )
        if time.monotonic() - self._renewed >= RENEWAL:
            self._lock.renew()
            values = {"renewed_at": _now()}
            connection.execute(update(claims).where(claims.c.study_id == self._study_id).values(values))
            self._renewed = time.monotonic()

    def close(self) -> None:
        """Give the study free; where the database cannot be written, the end of the lock and of the lease do so."""
        self._database.fence = None
        try:
            if not self._database.faulted:
                with contextlib.suppress(HpsearchError), self._database.transaction() as connection:
                    ours = (claims.c.study_id == self._study_id, claims.c.token == self._token)
                    connection.execute(delete(claims).where(*ours))
        finally:
            self._lock.close()


def is_held(storage: str, study_id: int) -> bool:
    """Tell whether another process runs the study, here or elsewhere; changes nothing."""
    place = place_of(storage)
    if place.is_held(study_id):
        return True
    engine = place.reader_engine()
    try:
        with engine.connect() as connection:
            return is_claimed_elsewhere(connection, study_id)
    finally:
        engine.dispose()


def is_claimed_elsewhere(connection: Connection, study_id: int) -> bool:
    """Tell whether a process on another machine has claimed the study and was heard of since."""
    row = _claim(connection, study_id)
    return row is not None and row.host != socket.gethostname() and _age(row) < LEASE


def holder(connection: Connection, study_id: int) -> str:
    """The process that has claimed a study, as messages name it."""
    row = _claim(connection, study_id)
    return "a process" if row is None else f"process {row.pid} on {row.host}"


def _claim(connection: Connection, study_id: int, *, to_change: bool = False) -> Any:
    """A study's claim; `to_change` keeps others from taking it over before this transaction has ended."""
    query = select(claims).where(claims.c.study_id == study_id)
    return connection.execute(query.with_for_update() if to_change else query).one_or_none()


def _age(row: Any) -> float:
    """Seconds since a claim was renewed, by the clocks of both machines; a future time counts as this moment."""
    return (datetime.now(UTC) - datetime.fromisoformat(row.renewed_at)).total_seconds()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
