"""Banks of learning curves for `pruners.py`: configurations that are all trained to their end by hpsearch's own core.

A bank has random configurations (λ, η, batch size) of one data set, one schedule of the learning rate and one seed. Its
curves are kept in a file outside the repository, so that they are trained once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpsearch import data
from hpsearch.errors import HpsearchError
from hpsearch.nn import Dense, Network, ReLU
from hpsearch.nn.optimisers import OPTIMISERS
from hpsearch.nn.schedules import Schedule, constant, cosine, cyclical, step_decay, warm_up
from hpsearch.nn.training import batch_rows, measure, train_epoch, updates_per_epoch
from hpsearch.search.replay.curves import Trained

ROOT = Path(__file__).resolve().parent.parent
SEEDS = 5
ETA_MIN = 1e-5
LAMBDA = -6, -1
"""The decimal logarithms of the ends of λ's range."""
BATCH_SIZES = [50, 100]

Array = np.ndarray
Split = tuple[Array, Array, Array, Array]
"""Samples and labels to train on, and those to validate by."""


@dataclass(frozen=True)
class Dataset:
    """A data set and how its configurations train: `half_cycles` are those of its cyclical schedules, in epochs."""

    name: str
    train: int
    validation: int
    hidden: int
    epochs: int
    trials: int
    half_cycles: dict[str, int]

    @property
    def schedules(self) -> tuple[str, ...]:
        """The schedules that it has a bank of for each seed."""
        return ("constant", "step", "cosine", "warm-up", *self.half_cycles)


DIGITS = Dataset("digits", 1000, 437, 50, 50, 128, {"cyclical, 12 cycles": 2, "cyclical, 5 cycles": 5})
CIFAR = Dataset("cifar10", 2000, 1500, 40, 27, 80, {"cyclical, 13 cycles": 1, "cyclical, 4 cycles": 3})


@dataclass(frozen=True)
class Bank:
    """The configurations of one data set, schedule and seed, with their curves."""

    dataset: Dataset
    schedule: str
    seed: int
    configurations: tuple[Trained, ...]

    @property
    def warm_up(self) -> int:
        """The epochs of its warm-up."""
        return self.dataset.epochs // 5 if self.schedule == "warm-up" else 0


def banks(folder: Path, seeds: Sequence[int], datasets: Sequence[Dataset] = (DIGITS, CIFAR)) -> Iterator[Bank]:
    """Yield all banks, those that are not in `folder` after training them; a data set that is missing is skipped."""
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        split: Split | None = None
        for schedule in dataset.schedules:
            for seed in seeds:
                kind = schedule.replace(", ", "-").replace(" ", "-")
                file = folder / f"{dataset.name}-{kind}-{seed}-{dataset.trials}x{dataset.epochs}.npz"
                if not file.exists():
                    try:
                        split = split or _split(dataset)
                    except HpsearchError as error:
                        print(f"{dataset.name} is skipped: {error}")
                        split = None
                        break
                    began = time.process_time()
                    scores = _train(dataset, split, schedule, seed)
                    part = file.with_suffix(".part.npz")
                    np.savez(part, scores=scores)
                    part.replace(file)
                    print(f"{file.name}: {time.process_time() - began:.0f} s of one core", flush=True)
                yield Bank(dataset, schedule, seed, _read(file))
            else:
                continue
            break


def _split(dataset: Dataset) -> Split:
    """Its samples, standardised; images of CIFAR-10 as means of 4 × 4 pixels, which take a tenth of the time."""
    loaded = data.load(dataset.name, data.data_directory(None), ROOT)
    total = dataset.train + dataset.validation
    rows = np.random.default_rng(0).permutation(len(loaded.labels))[:total]
    x, y = np.asarray(loaded.samples[np.sort(rows)], np.float32), np.asarray(loaded.labels)[np.sort(rows)]
    if dataset.name == "cifar10":
        x = x.reshape(total, 3, 8, 4, 8, 4).mean(axis=(3, 5)).reshape(total, -1)
    order = np.random.default_rng(1).permutation(total)
    x, y = x[order], y[order].astype(np.int64)
    mean, deviation = x[: dataset.train].mean(axis=0), x[: dataset.train].std(axis=0)
    x = np.ascontiguousarray((x - mean) / np.where(deviation > 0, deviation, 1), np.float32)
    return x[: dataset.train], y[: dataset.train], x[dataset.train :], y[dataset.train :]


