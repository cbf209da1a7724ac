"""What the database's tests run in other processes: a module of its own, so that they start fast."""

import os
import signal
from contextlib import closing
from pathlib import Path

from hpsearch.errors import StudyBusyError
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database
from hpsearch.storage.sqlite.locks import StudyLock


def open_and_close(storage: str) -> None:
    Database(storage, create=True).close()


def try_lock(path: Path, study_id: int) -> str:
    """Why another process cannot have the lock."""
    try:
        StudyLock(path, study_id, "s")
    except StudyBusyError as error:
        return str(error)
    return ""


def try_to_coordinate(storage: str, study_id: int) -> str:
    """Why another process cannot run the study."""
    with closing(Database(storage, create=False)) as database:
        try:
            Coordinator(database, study_id, "s").close()
        except StudyBusyError as error:
            return str(error)
    return ""


def coordinate_and_die(storage: str, study_id: int) -> None:
    """Begin to run the study, and be killed."""
    Coordinator(Database(storage, create=False), study_id, "s")
    os.kill(os.getpid(), signal.SIGKILL)
