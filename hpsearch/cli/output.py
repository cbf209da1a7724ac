"""`--json`: what a command found, as JSON on standard output, for a program to read. May import click.

A command prints either text or JSON, never both; errors stay one line on standard error, and the exit status is the
same. Numbers that JSON does not have (NaN, infinity) are null.
"""

import contextlib
import dataclasses
import functools
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, TypeVar, cast

import click

from hpsearch.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])


_told_to: ContextVar[TextIO | None] = ContextVar("_told_to", default=None)


def json_option(command: Command) -> Command:
    """Give a command the flag `--json`, as its argument `as_json`; what others print goes to standard error then."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        if not given["as_json"]:
            return command(**given)
        before = _told_to.set(sys.stdout)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # a model file prints what it likes
                return command(**given)
        finally:
            _told_to.reset(before)

    option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program to read.")
    return cast("Command", option(run))


def tell(value: Any) -> None:
    """Print one document: mappings, sequences, dataclasses, paths, times, NumPy numbers and arrays, and text."""
    click.echo(json.dumps(plain(value), indent=2, allow_nan=False), file=_told_to.get())


def print_json_line(event: str, **facts: Any) -> None:
    """Print one event of a running command as one line, at once: {"event": …, …}."""
    click.echo(json.dumps(plain({"event": event, **facts}), allow_nan=False), file=_told_to.get())


@contextlib.contextmanager
def prompting(nobody: str, *, err: bool = False) -> Iterator[None]:
    """Ask a person something inside. Raises Abort if they will not say, InputError with `nobody` if no one is there."""
    try:
        if sys.stdin is None:  # it is closed
            raise click.Abort
        yield
    except click.Abort:
        click.echo(err=err)  # the line of the question
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        raise InputError(nobody) from None


def sign(mark: str, word: str) -> str:
    """Return the mark, or the word where standard output cannot show it."""
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return word
    return mark


def plain(value: Any) -> Any:
    """Return the value as what JSON knows.

    >>> plain({"place": Path("a"), "loss": float("nan")})
    {'place': 'a', 'loss': None}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(plain, value))
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, without importing NumPy
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def stop_at_once() -> None:
    """Have any signal end the program where it is, while nothing is under way that could be lost.

    Python's own KeyboardInterrupt could surface, and vanish, inside any library's callback.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    os.write(2, b"hpsearch: stopped\n")
    os._exit(130)