def _schedule(dataset: Dataset, schedule: str, per_epoch: int) -> Callable[[float], Schedule]:
    if schedule == "constant":
        return constant
    if schedule == "warm-up":
        return lambda eta: warm_up(constant(eta), dataset.epochs // 5 * per_epoch)
    if schedule == "step":
        return lambda eta: step_decay(eta, 0.2, 2 * dataset.epochs // 5 * per_epoch)
    if schedule == "cosine":
        return lambda eta: cosine(eta, dataset.epochs * per_epoch)
    half = dataset.half_cycles[schedule] * per_epoch
    return lambda eta: cyclical(min(ETA_MIN, eta), eta, half)


def drawn(dataset: Dataset, schedule: str, seed: int) -> tuple[Array, Array, Array]:
    """λ, η and the batch size of a bank's configurations."""
    rng = np.random.default_rng([seed, *schedule.encode()])
    lam = 10 ** rng.uniform(*LAMBDA, dataset.trials)
    eta = 10 ** rng.uniform(*eta_of(dataset), dataset.trials)
    return lam, eta, rng.choice(BATCH_SIZES, dataset.trials)


def eta_of(dataset: Dataset) -> tuple[float, float]:
    """The decimal logarithms of the ends of η's range."""
    return -3, 0 if dataset.name == "digits" else -0.5


def _train(dataset: Dataset, split: Split, schedule: str, seed: int) -> Array:
    """Train random configurations, those of one batch size together: (configurations, epochs, accuracy and loss)."""
    lam, eta, sizes = drawn(dataset, schedule, seed)
    found = np.empty((dataset.trials, dataset.epochs, 2))
    x, y, *held_out = split
    for size in np.unique(sizes).tolist():
        members = np.flatnonzero(sizes == size)
        layers = [Dense(dataset.hidden), ReLU(), Dense(10)]
        network = Network(layers, inputs=x.shape[1], trials=len(members), rows=batch_rows(len(x), size))
        for k, number in enumerate(members):
            network.initialise(k, np.random.default_rng([seed, int(number)]))
        make = _schedule(dataset, schedule, updates_per_epoch(len(x), size))
        schedules, optimiser = [make(float(each)) for each in eta[members]], OPTIMISERS["sgd"]()
        with np.errstate(all="ignore"):  # a configuration that diverges stays at chance level
            for epoch in range(1, dataset.epochs + 1):
                order = np.random.default_rng([seed, epoch]).permutation(len(x))
                train_epoch(
                    *(network, optimiser, x, y, order),
                    epoch=epoch,
                    batch_size=size,
                    schedules=schedules,
                    lam=lam[members],
                )
                measured = measure(network, held_out[0], held_out[1], lam[members])
                found[members, epoch - 1] = [(each.accuracy, each.loss) for each in measured]
    return found


def _read(file: Path) -> tuple[Trained, ...]:
    """The configurations of a file: after each epoch the best accuracy so far, and the loss there."""
    with np.load(file) as stored:
        curves = stored["scores"].tolist()
    found = []
    for number, curve in enumerate(curves):
        best, scores = (-1.0, 0.0), []
        for accuracy, loss in curve:
            best = (accuracy, loss if np.isfinite(loss) else 1e9) if accuracy > best[0] else best
            scores.append(best)
        found.append(Trained(number, {}, len(curve), tuple(scores), (len(curve),)))
    return tuple(found)
