"""The cache folder of prepared splits, and what is deleted from it when it grows. May import `hpsearch.errors`.

Only names that end in `SUFFIX` or `TEMPORARY` are ever touched, so that a folder with other things in it is safe.
"""

import contextlib
import os
import shutil
import time
import uuid
from pathlib import Path

from hpsearch.data.directories import splits_directory
from hpsearch.data.disk import last_change, remove_stale, size
from hpsearch.data.split import META, open_split
from hpsearch.errors import DataError

SUFFIX = ".split"
TEMPORARY = ".tmp"
MOST_BYTES = 4 * 10**9
_IN_USE_SECONDS = 86_400.0


def clean(cache: Path | None = None) -> int:
    """Delete all prepared splits from `cache` (default: the user's) and return the bytes freed."""
    directory = splits_directory(cache)
    freed = remove_stale(directory, f"*{TEMPORARY}")
    for path in directory.glob(f"*{SUFFIX}"):
        freed += size(path)
        _discard(path)
    return freed


def usable(path: Path) -> bool:
    """Tell whether there is a complete split at `path`."""
    try:
        open_split(path)
    except DataError:
        return False
    return True


def install(temporary: Path, path: Path) -> None:
    """Rename a split that has just been written to `path`, unless another process was first."""
    for _ in range(3):
        try:
            return os.rename(temporary, path)
        except OSError:
            if usable(path):
                return None
            _discard(path)  # a damaged one was in the way; the next attempt fails only if another process is faster
    return os.rename(temporary, path)


def limit(directory: Path, keep: Path) -> None:
    """Delete what killed processes left, then splits unused for a day, oldest first, until few enough bytes remain."""
    remove_stale(directory, f"*{TEMPORARY}")
    used = {path: last_change(path) for path in directory.glob(f"*{SUFFIX}")}
    total = sum(size(path) for path in used)
    for path in sorted(used, key=lambda path: used[path]):
        if total <= MOST_BYTES or time.time() - used[path] < _IN_USE_SECONDS:
            return
        if path != keep:
            total -= size(path)
            _discard(path)


def mark_used(path: Path) -> None:
    """Record that a split was used now; a read-only cache is used all the same."""
    with contextlib.suppress(OSError):
        os.utime(path / META)


def _discard(path: Path) -> None:
    """Rename a folder, then delete it, so that no process finds it half deleted."""
    discarded = path.with_suffix(f".{uuid.uuid4().hex}{TEMPORARY}")
    with contextlib.suppress(OSError):
        os.rename(path, discarded)
        shutil.rmtree(discarded, ignore_errors=True)
