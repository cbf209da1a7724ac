"""The cases that are measured: shapes, samples, and the FLOP of training them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH, SAMPLES = 100, 5000


@dataclass(frozen=True)
class Case:
    """Networks 3072-hidden-10 of `trials` trials, trained together where the library can."""

    hidden: tuple[int, ...]
    trials: int
    optimiser: str = "sgd"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (3072, *self.hidden, 10)

    def flop(self) -> float:
        """FLOP of an update's products: forward, the gradient of W, and, but for the first layer, that of its input."""
        layers = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        products = sum((2 if i == 0 else 3) * a * b for i, (a, b) in enumerate(layers))
        return 2.0 * BATCH * self.trials * products


CASES = {
    "two-layer": Case((50,), 8),
    "two-layer-of-4": Case((50,), 4),
    "two-layer-alone": Case((50,), 1),
    "two-layer-momentum": Case((50,), 8, "momentum"),
    "two-layer-nesterov": Case((50,), 8, "nesterov"),
    "two-layer-adam": Case((50,), 8, "adam"),
    "two-layer-adamw": Case((50,), 8, "adamw"),
    "softmax": Case((), 16),
    "three-layer": Case((256, 128), 1),
}


def samples() -> tuple[np.ndarray, np.ndarray]:
    """5,000 standardised training images of CIFAR-10 (n, 3072), labels (n,), where $HPSEARCH_DATA has its binary
    layout; else random numbers of that shape.
    """
    folder = Path(os.environ.get("HPSEARCH_DATA", "")) / "cifar-10-batches-bin"
    if (folder / "data_batch_1.bin").exists():
        records = np.fromfile(folder / "data_batch_1.bin", np.uint8).reshape(-1, 3073)[:SAMPLES]
        x, y = records[:, 1:].astype(np.float32), records[:, 0].astype(np.int64)
        return np.ascontiguousarray((x - x.mean(axis=0)) / x.std(axis=0)), y
    rng = np.random.default_rng(0)
    return rng.standard_normal((SAMPLES, 3072), dtype=np.float32), rng.integers(0, 10, SAMPLES)
