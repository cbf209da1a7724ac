"""How a study's name becomes the name of a folder, and how a file is put in place. May import the standard library."""

import contextlib
import hashlib
import os
import re
from pathlib import Path


def folder_name(name: str) -> str:
    """Return a folder name for a study: itself where that is safe, else what is safe of it and a hash.

    >>> folder_name("coarse-to-fine"), folder_name("../up"), folder_name("")
    ('coarse-to-fine', 'up-8c722b8a', 'study')
    """
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80].rstrip(".-_")
    while len(safe.encode()) > 200:
        safe = safe[:-1]
    if safe == name:
        return safe or "study"
    return f"{safe or 'study'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def replace(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, so that nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
