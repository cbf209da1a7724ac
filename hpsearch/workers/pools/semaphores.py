"""Clears away what killed runs could not: loky's semaphores, which outlive a kill of all processes at once.

May import the standard library.
"""

import contextlib
import os
import re
import time
from pathlib import Path

_FOLDER = Path("/dev/shm")  # where Linux has them
_AGE = 60.0
"""Seconds that a semaphore is left alone for, whatever its name says."""


def clear_leftovers(folder: Path = _FOLDER) -> int:
    """Remove this user's semaphores whose process, named in theirs, is dead; return how many. Elsewhere do nothing."""
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
        if state.st_uid != os.getuid() or time.time() - state.st_mtime < _AGE:
            return False
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
