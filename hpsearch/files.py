"""Files written for a user: whole or not at all, and none in the place of a device. May import `hpsearch.errors`."""

import contextlib
import os
from pathlib import Path

from hpsearch.errors import InputError


def require_file(path: Path) -> None:
    """Raise InputError for what is no file: a folder; and /dev/null, whose place a file written by root would take."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device, a pipe or a socket"
        raise InputError(f"{path}: must be a file, or a name for a new one, but is {what}")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file completely or not at all, so that no reader ever sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_file(path: Path, content: str | bytes) -> Path:
    """Write a file atomically, and make its folder; return its path. Raises InputError where it cannot be written."""
    try:
        require_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return path
