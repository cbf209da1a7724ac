"""What Optuna's studies say of themselves, and Optuna's tables written anew. May import storage."""

import contextlib
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection

from hpsearch.errors import InputError
from hpsearch.search import mirror
from hpsearch.search.verify.checks import study_digest
from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database
from hpsearch.storage.records import COMPLETE, StudyRow


def repair_mirror(name: str, storage: str) -> list[str]:
    """Write the Optuna studies of a study's stages anew; return their names.

    Raises StorageError if the study does not exist, StudyBusyError if it runs.
    """
    with closing(Database(storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        with closing(Coordinator(database, row.id, name)), database.transaction() as connection:
            names = writing.repair_mirror(connection, database.optuna, row)
            for stage in reading.stages(connection, row.id):
                mirror.refresh(connection, stage.id)
            _describe(connection, row.name)
            return names


@contextmanager
def described(database: Database, row: StudyRow) -> Iterator[None]:
    """Say in the Optuna studies what they belong to, while a study runs and after it; a complete one has its digest."""
    with database.transaction() as connection:
        mirror.describe(connection, reading.get_study(connection, row.name))
    yield
    with database.transaction() as connection:
        _describe(connection, row.name)


def _describe(connection: Connection, name: str) -> None:
    row = reading.get_study(connection, name)
    digest = None
    with contextlib.suppress(InputError):  # the text of a damaged study may be no study file any more
        digest = study_digest(connection, row) if row.state == COMPLETE else None
    mirror.describe(connection, row, digest)
