"""`--set KEY=VALUE` of the commands that check a model file. May import spec."""

import tomllib
from collections.abc import Iterable
from typing import Any

from hpsearch.errors import InputError
from hpsearch.spec import did_you_mean


def assignment(text: str, known: Iterable[str]) -> tuple[str, str]:
    """Split KEY=VALUE. Returns a known key, and the value in TOML. Raises InputError for anything else."""
    key, _, value = (part.strip() for part in text.partition("="))
    if key not in known:
        hint = did_you_mean(key, known, "[model]")
        raise InputError(f"--set {text}: {key!r} is not a parameter of the model{hint}")
    parse_toml("value", value, f"--set {text}")
    return key, value


def parse_toml(key: str, value: str, place: str) -> dict[str, Any]:
    """Return {key: value} from a value in TOML. Raises InputError, beginning with `place`, if it is none."""
    try:
        found = tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    if list(found) != [key]:
        raise InputError(f"{place}: must be a value as TOML writes it, e.g. hidden=[50] or init='\"he\"'")
    return found
