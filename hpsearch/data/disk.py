"""Age and size of folders that several processes share. May import the standard library only."""

import shutil
import time
from pathlib import Path

_STALE_SECONDS = 3600.0


def remove_stale(parent: Path, pattern: str) -> int:
    """Remove temporary folders of processes that were killed, known by an hour without change; return bytes freed."""
    freed = 0
    for path in parent.glob(pattern):
        if time.time() - last_change(path) > _STALE_SECONDS:
            freed += size(path)
            shutil.rmtree(path, ignore_errors=True)
    return freed


def last_change(path: Path) -> float:
    """Return when the folder or a file in it last changed (seconds since 1970); now if it is gone."""
    try:
        return max(entry.stat().st_mtime for entry in (path, *path.iterdir()))
    except OSError:
        return time.time()


def size(path: Path) -> int:
    """Return the bytes of the files in the folder; 0 if it is gone."""
    try:
        return sum(entry.stat().st_size for entry in path.iterdir())
    except OSError:
        return 0
