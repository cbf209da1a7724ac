"""What the database's tests run in other processes: a module of its own, so that they start fast."""

from pathlib import Path

from hpsearch.errors import StudyBusyError
from hpsearch.storage.database import Database
from hpsearch.storage.locks import StudyLock


def open_and_close(storage: str) -> None:
    Database(storage, create=True).close()


def try_lock(path: Path, study_id: int) -> str:
    """Why another process cannot have the lock."""
    try:
        StudyLock(path, study_id, "s")
    except StudyBusyError as error:
        return str(error)
    return ""
