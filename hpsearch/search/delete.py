"""Delete a study. May import storage."""

from contextlib import closing

from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database


def delete(name: str, storage: str) -> None:
    """Delete a study and all its results. Raises StorageError if it does not exist, StudyBusyError if it runs."""
    with closing(Database(storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        with closing(Coordinator(database, row.id, name)), database.transaction() as connection:
            writing.delete_study(connection, row.id)
