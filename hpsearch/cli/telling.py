"""`--json`: what a command found, as JSON on standard output, for a program to read. May import click.

A command prints either text or JSON, never both; errors stay one line on standard error, and the exit status is the
same. Numbers that JSON does not have (NaN, infinity) are null.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Give a command the flag `--json`, as its argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program to read.")(command)


def tell(value: Any) -> None:
    """Print one document: mappings, sequences, dataclasses, paths, times, NumPy numbers and arrays, and text."""
    click.echo(json.dumps(plain(value), indent=2, allow_nan=False))


def tell_line(event: str, **facts: Any) -> None:
    """Print one event of a running command as one line, at once: {"event": …, …}."""
    click.echo(json.dumps(plain({"event": event, **facts}), allow_nan=False))


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
