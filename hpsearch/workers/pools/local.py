"""Workers in this process, for debugging: threads, or none. May import threadpoolctl.

A segment that ends the process ends the search, too.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from hpsearch.workers.pools.pool import Argument, Limits, Result, cannot_start


class ThreadPool:
    """`workers` threads of this process."""

    def __init__(self, workers: int) -> None:
        self.capacity = workers
        self._executor = ThreadPoolExecutor(workers)
        self._limits = threadpool_limits(1, user_api="blas")

    def submit(
        self, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "Future[Result]":
        try:
            return self._executor.submit(function, given)
        except RuntimeError as error:
            raise cannot_start("a thread", error) from error

    def warm(self) -> None:
        """Threads need nothing."""

    def poll(self) -> None:
        """Threads neither join nor leave."""

    def close(self) -> None:
        """A thread cannot be ended: wait for the running segments."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._limits.restore_original_limits()


class SequentialPool:
    """No worker: `submit` runs the function itself."""

    capacity = 1

    def __init__(self) -> None:
        self._limits = threadpool_limits(1, user_api="blas")

    def submit(
        self, function: Callable[[Argument], Result], given: Argument, limits: Limits | None = None
    ) -> "Future[Result]":
        future: Future[Result] = Future()
        try:
            future.set_result(function(given))
        except Exception as error:
            future.set_exception(error)
        return future

    def warm(self) -> None:
        """There is nothing to start."""

    def poll(self) -> None:
        """No worker joins or leaves."""

    def close(self) -> None:
        self._limits.restore_original_limits()
