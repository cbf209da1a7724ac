"""Loky's semaphores, and the process that is to remove them. May import joblib, `hpsearch.platform`.

They remain when all processes are killed at once, and are removed by a later run. Where only their tracker is killed,
loky starts another, which prints a traceback for each semaphore that it has not heard of.
"""

import contextlib
import os
import re
import threading
import time
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from joblib.externals.loky.backend import resource_tracker as loky_tracker

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


def outlive_trackers() -> None:
    """From now on a tracker that is killed is replaced without a word; the next one gets all names that it had."""
    tracker: Any = loky_tracker._resource_tracker
    if os.name != "posix" or "_send" in vars(tracker):
        return
    send, ensure_running, known = tracker._send, tracker.ensure_running, dict[tuple[str, str], None]()
    lock = threading.RLock()  # always taken before the tracker's own; again where a finalizer interrupts its holder

    def revive() -> None:
        if _forget_dead(tracker):
            for name, kind in list(known):
                if (name, kind) in known:
                    send("REGISTER", name, kind)

    def remember(command: str, name: str, kind: str) -> None:
        with lock:
            revive()
            if command == "REGISTER":
                known[name, kind] = None
            elif command == "UNREGISTER":
                known.pop((name, kind), None)
            send(command, name, kind)

    def run() -> Any:
        with lock:
            revive()
            return ensure_running()

    tracker._send = remember
    tracker.ensure_running = loky_tracker.ensure_running = run


def run_tracker() -> None:
    """Start Python's own tracker, if it does not run."""
    if os.name == "posix":  # Windows needs none
        _forget_dead(resource_tracker._resource_tracker)
        resource_tracker.ensure_running()


def _forget_dead(tracker: Any) -> bool:
    """Make a tracker whose process has died start another when it is next used; return whether it has died."""
    if tracker._fd is None or tracker._check_alive():
        return False
    with contextlib.suppress(OSError):
        os.close(tracker._fd)
    with contextlib.suppress(OSError, TypeError):  # not our child, or not known
        os.waitpid(tracker._pid, 0)
    tracker._fd = tracker._pid = None
    return True
