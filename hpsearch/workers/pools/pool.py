"""What the search knows of its workers, whatever runs them. May import the standard library."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""What holds the libraries of a worker's process to one thread, set before it starts: with more the bits differ."""


class WorkerDied(Exception):  # noqa: N818 - what happened, as the futures tell it
    """The process that computed a segment died under it: perhaps by the segment's own fault."""


class WorkerLost(Exception):  # noqa: N818
    """A segment's worker, or the way to it, was lost: by no fault of the segment, which is to be done elsewhere."""


class Pool(Protocol):
    """Workers that each run one segment at a time, with one BLAS thread."""

    @property
    def capacity(self) -> int:
        """How many segments may run at once, now: workers may come and go."""

    def submit(self, function: Callable[[Given], Made], given: Given) -> "Future[Made]":
        """Start function(given) in a worker; what exceeds the capacity waits there.

        The future raises what the function raised, WorkerDied or WorkerLost.
        """

    def warm(self) -> None:
        """Start all workers now, so that they have imported what they need by the time that there is work."""

    def poll(self) -> None:
        """Tell what happened to the workers. Raises HpsearchError if there will be none any more."""

    def close(self) -> None:
        """End all workers' work at once; what they were doing is lost, which is never more than a segment."""
