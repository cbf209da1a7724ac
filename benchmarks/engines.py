"""What an engine costs the coordinator: bytes to a worker and back, over loky, Dask and Ray.

    python benchmarks/engines.py [--calls 200] [--workers 2] [--backends loky,dask,ray]

A worker gives back what it was sent, as a segment does with the states of its trials: all that is measured is the way
there and back. As many calls are under way as there are workers. The coordinator's time is the processor time of its
process and, for Ray, of the process that speaks to Ray. The scheduler and the workers are this machine's. Linux only.
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
"""A tiny trial's state, one trial's of 3072-50-10, eight of them."""


@contextmanager
def pool(backend: str, workers: int) -> Iterator[Pool]:
    """A pool whose workers are all there."""
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
    """Of this process, and of the one of ours that speaks to Ray."""
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
    """Milliseconds a call of the coordinator's processor, and from one call to its answer."""
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
    """Print a row for each engine and size."""
    arguments = argparse.ArgumentParser(description="What an engine costs the coordinator.")
    arguments.add_argument("--calls", type=int, default=200)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--backends", default="loky,dask,ray")
    given = arguments.parse_args()
    print("| engine | bytes | coordinator, ms of processor a call | ms from a call to its answer |\n|---|---|---|---|")
    for backend in given.backends.split(","):
        with pool(backend, given.workers) as made:
            for shown, size in SIZES.items():
                calls(made, size, 10)
                processor, answer = calls(made, size, given.calls)
                print(f"| {backend} | {shown} | {processor:.2f} | {answer:.1f} |", flush=True)


if __name__ == "__main__":
    main()
