"""How far the reading of a large file is: given to whoever asks, else on a terminal. May import `hpsearch.text`."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Self

from hpsearch.text import visible_line

_SECONDS = 1.0
"""The least time between two lines, and before the first."""

_tell: ContextVar[Callable[[str], None] | None] = ContextVar("_tell", default=None)


@contextmanager
def progress_to(tell: Callable[[str], None]) -> Iterator[None]:
    """While inside, `tell` is given how far the reading of a file is, once a second."""
    before = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(before)


class Reading:
    """The reading of one file, from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        self._name, self._next, self._shown = visible_line(path.name), time.monotonic() + _SECONDS, False

    def __enter__(self) -> Self:
        return self

    def at(self, done: int, of: int) -> None:
        """So many of its bytes, or rows, have been read."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SECONDS
        text = f"reading {self._name}: {100 * done // max(of, 1)}%"
        if tell := _tell.get():
            tell(text)
        else:
            self._show(f"\r{text} ")

    def _show(self, text: str) -> None:
        with suppress(OSError, ValueError, AttributeError):  # there is no standard error
            if sys.stderr.isatty():
                self._shown = True
                print(text, end="", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._show(f"\r{' ' * (len(self._name) + 20)}\r")
