"""Keys of a terminal, read one by one: by `termios`, on Windows by `msvcrt`, else not at all, and Ctrl-C ends.

May import `hpsearch.platform`.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from types import FrameType
from typing import Any

from hpsearch.platform import STOP_SIGNALS

_ENDING = (b"q", b"Q", b"\x04", b"")


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """Read keys without waiting for a line, and restore the terminal at the end; a signal is appended to the list."""
    stopped: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    before = {number: signal.signal(number, note) for number in STOP_SIGNALS}
    try:
        with _by_key() if find_spec("termios") else contextlib.nullcontext():
            yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _by_key() -> Iterator[None]:
    import termios
    import tty

    modes = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal has been closed
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, modes)


def pressed(stopped: list[int], seconds: float) -> bool:
    """Wait; return whether q was pressed, a signal came, or standard input was closed."""
    end = time.monotonic() + seconds
    while not stopped and (left := end - time.monotonic()) > 0:
        if _key(min(left, 0.1)) in _ENDING:
            return True
    return bool(stopped)


def _key(seconds: float) -> bytes | None:
    """Wait for a key; None where none came."""
    if find_spec("termios"):
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1) if ready else None
    time.sleep(seconds)
    if find_spec("msvcrt"):
        import msvcrt

        console: Any = msvcrt
        return bytes(console.getch()) if console.kbhit() else None
    return None
