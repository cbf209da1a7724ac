"""Removes loky's semaphores that killed runs left behind: they remain when all processes are killed at once.

May import `hpsearch.platform`.
"""

import contextlib
import os
import re
import time
from pathlib import Path

from hpsearch.platform import user

_FOLDER = Path("/dev/shm")  # on Linux
_AGE = 60.0
"""Semaphores younger than so many seconds are kept in any case."""


def remove_leftovers(folder: Path = _FOLDER) -> int:
    """Remove this user's semaphores whose process, named in theirs, is dead; return how many. Only on Linux."""
    removed = 0
    with contextlib.suppress(OSError):
        for path in folder.glob("sem.loky-*"):
            found = re.match(r"sem\.loky-(\d+)-", path.name)
            if found and _is_leftover(path, int(found[1])):
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
    return removed


def _is_leftover(path: Path, process: int) -> bool:
    try:
        state = path.stat()
        if state.st_uid != user() or time.time() - state.st_mtime < _AGE:
            return False
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
