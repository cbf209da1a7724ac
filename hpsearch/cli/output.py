"""What commands print and ask: the flag `--json`, prompts, signals. May import click.

A command prints either text or JSON, never both; errors stay one line on standard error, and the exit status is the
same. NaN and infinity, which JSON does not have, are null.
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

from hpsearch.api.streams import safe
from hpsearch.errors import InputError
from hpsearch.platform import STOP_SIGNALS, exit_at_once

Command = TypeVar("Command", bound=Callable[..., Any])


_json_stream: ContextVar[TextIO | None] = ContextVar("_json_stream", default=None)
"""Standard output while `--json` has redirected it."""


def json_option(command: Command) -> Command:
    """Give a command the flag `--json`, as its argument `as_json`; all other output then goes to standard error."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        if not given["as_json"]:
            return command(**given)
        before = _json_stream.set(sys.stdout)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # a model file may print anything
                return command(**given)
        finally:
            _json_stream.reset(before)

    option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program to read.")
    return cast("Command", option(run))


def print_json(value: Any) -> None:
    """Print one document: mappings, sequences, dataclasses, paths, times, NumPy numbers and arrays, and text."""
    click.echo(json.dumps(json_value(value), indent=2, allow_nan=False), file=_json_stream.get())


def print_json_line(event: str, **facts: Any) -> None:
    """Print one event of a running command as one line, at once: {"event": …, …}."""
    click.echo(json.dumps(json_value({"event": event, **facts}), allow_nan=False), file=_json_stream.get())


_LONGEST = 100_000
"""The most characters of an answer."""


class _Answers:
    """Standard input for `input`, with an InputError for a line that is too long: /dev/zero has no end of a line."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner

    def readline(self) -> str:
        if len(line := self._inner.readline(_LONGEST + 1)) > _LONGEST:
            raise InputError(f"standard input: an answer must have at most {_LONGEST:_} characters")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextlib.contextmanager
def interactive_prompt(message: str, *, err: bool = False) -> Iterator[None]:
    """Turn a standard input that ends or cannot be read into an InputError with `message`; on a terminal into Abort."""
    before = sys.stdin
    try:
        if before is None or before.closed:
            raise click.Abort
        sys.stdin = cast("TextIO", _Answers(before))
        yield
    except (click.Abort, OSError, UnicodeDecodeError):
        click.echo(err=err)  # ends the line of the question
        if safe(before).isatty():
            raise
        raise InputError(message) from None
    finally:
        sys.stdin = before


def symbol(mark: str, fallback: str) -> str:
    """Return the mark, or the fallback where the encoding of standard output does not have it."""
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return fallback
    return mark


def json_value(value: Any) -> Any:
    """Return the value converted to the types of JSON.

    >>> json_value({"place": Path("a"), "loss": float("nan")})
    {'place': 'a', 'loss': None}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: json_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(json_value, value))
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy, without importing it
        return json_value(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def exit_on_signal() -> None:
    """Let SIGINT, SIGTERM and SIGHUP end the program at once. For phases in which nothing can be lost.

    A KeyboardInterrupt could be raised, and swallowed, inside a callback of any library.
    """
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):  # where there is no standard error
        os.write(2, b"hpsearch: stopped\n")
    exit_at_once(130)
