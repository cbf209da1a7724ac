"""The interface of a pool of workers. May import `hpsearch.errors`."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hpsearch.errors import HpsearchError

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class WorkerDied(Exception):  # noqa: N818 - an event, not an error of ours
    """The process that trained a segment died, perhaps because of the segment.

    `reason` says why, where the system tells.
    """

    def __init__(self, text: str, reason: str | None = None) -> None:
        super().__init__(text, reason)
        self.reason = reason


class WorkerLost(Exception):  # noqa: N818
    """A segment's worker, or the connection to it, was lost, not because of the segment: another worker can run it."""


@dataclass(frozen=True)
class Limits:
    """What a call may take in a worker that can be ended; None is no limit."""

    seconds: float | None = None
    memory: int | None = None  # bytes
    fresh: bool = False  # run it in a worker that has run nothing before, whose memory is the call's own


class LimitReached(Exception):  # noqa: N818
    """A call reached a limit, so that its worker was ended. `fresh` tells whether that had run nothing before."""

    def __init__(self, key: str, *, fresh: bool) -> None:
        super().__init__(key, fresh)
        self.key, self.fresh = key, fresh  # "minutes" or "memory", as in the study file


def cannot_start(what: str, error: BaseException) -> HpsearchError:
    """The error for workers that the system does not let us start."""
    reason = getattr(error, "strerror", None) or " ".join(f"{error}".split()) or type(error).__name__
    return HpsearchError(
        f"{what} cannot be started ({reason}): allow more processes, open files or memory (`ulimit -a`, the control "
        'group, room in /dev/shm), fewer --workers, or none: --backend sequential, backend="sequential" in Python'
    )


class Pool(Protocol):
    """Workers that each run one segment at a time, with one BLAS thread."""

    @property
    def capacity(self) -> int:
        """How many segments may run at once now: workers may join and leave."""

    def submit(
        self, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "Future[Result]":
        """Start function(given) in a worker; calls beyond the capacity wait there.

        The future raises what the function raised, WorkerDied, WorkerLost or, of a pool that can end its workers,
        LimitReached; the others disregard the limits.
        """

    def warm(self) -> None:
        """Start all workers now, so that they have imported what they need by the time that there is work."""

    def poll(self) -> None:
        """Report changes of the workers. Raises HpsearchError if none can be used any more."""

    def close(self) -> None:
        """End all workers at once; their running segments are lost."""
