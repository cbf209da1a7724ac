"""The cost of a backend for the coordinator: bytes to a worker and back, over loky, Dask and Ray.

    python benchmarks/engines.py [--calls 200] [--workers 2] [--backends loky,dask,ray]

A worker returns what it was sent, as a segment does with the states of its trials, so that only the transfer is
measured. There are as many calls at a time as workers. The coordinator's time is the processor time of its process and,
for Ray, of its driver process. The scheduler and the workers run on this machine. Linux only.
"""

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "workers")]

from clusters import DaskCluster  # noqa: E402

from hpsearch.workers.pools import Pool, open_pool  # noqa: E402

SIZES = {"7 KB": 7_000, "0.6 MB": 600_000, "5 MB": 5_000_000}
"""The state of a tiny trial, of a trial of 3072-50-10, and of eight of these."""


@contextmanager
def pool(backend: str, workers: int) -> Iterator[Pool]:
    """Open a pool and wait for all its workers."""
    with ExitStack() as stack:
        address = None
        if backend == "dask":
            folder = Path(stack.enter_context(TemporaryDirectory()))
            address = stack.enter_context(closing(DaskCluster(folder, workers))).address
        made = open_pool(backend, workers, address)
        stack.callback(made.close)
        made.warm()
        while made.capacity < workers:
            time.sleep(0.05)
        yield made


def processor_seconds() -> float:
    """Return the processor time of this process and of Ray's driver process."""
    seconds, tick = time.process_time(), os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray_driver" in (entry / "cmdline").read_bytes():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                seconds += (int(fields[11]) + int(fields[12])) / tick
        except OSError:
            continue
    return seconds


def calls(made: Pool, size: int, number: int) -> tuple[float, float]:
    """Return per call the processor time of the coordinator and the time until the answer, in ms."""
    given, under_way, waited = os.urandom(size), deque[Any](), 0.0
    began = processor_seconds()
    for call in range(number + made.capacity):
        if call >= made.capacity:
            since, future = under_way.popleft()
            assert future.result(60) == given
            waited += time.perf_counter() - since
        if call < number:
            under_way.append((time.perf_counter(), made.submit(bytes, given)))
    return 1000 * (processor_seconds() - began) / number, 1000 * waited / number


def main() -> None:
    """Print a row for each backend and size."""
    arguments = argparse.ArgumentParser(description="The cost of a backend for the coordinator.")
    arguments.add_argument("--calls", type=int, default=200)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--backends", default="loky,dask,ray")
    given = arguments.parse_args()
    print("| backend | bytes | coordinator, ms of processor a call | ms from a call to its answer |\n|---|---|---|---|")
    for backend in given.backends.split(","):
        with pool(backend, given.workers) as made:
            for shown, size in SIZES.items():
                calls(made, size, 10)
                processor, answer = calls(made, size, given.calls)
                print(f"| {backend} | {shown} | {processor:.2f} | {answer:.1f} |", flush=True)


if __name__ == "__main__":
    main()
