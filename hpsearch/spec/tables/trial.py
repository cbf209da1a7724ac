"""Limits of each trial: [trial]. May import pydantic."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from hpsearch.spec.messages import show, wrong
from hpsearch.spec.tables.base import LARGEST, Count, Positive, Table

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

LEAST_MEMORY = "100 MB"
"""Below it there would be hardly more than what a worker takes before it trains anything."""


def bytes_of(text: str) -> int | None:
    """Return the number of bytes of a text such as "2 GB"; None if it is no such text.

    >>> bytes_of("1.5 GB")
    1500000000
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?) ?([kKMGT]i?B)", text)
    return round(float(found[1]) * _UNITS[found[2]]) if found and found[2] in _UNITS else None


def _amount(text: str) -> str:
    size = bytes_of(text)
    if size is None:
        raise wrong(f"must be a number with its unit ({', '.join(_UNITS)}), such as '2 GB', got {show(text)}")
    if size < (bytes_of(LEAST_MEMORY) or 0):
        raise wrong(f"must be at least {LEAST_MEMORY!r}, got {show(text)}")
    if size > LARGEST:
        raise wrong(f"must be at most '{LARGEST / 1e12:g} TB', got {show(text)}")
    return text


def _text(given: Any) -> Any:
    if not isinstance(given, str):
        raise wrong(f"must be a text with a number and its unit, such as '2 GB', got {show(given)}")
    return given


class TrialLimits(Table):
    """What one trial may take; None is no limit. Only `updates` does not depend on the machine."""

    minutes: Positive | None = None
    """A trial that trains for longer is ended and fails. Of the time of a cohort, each of its trials has its share."""
    memory: Annotated[str, AfterValidator(_amount), BeforeValidator(_text)] | None = None
    """A trial whose worker process uses more is ended and fails. A number with its unit, such as `"2 GB"` (10⁹ bytes)
    or `"2 GiB"` (2³⁰); the data, which workers share, does not count, Python and its libraries do (some 0.05 GB).
    """
    updates: Count | None = None
    """A trial ends with the last whole epoch within so many updates, and counts with what it has reached."""

    @property
    def measured(self) -> tuple[str, ...]:
        """The keys of the limits that depend on the machine."""
        return tuple(key for key in ("minutes", "memory") if getattr(self, key) is not None)

    @property
    def seconds(self) -> float | None:
        return None if self.minutes is None else 60 * self.minutes

    @property
    def memory_bytes(self) -> int | None:
        return None if self.memory is None else bytes_of(self.memory)

    def reason(self, key: str) -> str:
        """Return why a trial ended that reached this limit.

        >>> TrialLimits(minutes=5).reason("minutes")
        'ran longer than trial.minutes = 5'
        """
        value = getattr(self, key)
        shown = f'"{value}"' if key == "memory" else f"{value:_}" if key == "updates" else f"{value:g}"
        return f"{REASONS[key]} trial.{key} = {shown}"


REASONS = {
    "minutes": "ran longer than",
    "memory": "used more memory than",
    "updates": "ended by",
}
"""How the reasons of trials begin that a limit ended."""


def limit_of(reason: str | None) -> str | None:
    """Return which limit ended a trial with this reason; None if none did.

    >>> limit_of("ran longer than trial.minutes = 5")
    'minutes'
    """
    return next((key for key, begin in REASONS.items() if (reason or "").startswith(f"{begin} trial.{key} = ")), None)


def _says_something(given: Any) -> Any:
    if given == {}:
        raise wrong(f"must have at least one of {', '.join(TrialLimits.key_names())}, got {{}}")
    return given


SomeLimits = Annotated[TrialLimits, BeforeValidator(_says_something)]
"""Limits in a study file, of which there is at least one."""
