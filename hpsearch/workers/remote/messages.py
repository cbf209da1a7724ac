"""What travels to a worker and back: parcels, and what became of them. May import the standard library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parcel:
    """A call to make where the facts are the same; for a segment, the text of its model file beside it."""

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
    """The process that made the call died of it."""

    how: str


@dataclass(frozen=True)
class Refused:
    """The worker is not to be used: why, in words."""

    why: str


@dataclass(frozen=True)
class Missing:
    """The prepared images are not on the worker's machine; `place` is where they are to be kept there."""

    machine: str
    place: str


Reply = Done | Raised | Died | Refused | Missing


@dataclass(frozen=True)
class Chunk:
    """Part of a split on its way to a machine: into `file` of the folder `key`, from `offset` on.

    The last of all has the SHA-256 of every file, by name, and nothing else.
    """

    key: str
    sender: str
    file: str
    offset: int
    content: bytes
    hashes: tuple[tuple[str, str], ...] = ()
