"""Train a cohort for whole epochs and measure it after each. May import NumPy and `hpsearch.nn`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.network import Network
from hpsearch.nn.optimisers import Optimiser
from hpsearch.nn.products import ROWS_PER_CHUNK
from hpsearch.nn.schedules import Schedule

Array = npt.NDArray[Any]
Augment = Callable[[Array, int], None]
"""batch (N, D), number of its first sample in the epoch → None; changes the batch in place."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One trial on a set of samples: cost = loss + λ·Σ‖W‖², mean loss, accuracy, and each sample's predicted class."""

    cost: float
    loss: float
    accuracy: float
    predicted: Array  # (n,) uint8 or wider


class Tally:
    """Each trial's loss and prediction for each of n samples, collected batch by batch, and their means."""

    def __init__(self, network: Network, samples: int, dtype: npt.DTypeLike = np.float32) -> None:
        self._network = network
        self._losses = np.empty((network.trials, samples), dtype)
        self._predicted = np.empty((network.trials, samples), np.uint8 if network.outputs <= 256 else np.uint16)
        self._labels = np.empty(samples, np.int64)

    def add(self, start: int, scores: Array, y: Array) -> None:
        """Add the scores (K, N, C) of samples `start` to `start` + N, and their labels (N,)."""
        chunk = slice(start, start + len(y))
        self._losses[:, chunk] = self._network.loss.losses(scores, y)
        self._predicted[:, chunk] = scores.argmax(axis=2)
        self._labels[chunk] = y

    def measured(self, lam: npt.NDArray[np.float64]) -> list[Measured]:
        """Return each trial's means, summed in an order that does not depend on the other trials."""
        found = []
        for k, predicted in enumerate(self._predicted):
            loss = float(self._losses[k].astype(np.float64).mean())
            cost = loss + float(lam[k]) * self._network.squared_norm(k)
            found.append(Measured(cost, loss, float(np.mean(predicted == self._labels)), predicted))
        return found


def updates_per_epoch(samples: int, batch_size: int) -> int:
    """⌈samples / batch size⌉: the last batch of an epoch may be smaller."""
    return -(-samples // batch_size)


def batch_rows(samples: int, batch_size: int) -> tuple[int, ...]:
    """Return the different sizes of an epoch's batches."""
    rest = samples % batch_size
    return (batch_size, rest) if rest and samples > batch_size else (min(batch_size, samples),)


def train_epoch(
    network: Network,
    optimiser: Optimiser,
    x: Array,
    y: Array,
    order: Array,
    *,
    epoch: int,
    batch_size: int,
    schedules: Sequence[Schedule],
    lam: npt.NDArray[np.float64],
    rngs: Sequence[np.random.Generator] | None = None,
    augment: Augment | None = None,
    tally: Tally | None = None,
) -> npt.NDArray[np.float64]:
    """Train on samples x (n, D), y (n,) in the given order, epochs counted from 1; return each trial's last η (K,).

    rngs: each trial's generator of its layers' random numbers in this epoch, for networks with dropout.
    augment: changes each batch in place, given the number of its first sample in the epoch.
    tally: collects the loss and prediction of each sample during training.
    """
    updates = updates_per_epoch(len(order), batch_size)
    number = np.arange((epoch - 1) * updates, epoch * updates)
    eta = np.stack([schedule(number) for schedule in schedules], axis=1)
    batch = np.empty((batch_size, x.shape[1]), x.dtype)
    params = list(network.params.values())
    if rngs is not None:
        network.begin_epoch(rngs)
    for u in range(updates):
        rows = order[u * batch_size : (u + 1) * batch_size]
        samples = np.take(x, rows, axis=0, out=batch[: len(rows)], mode="clip")
        labels = y[rows]
        if augment is not None:
            augment(samples, u * batch_size)
        scores = network.forward(samples, training=True)
        if tally is not None:
            tally.add(u * batch_size, scores, labels)
        network.propagate(scores, labels)
        optimiser.step(params, eta[u], lam, int(number[u]))
    last: npt.NDArray[np.float64] = eta[-1]
    return last


def measure(network: Network, x: Array, y: Array, lam: npt.NDArray[np.float64]) -> list[Measured]:
    """Evaluate every trial on samples x (n, D), y (n,), in chunks of rows."""
    tally = Tally(network, len(x), x.dtype)
    for start in range(0, len(x), ROWS_PER_CHUNK):
        chunk = slice(start, start + ROWS_PER_CHUNK)
        tally.add(start, network.forward(x[chunk]), y[chunk])
    return tally.measured(lam)
