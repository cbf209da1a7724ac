"""Train a cohort for whole epochs and measure it after each. May import NumPy and `hpsearch.nn`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.network import Trained
from hpsearch.nn.optimisers import Optimiser
from hpsearch.nn.products import ROWS_PER_CHUNK
from hpsearch.nn.schedules import Schedule

Array = npt.NDArray[Any]
Augment = Callable[[Array, int], None]
"""batch (N, D), number of its first sample in the epoch → None; changes the batch in place."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One trial on n samples: cost = loss + λ·Σ‖W‖², mean loss, accuracy, and each sample's predicted class.

    In a regression `predicted` are the network's values, and the accuracy is NaN.
    """

    cost: float
    loss: float
    accuracy: float
    predicted: Array  # (n,) uint8 or wider; (n, T) float32 in a regression
    outputs: Array | None = None  # (n, C) float32: the scores of the classes, if asked for; None in a regression
    returned: Mapping[str, float] | None = None  # of a trainable that returns numbers, and predicts nothing


class Tally:
    """Each trial's loss and prediction for each of n samples, collected batch by batch, and their means.

    outputs: whether to keep a classifier's scores too; a regression's outputs are its predictions anyway.
    """

    def __init__(
        self, network: Trained, samples: int, dtype: npt.DTypeLike = np.float32, *, outputs: bool = False
    ) -> None:
        self._network = network
        self._losses = np.empty((network.trials, samples), dtype)
        self._predicted = np.empty((network.trials, samples), np.uint8 if network.outputs <= 256 else np.uint16)
        self._labels = np.empty(samples, np.int64)
        self._regression = network.loss.task == "regression"
        kept = outputs or self._regression
        self._outputs = np.empty((network.trials, samples, network.outputs), np.float32) if kept else None

    def add(self, start: int, scores: Array, y: Array) -> None:
        """Add the outputs (K, N, C) or (K, N, T) of samples `start` to `start` + N, and y (N,) or (N, T)."""
        chunk = slice(start, start + len(y))
        self._losses[:, chunk] = self._network.loss.losses(scores, y)
        if self._outputs is not None:
            self._outputs[:, chunk] = scores
        if not self._regression:
            self._predicted[:, chunk] = scores.argmax(axis=2)
            self._labels[chunk] = y

    def measured(self, lam: npt.NDArray[np.float64]) -> list[Measured]:
        """Return each trial's means, summed in an order that does not depend on the other trials."""
        found = []
        for k, predicted in enumerate(self._predicted):
            loss = float(self._losses[k].astype(np.float64).mean())
            cost = loss + float(lam[k]) * self._network.squared_norm(k)
            outputs = None if self._outputs is None else self._outputs[k]
            if self._regression:
                assert outputs is not None
                found.append(Measured(cost, loss, math.nan, outputs))
            else:
                accuracy = float(np.mean(predicted == self._labels))
                found.append(Measured(cost, loss, accuracy, predicted, outputs))
        return found


def updates_per_epoch(samples: int, batch_size: int) -> int:
    """⌈samples / batch size⌉: the last batch of an epoch may be smaller."""
    return -(-samples // batch_size)


def batch_rows(samples: int, batch_size: int) -> tuple[int, ...]:
    """Return the different sizes of an epoch's batches."""
    rest = samples % batch_size
    return (batch_size, rest) if rest and samples > batch_size else (min(batch_size, samples),)


def train_epoch(
    network: Trained,
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
    """Train on samples x (n, D) in this order, epochs counted from 1; return each trial's last η (K,).

    y: labels (n,), or float32 targets (n, T) in a regression.

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


def measure(
    network: Trained, x: Array, y: Array, lam: npt.NDArray[np.float64], *, outputs: bool = False
) -> list[Measured]:
    """Evaluate every trial on samples x (n, D), labels y (n,) or targets (n, T), in chunks of rows.

    outputs: whether to keep a classifier's scores, `Measured.outputs`.
    """
    tally = Tally(network, len(x), x.dtype, outputs=outputs)
    for start in range(0, len(x), ROWS_PER_CHUNK):
        chunk = slice(start, start + ROWS_PER_CHUNK)
        tally.add(start, network.forward(x[chunk]), y[chunk])
    return tally.measured(lam)
