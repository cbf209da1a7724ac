"""A whole search, that of lab report 5, against the sgemm rate of two busy cores; its workers' memory and start.

    HPSEARCH_DATA=DIRECTORY python benchmarks/search.py

HPSEARCH_DATA must name a directory with CIFAR-10. The time includes curves, storage and start; the FLOP do not
include evaluation. Linux only (memory is read from /proc).
"""

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hpsearch.workers.pools.loky import _WORK, LokyPool, _ready

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
SIZES = (3072, 50, 10)
FIRST, OTHERS = 2, 3
"""Matrix products of training: the input of the first layer needs no gradient."""

QUERY = """
SELECT s.data, t.epochs_done FROM hpsearch_trials t JOIN hpsearch_stages s ON s.id = t.stage_id
"""


def sgemm_rate(_: int) -> float:
    """Return the best GFLOP/s of a large square product on one thread."""
    a = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    best, end = np.inf, time.perf_counter() + 3
    while time.perf_counter() < end:
        began = time.perf_counter()
        np.dot(a, a, out=out)
        best = min(best, time.perf_counter() - began)
    return 2 * 2048**3 / best / 1e9


def both_cores() -> float:
    """Sum of the rates of as many processes as there are workers, at the same time."""
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        return sum(pool.map(sgemm_rate, range(WORKERS)))


def memory(pid: int) -> tuple[float, float]:
    """MB of a process's own memory, and of the files that it maps and shares."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    own, shared = (int(fields[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile"))
    return own, shared


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def second_start() -> float:
    """How long a second worker takes until it could train, beside one that is busy (s)."""
    pool = LokyPool(2)
    try:
        pool.submit(_ready, _WORK).result()
        pool.submit(time.sleep, 5)
        began = time.perf_counter()
        pool.submit(_ready, _WORK).result()
        return time.perf_counter() - began
    finally:
        pool.close()


def main() -> None:
    """Run the search once; print share, memory and start."""
    starts = sorted(second_start() for _ in range(5))
    print(f"a second worker's start: {', '.join(f'{each:.2f}' for each in starts)} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "search.db"
        before = both_cores()
        command = [sys.executable, "-m", "hpsearch", "launch", str(ROOT / "studies" / "coarse_to_fine.toml")]
        command += ["--workers", str(WORKERS), "--storage", f"sqlite:///{database}", "--reports", folder, "--quiet"]
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT)
        own: dict[int, float] = {}
        shared = 0.0
        while process.poll() is None:
            time.sleep(0.5)
            try:
                for pid in children(process.pid):
                    mine, files = memory(pid)
                    own[pid], shared = max(own.get(pid, 0.0), mine), max(shared, files)
            except (OSError, KeyError):  # a process that has ended
                continue
        seconds = time.perf_counter() - began
        rate = (before + both_cores()) / 2
        with sqlite3.connect(database) as connection:
            samples = sum(int(json.loads(data)["train"]) * done for data, done in connection.execute(QUERY))
    products = [FIRST, *[OTHERS] * (len(SIZES) - 2)]
    flop = 2.0 * samples * sum(n * a * b for n, a, b in zip(products, SIZES, SIZES[1:], strict=False))
    workers = sorted(own.values())[-WORKERS:]
    reached = flop / seconds / 1e9
    print(f"whole search: {seconds:.1f} s, {reached:.0f} of {rate:.0f} GFLOP/s: {reached / rate:.2f}")
    print(
        f"memory: {' and '.join(f'{mb:.0f}' for mb in workers)} MB per worker, {shared:.0f} MB of shared, mapped data"
    )
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
