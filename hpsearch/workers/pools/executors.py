"""How loky's executors end where the system has no thread or descriptor left. May import `hpsearch.platform`.

An executor has a thread here that watches its worker. Where that thread cannot start, or dies, its futures would never
be settled, and its worker would live on.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from hpsearch.platform import KILL

_THREADS = ("ExecutorManagerThread", "QueueFeederThread")


def thread_died(executor: Executor) -> bool:
    """Tell whether an executor's thread has ended although nobody has shut the executor down."""
    thread: threading.Thread | None = getattr(executor, "_executor_manager_thread", None)
    return thread is not None and thread.ident is not None and not thread.is_alive()


def feeder(executor: Executor) -> threading.Thread | None:
    """The thread here that writes calls to an executor's worker; None where it does not run."""
    made: Any = executor
    thread: threading.Thread | None = made._call_queue._thread
    return thread if thread is not None and thread.is_alive() else None


def end(executor: Executor) -> None:
    """End an executor and its worker at once, also where its thread has died or was never started."""
    made: Any = executor
    processes, calls = list(made._processes.values()), made._call_queue
    thread: threading.Thread | None = made._executor_manager_thread
    if thread is not None and thread.is_alive():
        made.shutdown(wait=True, kill_workers=True)
    for process in processes:  # those that the thread did not end
        with contextlib.suppress(OSError, ValueError):
            if process.exitcode is None:
                os.kill(process.pid, KILL)
                process.join(timeout=1.0)
    with contextlib.suppress(Exception):  # else the end of Python waits until the worker has read all of its queue
        calls.cancel_join_thread()


@contextlib.contextmanager
def quiet_threads() -> Iterator[None]:
    """Print no traceback of an executor's thread that dies: `poll` notices it."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if arguments.thread is None or not arguments.thread.name.startswith(_THREADS):
            before(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        if threading.excepthook is hook:
            threading.excepthook = before
