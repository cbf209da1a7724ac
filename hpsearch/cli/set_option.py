"""`--set KEY=VALUE` of the commands that check a model file. May import the standard library."""

import tomllib
from collections.abc import Iterable
from typing import Any

from hpsearch.errors import InputError, nearest


def pair(text: str, known: Iterable[str]) -> tuple[str, str]:
    """A key that is known, and its value as TOML writes it."""
    key, _, value = (part.strip() for part in text.partition("="))
    if key not in known:
        raise InputError(f"--set {text}: {key!r} is not a parameter of the model{nearest(key, known)}")
    parsed("value", value, f"--set {text}")
    return key, value


def parsed(key: str, value: str, place: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    if list(found) != [key]:
        raise InputError(f"{place}: must be a value as TOML writes it, e.g. hidden=[50] or init='\"he\"'")
    return found
