"""Measure one trainer on one case in this process, pinned to one core: `python one.py TRAINER CASE CORE ROUNDS`.

Prints JSON: seconds of an update per trial in the best and the median round, and the sgemm rate of the same process,
GFLOP/s of a 2048 × 2048 product, measured between the rounds.
"""

import json
import os
import sys
import time

import numpy as np
from cases import BATCH, CASES, samples
from trainers import TOGETHER, TRAINERS


def sgemm_rate(a: np.ndarray, out: np.ndarray) -> float:
    start = time.perf_counter()
    np.dot(a, a, out=out)
    return 2 * len(a) ** 3 / (time.perf_counter() - start) / 1e9


def main(trainer: str, name: str, core: int, rounds: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    case, (x, y) = CASES[name], samples()
    epoch = TRAINERS[trainer](case, x, y)
    a = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    epoch()
    seconds, rates = [], []
    for _ in range(rounds):
        rates.append(max(sgemm_rate(a, out) for _ in range(3)))
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    updates = -(-len(x) // BATCH) * (case.trials if trainer in TOGETHER else 1)
    flop = case.flop() / case.trials
    found = {
        "trainer": trainer,
        "case": name,
        "best": min(seconds) / updates,
        "median": float(np.median(seconds)) / updates,
        "sgemm": max(rates),
        "share": flop / (min(seconds) / updates) / max(rates) / 1e9,
        "median_share": float(np.median(flop / (np.array(seconds) / updates) / np.array(rates) / 1e9)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
