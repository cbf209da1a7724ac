"""What the pool's tests run in workers: a module of its own, since a worker imports all that its module imports."""

import multiprocessing
import os
import signal
import time

from threadpoolctl import threadpool_info


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def ignore_and_sleep(seconds: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(seconds)


def allocate(seconds: float) -> None:
    """Take more and more memory for some seconds."""
    kept, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        kept.append(b"x" * 10_000_000)


def blas_threads(_: None) -> set[int]:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def interrupt(_: None) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return 1


def fails(text: str) -> str:
    if text:
        raise ValueError(text)
    return "fine"


def leave(status: int) -> None:
    os._exit(status)


def crash(_: int) -> None:
    """End as compiled code does that reads memory which is not there."""
    os.kill(os.getpid(), signal.SIGSEGV)


def busy(path: str) -> None:
    """Say which process this is, and go on for ever."""
    with open(f"{path}.new", "w") as file:
        file.write(str(os.getpid()))
    os.replace(f"{path}.new", path)
    while True:
        time.sleep(0.01)


def fork_a_pool(_: None) -> list[int]:
    print("said by a model file")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(abs, [-1, -2])
