"""The search of lab report 5 as the peers run it: its data, its stages, and the learning rate of each update.

8 λ at random, 8 in the range of the best three, 5 on a grid in the range of the best three of those, and the best one
trained three times on more data: what `studies/coarse_to_fine.toml` asks for.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH, HIDDEN, CLASSES, HALF_CYCLE = 100, 50, 10, 2
ETA_MIN, ETA_MAX = 1e-5, 1e-1
LOW, HIGH = 1e-5, 1e-1
WORKERS = 2


@dataclass(frozen=True)
class Sizes:
    """Samples for training in the search and in the final, and the epochs of the first stage and of the others."""

    train: int = 45_000
    final: int = 49_000
    first: int = 8
    others: int = 12


SIZES = Sizes(**json.loads(os.environ.get("SIZES", "{}")))


@dataclass(frozen=True)
class Data:
    """Standardised images (n, 3072) and labels (n,): for training, validation and the test."""

    x: np.ndarray
    y: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load(train: int, validation: int = 5_000) -> Data:
    """Return CIFAR-10 from its binary layout in $HPSEARCH_DATA."""
    folder = Path(os.environ["HPSEARCH_DATA"]) / "cifar-10-batches-bin"
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    records = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in names])
    x, y = records[:, 1:].astype(np.float32) / 255, records[:, 0].astype(np.int64)
    order = np.random.default_rng(0).permutation(50_000)
    chosen, held = order[:train], order[train : train + min(validation, 50_000 - train)]
    mean, deviation = x[chosen].mean(axis=0), x[chosen].std(axis=0)
    x -= mean
    x /= deviation
    return Data(x[chosen], y[chosen], x[held], y[held], x[50_000:], y[50_000:])


def rate(update: int, updates: int) -> float:
    """Return the learning rate of an update, of so many in an epoch: up and down again between ETA_MIN and ETA_MAX."""
    at = update / (HALF_CYCLE * updates) % 2
    return ETA_MIN + (ETA_MAX - ETA_MIN) * (at if at < 1 else 2 - at)


def around(scores: dict[float, float]) -> tuple[float, float]:
    """Return the range of the best three λ, by their accuracies."""
    best = sorted(scores, key=lambda lam: -scores[lam])[:3]
    return min(best), max(best)


def grid(low: float, high: float) -> list[float]:
    """Return five λ in a range."""
    return [math.exp(value) for value in np.linspace(math.log(low), math.log(high), 5)]


def end(scores: dict[float, float], tests: Sequence[float], trials: int) -> None:
    """Print the result as JSON."""
    best = max(scores, key=lambda lam: scores[lam])
    found = {"lambda": best, "validation": scores[best], "test": float(np.mean(tests)), "trials": trials}
    print(json.dumps(found))
