"""The interface between a pool and Dask or Ray. May import `hpsearch.errors`."""

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from hpsearch.errors import raised

_MAX_CHARACTERS = 200


class EngineUnavailable(Exception):  # noqa: N818
    """The engine cannot be reached now; `str(error)` says why."""


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of the engine: its name in messages, and how many segments it runs at once."""

    shown: str
    slots: int


def shown(error: BaseException) -> str:
    """An engine's exception, on one short line."""
    return raised(error)[:_MAX_CHARACTERS]


def settle(future: "Future[Any]", value: Any = None, error: BaseException | None = None) -> None:
    """Give a future its value or its error, unless it was cancelled."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


class Engine(Protocol):
    """Sends calls to workers on other machines."""

    name: str
    """Its name in messages."""

    def workers(self) -> dict[str, WorkerInfo]:
        """All present workers, by id. Raises EngineUnavailable."""

    def start(self, request: bytes, among: Sequence[str], *, urgent: bool = False) -> "Future[tuple[str, bytes]]":
        """Have one of these workers make a call; the future has its id and the pickled reply, or raises WorkerLost.

        Cancelling the future cancels the call.
        """

    def reconnect(self) -> None:
        """Try once to reach the engine again; running calls are lost. Raises EngineUnavailable."""

    def close(self) -> None:
        """Cancel all running calls, and disconnect."""
