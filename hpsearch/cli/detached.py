"""hpsearch as a process of its own, which goes on when the one that started it ends. May import storage's names."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hpsearch.storage import STORAGE_VARIABLE


def start_detached(arguments: Sequence[str], storage: str, log: Path) -> "subprocess.Popen[bytes]":
    """Start `hpsearch ARGUMENTS`, whose output is written to `log`. Raises OSError where that cannot be written.

    The database goes by the environment: its URL may hold a password, and arguments can be seen by others. With -P,
    Python does not look for modules in the current folder, which may be somebody else's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "hpsearch", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {STORAGE_VARIABLE: storage, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C in the terminal of the other is not meant for it
        )
