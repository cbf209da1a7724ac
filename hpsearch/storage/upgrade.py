"""Upgrades the database of an earlier version in place. May import SQLAlchemy, Optuna and `hpsearch.errors`.

SQLite and PostgreSQL change their tables in one transaction. MySQL and MariaDB commit each change by itself, so that an
upgrade that was ended there is finished by the next one; the version is written last.
"""

from contextlib import ExitStack, closing
from dataclasses import dataclass

import optuna
import sqlalchemy
from sqlalchemy import Connection, select

from hpsearch.errors import StudyBusyError
from hpsearch.storage import claims, schema
from hpsearch.storage.database import NoTablesError, found_version, refuse_unknown
from hpsearch.storage.migrations import migrate
from hpsearch.storage.places import Place, place_of


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did: the database, its version before and now, and the file with its copy from before, if any."""

    database: str
    before: int
    now: int
    backup: str | None


def upgrade(url: str, *, backup: bool = True) -> Upgraded:
    """Bring a database to this version, after a copy of it where it is a file; nothing is done where it is.

    Raises StudyBusyError while a study of it runs, StorageError if it cannot be read, written or upgraded.
    """
    place = place_of(url)
    found = _version(place)
    if found == schema.SCHEMA_VERSION:
        return Upgraded(place.shown, found, found, None)
    refuse_unknown(place, found)
    place.require_writable()
    with ExitStack() as held:
        held.enter_context(place.schema_lock())
        found = _version(place)  # another process may have upgraded it while this one waited
        if found == schema.SCHEMA_VERSION:
            return Upgraded(place.shown, found, found, None)
        try:
            _hold_studies(place, held)
            kept = place.back_up(found) if backup else None
            storage = place.open_writer()
            held.callback(storage.engine.dispose)
            held.callback(storage.scoped_session.remove)
            opened = place.begin_writing(storage.engine)
            with storage.engine.begin() as connection:
                migrate(connection, found)
                place.check(opened)
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
            raise place.explain(error) from error
    return Upgraded(place.shown, found, schema.SCHEMA_VERSION, kept)


def _version(place: Place) -> int:
    engine = place.reader_engine()
    try:
        with engine.connect() as connection:
            found = found_version(place, connection)
    except sqlalchemy.exc.DatabaseError as error:
        raise place.explain(error) from error
    finally:
        engine.dispose()
    if found is None:
        raise NoTablesError(f"{place.shown}: the database holds no hpsearch studies")
    return found


def _hold_studies(place: Place, held: ExitStack) -> None:
    """Lock all studies, so that no process runs one meanwhile. Raises StudyBusyError if one does."""
    engine = place.reader_engine()
    try:
        with engine.connect() as connection:
            studies = connection.execute(select(schema.studies.c.id, schema.studies.c.name)).all()
            for study_id, name in studies:
                _refuse_claimed(connection, place, study_id, name)
    finally:
        engine.dispose()
    for study_id, name in studies:
        held.enter_context(closing(place.lock_study(study_id, name)))


def _refuse_claimed(connection: Connection, place: Place, study_id: int, name: str) -> None:
    if claims.is_claimed_elsewhere(connection, study_id, place):
        holder = claims.holder(connection, study_id)
        raise StudyBusyError(f"study {name!r} is being run by another process ({holder}); upgrade when it has ended")
