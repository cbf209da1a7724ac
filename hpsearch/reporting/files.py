"""The name of a study's folder, and atomic writes. May import the standard library only."""

import contextlib
import hashlib
import os
import re
from pathlib import Path


def folder_name(name: str) -> str:
    """Return a folder name for a study: its name where that is safe, else the safe characters of it and a hash.

    >>> folder_name("coarse-to-fine"), folder_name("../up"), folder_name("")
    ('coarse-to-fine', 'up-8c722b8a', 'study')
    """
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80].rstrip(".-_")
    while len(safe.encode()) > 200:
        safe = safe[:-1]
    if safe == name:
        return safe or "study"
    return f"{safe or 'study'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


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
