"""What a pool of scheduled workers needs of Dask or Ray. May import the standard library."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol


class EngineAway(Exception):  # noqa: N818
    """The engine cannot be reached now; `str(error)` says how that shows."""


@dataclass(frozen=True)
class Room:
    """A worker as its engine knows it: how messages name it, and how many segments it runs at once."""

    shown: str
    slots: int


class Engine(Protocol):
    """Has calls made by workers elsewhere."""

    name: str
    """How messages name it."""

    def workers(self) -> dict[str, Room]:
        """All workers that are there now, by id. Raises EngineAway."""

    def start(self, parcel: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        """Have one of these workers make a call; the future has its id and the pickled reply, or raises WorkerLost."""

    def reconnect(self) -> None:
        """Try once to reach the engine again; what was under way is lost. Raises EngineAway."""

    def close(self) -> None:
        """Leave nothing under way, and let go of the engine."""
