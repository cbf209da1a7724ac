"""Messages to a worker and back: requests and replies. May import the standard library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """A call, to be run where the facts are the same; for a segment with the text of its model file."""

    function: Callable[[Any], Any]
    given: Any
    facts: Mapping[str, str]
    model: str | None = None


@dataclass(frozen=True)
class Done:
    """The call returned this."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """The call raised this."""

    error: Exception


@dataclass(frozen=True)
class Died:
    """The process that ran the call died; `reason` says why, where the system tells."""

    how: str
    reason: str | None = None


@dataclass(frozen=True)
class Reached:
    """The process that ran the call was ended by a limit; `fresh` tells whether it had run nothing before."""

    key: str
    fresh: bool


@dataclass(frozen=True)
class Refused:
    """The worker cannot be used, and why."""

    why: str


@dataclass(frozen=True)
class Missing:
    """The prepared split is not on the worker's machine; `place` is the folder for it there."""

    machine: str
    place: str


Reply = Done | Raised | Died | Reached | Refused | Missing


@dataclass(frozen=True)
class Chunk:
    """Part of a split for another machine: of `file` in the folder `key`, from `offset` on.

    The last chunk has the SHA-256 of every file, by name, and no content.
    """

    key: str
    sender: str
    file: str
    offset: int
    content: bytes
    hashes: tuple[tuple[str, str], ...] = ()
