"""One coordinator of a study at a time, on whatever machine: a lock, and a claim in the database with a lease.

On a server, and on one machine, the lock decides at once, also after a death. Of a SQLite file, other machines see the
claim, and take it over once it has not been renewed for `LEASE` seconds, by the clock of the file system. May import
SQLAlchemy and `hpsearch.errors`.
"""

import contextlib
import os
import secrets
import socket
import time
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from hpsearch.errors import HpsearchError, StudyBusyError
from hpsearch.storage.database import Database
from hpsearch.storage.places import Place, place_of
from hpsearch.storage.records import INTERRUPTED, RUNNING
from hpsearch.storage.schema import claims

LEASE = 60.0
"""Seconds after which a claim that another machine has not renewed counts as a dead one's."""

RENEWAL = 10.0
"""A claim is renewed at most so often (s), so that a transaction that only reads stays one."""


TOLERANCE = 2.0
"""Seconds by which a claim may be ahead: versions before wrote the time of their own machine's clock."""


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
        self._place = database.place
        self._lock = database.place.lock_study(study_id, name)
        try:
            unrenewed = self._watch_future() if not self._place.lock_decides else None
            with database.transaction() as connection:
                self._take(connection, unrenewed)
        except BaseException:
            self._lock.close()
            raise
        database.fence = self.renew

    def _watch_future(self) -> Any:
        """Watch a claim of a time to come, as after a clock was set back: its age says nothing.

        Returns it if nobody has renewed it for a lease; None in all other cases, which its age decides.
        """
        first = self._read()
        if first is None or not _is_elsewhere(first) or _age(first, self._place) > -TOLERANCE:
            return None
        end = time.monotonic() + LEASE
        while time.monotonic() < end:
            time.sleep(min(1.0, LEASE / 10))
            if self._read() != first:
                return None
        return first

    def _read(self) -> Any:
        with self._database.transaction() as connection:
            return _claim(connection, self._study_id)

    def _take(self, connection: Connection, unrenewed: Any) -> None:
        row = _claim(connection, self._study_id, to_change=True)
        if row is not None and row != unrenewed and _is_alive(row, self._place):
            raise StudyBusyError(
                f"study {self._name!r} is being run by another process (process {row.pid} on {row.host}, heard of "
                f"{max(_age(row, self._place), 0):.0f} s ago); wait for it, or for {LEASE:.0f} s after its death"
            )
        connection.execute(delete(claims).where(claims.c.study_id == self._study_id))
        values = {"study_id": self._study_id, "host": socket.gethostname(), "pid": os.getpid(), "token": self._token}
        connection.execute(insert(claims).values(values | {"renewed_at": _now(self._place)}))

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
            values = {"renewed_at": _now(self._place)}
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
            return is_claimed_elsewhere(connection, study_id, place)
    finally:
        engine.dispose()


def state_of(engine: Engine, study_id: int, stored: str) -> str:
    """Return the true state of a study: a coordinator that was killed could not store that it was interrupted.

    `engine` is one of `open_to_read`; of another one nothing is known but what is stored.
    """
    storage = engine.get_execution_options().get("hpsearch_storage")
    if stored != RUNNING or storage is None or is_held(storage, study_id):
        return stored
    return INTERRUPTED


def is_claimed_elsewhere(connection: Connection, study_id: int, place: Place) -> bool:
    """Tell whether a process on another machine, of which the lock says nothing, was heard of during its lease."""
    row = _claim(connection, study_id)
    return row is not None and _is_alive(row, place)


def holder(connection: Connection, study_id: int) -> str:
    """The process that has claimed a study, as messages name it."""
    row = _claim(connection, study_id)
    return "a process" if row is None else f"process {row.pid} on {row.host}"


def claimant(connection: Connection, study_id: int) -> tuple[str, int] | None:
    """The host and process id of the process that has claimed a study; whether it lives, `is_held` tells."""
    row = _claim(connection, study_id)
    return None if row is None else (str(row.host), int(row.pid))


def _claim(connection: Connection, study_id: int, *, to_change: bool = False) -> Any:
    """A study's claim; `to_change` keeps others from taking it over before this transaction has ended."""
    return connection.execute(_TO_CHANGE if to_change else _OF_STUDY, {"study": study_id}).one_or_none()


_OF_STUDY = select(claims).where(claims.c.study_id == bindparam("study"))
_TO_CHANGE = _OF_STUDY.with_for_update()


def _is_elsewhere(row: Any) -> bool:
    return bool(row.host != socket.gethostname())


def _is_alive(row: Any, place: Place) -> bool:
    """Whether the claim keeps others out who have the lock, or see that nobody has it."""
    return not place.lock_decides and _is_elsewhere(row) and _age(row, place) < LEASE


def _age(row: Any, place: Place) -> float:
    """Seconds since a claim was renewed, by the database's clock; negative where that was set back since."""
    return (place.now() - datetime.fromisoformat(row.renewed_at)).total_seconds()


def _now(place: Place) -> str:
    return place.now().isoformat(timespec="milliseconds")
