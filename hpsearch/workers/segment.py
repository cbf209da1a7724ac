"""A worker's whole job: a segment in, its result out, a pure function. May import `hpsearch.nn`, data and spec.

What a segment computes depends on its trials' settings, states and seeds alone (rule 1), so it may be done again, by
another worker, in another cohort, with the same result.
"""

import io
import math
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data import Split, open_split
from hpsearch.errors import ModelError
from hpsearch.nn import SGD, Network, schedules
from hpsearch.nn.random import generator
from hpsearch.nn.training import Measured, batch_rows, measure, train_epoch, updates_per_epoch
from hpsearch.spec import Setting, Training
from hpsearch.workers.plugin import layers, read_plugin


@dataclass(frozen=True)
class Task:
    """One trial's part of a segment: its setting, where its first weights come from, and how far it has come."""

    trial_id: int
    setting: Setting
    key: tuple[str, int]  # (stage, trial number): with the study's seed it gives the first weights
    state: bytes | None = None  # what the last segment left; None at the beginning
    best: float = -1.0  # highest validation accuracy so far
    best_weights: bytes | None = None  # needed only where the test set is looked at


@dataclass(frozen=True)
class Segment:
    """Epochs `first` to `last` (counted from 1, inclusive) of one cohort: trials of one shape and batch size."""

    tasks: tuple[Task, ...]
    split: Path
    model: Path
    model_hash: str
    seed: int
    replicate: int
    first: int
    last: int
    test: bool = False  # look at the test set after `last`, with each trial's best weights


@dataclass(frozen=True)
class Best:
    """The epoch with the highest validation accuracy so far (the earliest of equals), if it lies in this segment."""

    epoch: int
    value: float
    weights: bytes
    correct: bytes  # np.packbits over the validation images
    images: int


@dataclass(frozen=True)
class Test:
    """What the best weights do on the test images."""

    cost: float
    loss: float
    accuracy: float
    predicted: npt.NDArray[Any]  # (n,) classes
    correct: bytes


@dataclass
class TaskResult:
    """What a segment did to one trial. A curve's row: epoch, η, then cost, loss, accuracy on both sets."""

    trial_id: int
    curve: list[tuple[float, ...]] = field(default_factory=list)
    state: bytes = b""
    best: Best | None = None
    test: Test | None = None
    failed: tuple[int, str] | None = None  # epoch and reason
    parameters: int = 0


@dataclass(frozen=True)
class SegmentResult:
    """The results of all tasks, and the wall time (s) that they took together."""

    tasks: tuple[TaskResult, ...]
    seconds: float


def pack(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Arrays by name → the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The inverse of `pack`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


@lru_cache(maxsize=4)
def _open(path: Path) -> Split:
    return open_split(path)


def schedule_of(training: Training, updates: int) -> schedules.Schedule:
    """The function of the update's number that [training] describes; `updates` is their number in an epoch."""
    kind = training.schedule
    if kind.kind == "cyclical":
        half = kind.half_cycle_updates or (kind.half_cycle_epochs or 0) * updates
        return schedules.cyclical(kind.eta_min, kind.eta_max, half)
    assert training.eta is not None
    if kind.kind == "step":
        return schedules.step_decay(training.eta, kind.factor, kind.every_epochs * updates)
    return schedules.constant(training.eta)


def run_segment(segment: Segment) -> SegmentResult:
    """Train a cohort for the segment's epochs. Raises ModelError if the model file is not the one of the launch."""
    began = time.perf_counter()
    split = _open(segment.split)
    network = _network(segment, split)
    lam = np.array([task.setting.training.lambda_ for task in segment.tasks])
    batch_size = segment.tasks[0].setting.training.batch_size
    updates = updates_per_epoch(len(split.train_x), batch_size)
    rates = [schedule_of(task.setting.training, updates) for task in segment.tasks]
    results = [TaskResult(task.trial_id, parameters=network.size) for task in segment.tasks]
    optimiser = SGD()
    sample = slice(0, len(split.validation_x))  # training rows are stored shuffled: a fixed random sample
    with np.errstate(all="ignore"):  # a diverging trial is found below, from its own numbers
        for epoch in range(segment.first, segment.last + 1):
            order = generator(segment.seed, "order", segment.replicate, epoch).permutation(len(split.train_x))
            eta = train_epoch(
                network,
                optimiser,
                split.train_x,
                split.train_y,
                order,
                epoch=epoch,
                batch_size=batch_size,
                schedules=rates,
                lam=lam,
            )
            on_train = measure(network, split.train_x[sample], split.train_y[sample], lam)
            on_validation = measure(network, split.validation_x, split.validation_y, lam)
            for k, result in enumerate(results):
                _note(result, segment.tasks[k], network, k, epoch, float(eta[k]), on_train[k], on_validation[k], split)
        for k, result in enumerate(results):
            result.state = pack(network.state(k))
        if segment.test:
            _look_at_test(segment, network, results, lam, split)
    return SegmentResult(tuple(results), time.perf_counter() - began)


def _network(segment: Segment, split: Split) -> Network:
    plugin = read_plugin(segment.model)
    if plugin.hash != segment.model_hash:
        raise ModelError(f"{segment.model}: the model file has changed since the study was launched")
    training = segment.tasks[0].setting.training
    network = Network(
        layers(plugin, len(split.classes), segment.tasks[0].setting.parameters),
        inputs=split.train_x.shape[1],
        trials=len(segment.tasks),
        rows=batch_rows(len(split.train_x), training.batch_size),
    )
    for k, task in enumerate(segment.tasks):
        if task.state is None:
            network.initialise(k, generator(segment.seed, "weights", *task.key, segment.replicate))
        else:
            network.load(k, unpack(task.state))
    return network


def _note(
    result: TaskResult,
    task: Task,
    network: Network,
    k: int,
    epoch: int,
    eta: float,
    on_train: Measured,
    on_validation: Measured,
    split: Split,
) -> None:
    """Add an epoch to a trial's curve, and keep its weights if they are the best so far."""
    if result.failed:
        return
    measured = [number for m in (on_train, on_validation) for number in (m.cost, m.loss, m.accuracy)]
    for name, value in (("training cost", on_train.cost), ("validation cost", on_validation.cost)):
        if not math.isfinite(value):
            what = "NaN" if math.isnan(value) else "infinite"
            result.failed = (epoch, f"the {name} became {what} in epoch {epoch}")
            return
    result.curve.append((epoch, eta, *measured))
    if on_validation.accuracy > max(task.best, result.best.value if result.best else -1.0):
        correct = np.packbits(on_validation.predicted == split.validation_y).tobytes()
        result.best = Best(epoch, on_validation.accuracy, pack(network.weights(k)), correct, len(split.validation_y))


def _look_at_test(
    segment: Segment, network: Network, results: list[TaskResult], lam: npt.NDArray[np.float64], split: Split
) -> None:
    for k, (task, result) in enumerate(zip(segment.tasks, results, strict=True)):
        weights = result.best.weights if result.best else task.best_weights
        if weights:
            network.load(k, unpack(weights))
    for result, found in zip(results, measure(network, split.test_x, split.test_y, lam), strict=True):
        if not result.failed:
            correct = np.packbits(found.predicted == split.test_y).tobytes()
            result.test = Test(found.cost, found.loss, found.accuracy, found.predicted, correct)
