"""Write Optuna's tables of a study anew, while nobody runs it. May import storage."""

from contextlib import closing

from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database


def repair_mirror(name: str, storage: str) -> list[str]:
    """Write the Optuna studies of a study's stages anew; return their names.

    Raises StorageError if the study does not exist, StudyBusyError if it runs.
    """
    with closing(Database(storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        with closing(Coordinator(database, row.id, name)), database.transaction() as connection:
            return writing.repair_mirror(connection, database.optuna, row)
