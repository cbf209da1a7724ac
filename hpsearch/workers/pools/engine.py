"""What a pool of scheduled workers needs of Dask or Ray. May import `hpsearch.errors`."""

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from hpsearch.errors import raised

_WORDS = 200


class EngineAway(Exception):  # noqa: N818
    """The engine cannot be reached now; `str(error)` says how that shows."""


@dataclass(frozen=True)
class Room:
    """A worker as its engine knows it: how messages name it, and how many segments it runs at once."""

    shown: str
    slots: int


def shown(error: BaseException) -> str:
    """What an engine raised, on one line that is not too long."""
    return raised(error)[:_WORDS]


def settle(future: "Future[Any]", value: Any = None, error: BaseException | None = None) -> None:
    """Give a future its value or its error, unless nobody wants it any more."""
    with suppress(InvalidStateError):  # cancelled
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


class Engine(Protocol):
    """Has calls made by workers elsewhere."""

    name: str
    """How messages name it."""

    def workers(self) -> dict[str, Room]:
        """All workers that are there now, by id. Raises EngineAway."""

    def start(self, parcel: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        """Have one of these workers make a call; the future has its id and the pickled reply, or raises WorkerLost.

        Whoever cancels the future wants the call no more.
        """

    def reconnect(self) -> None:
        """Try once to reach the engine again; what was under way is lost. Raises EngineAway."""

    def close(self) -> None:
        """Leave nothing under way, and let go of the engine."""
