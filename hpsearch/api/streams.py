"""Standard output and error, made safe. May import the standard library.

A stream that is closed, full or gone loses what is printed, and nothing else: a search goes on without it. Text of
others cannot act on a terminal.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from hpsearch.text import visible


class LenientStream:
    """A text stream to which everything can be written; once that fails, the rest is dropped."""

    def __init__(self, inner: TextIO | None) -> None:
        """`inner` is None where Python found the stream closed."""
        self._inner = inner
        self.lost: Exception | None = None
        """Why nothing can be written any more."""

    def write(self, text: str) -> int:
        if self._inner is not None and self.lost is None:
            try:
                self._inner.write(text)
            except UnicodeEncodeError:
                encoding = self._inner.encoding or "ascii"
                return self.write(text.encode(encoding, "backslashreplace").decode(encoding))
            except (OSError, ValueError) as error:  # ValueError: it was closed
                self.lost = error
        return len(text)

    def flush(self) -> None:
        if self._inner is not None and self.lost is None:
            try:
                self._inner.flush()
            except (OSError, ValueError) as error:
                self.lost = error
            except AttributeError:  # a program has set one that can write, and nothing else
                pass

    def isatty(self) -> bool:
        try:
            return self._inner is not None and self._inner.isatty()
        except (OSError, ValueError, AttributeError):
            return False

    def fileno(self) -> int:
        if self._inner is None:
            raise io.UnsupportedOperation("the stream is closed")
        return self._inner.fileno()

    @property
    def encoding(self) -> str:
        return getattr(self._inner, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:
        return getattr(self._inner, "errors", None) or "backslashreplace"

    def writable(self) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return False


class SafeStream(LenientStream):
    """Writes to a lenient stream, with the characters written out that would act on a terminal."""

    def __init__(self, plain: LenientStream) -> None:
        super().__init__(cast("TextIO", plain))
        self.plain = plain

    def write(self, text: str | bytes) -> int:
        if isinstance(text, bytes):  # as click writes completions
            text = text.decode(errors="backslashreplace")
        if not isinstance(text, str):
            raise TypeError(f"text expected, got {type(text).__name__}")
        self.plain.write(text if text == "\r" else visible(text))  # the line of a download begins anew
        return len(text)


def safe(stream: Any) -> TextIO:
    """Return a stream, which may be None, as a safe one."""
    return cast("TextIO", stream if isinstance(stream, SafeStream) else SafeStream(LenientStream(stream)))


@contextlib.contextmanager
def safe_streams() -> Iterator[tuple[LenientStream, LenientStream]]:
    """Make standard output and error safe; yield them, to be asked whether they were lost."""
    fill_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = safe(sys.stdout), safe(sys.stderr)
    made = cast("SafeStream", sys.stdout), cast("SafeStream", sys.stderr)
    try:
        yield made[0].plain, made[1].plain
    finally:
        for stream, inner in zip(made, before, strict=True):
            stream.flush()
            _drop_the_rest(stream.plain, inner)
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def flushable_streams() -> Iterator[None]:
    """Replace streams that cannot be flushed, as loky does before it starts a process: None, closed, full or gone."""
    fill_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (each if _can_flush(each) else cast("TextIO", LenientStream(each)) for each in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _can_flush(stream: TextIO | None) -> bool:
    try:
        cast("TextIO", stream).flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _drop_the_rest(stream: LenientStream, inner: TextIO | None) -> None:
    """Let what a lost stream still has to write go nowhere: Python would fail to write it at its end, status 120."""
    if stream.lost is None or inner is None:
        return
    with contextlib.suppress(OSError, ValueError):
        number, nowhere = inner.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
        inner.flush()


def fill_descriptors() -> None:
    """Open the standard descriptors that are closed: the next file would get their number, and be written to."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
