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
from hpsearch.data.augmentation import Augmentation, EpochAugmentation
from hpsearch.errors import ModelError
from hpsearch.nn import Network
from hpsearch.nn.random import generator
from hpsearch.nn.training import Measured, Tally, batch_rows, measure, train_epoch
from hpsearch.spec import Setting
from hpsearch.workers.failing import TrainingError
from hpsearch.workers.plugin import Plugin, layers, read_plugin
from hpsearch.workers.recipe import decays_of, loss_of, optimiser_of, schedule_of
from hpsearch.workers.stopping import stops

_SIDES = ("train", "validation")
CURVE = ("epoch", "eta", *(f"{side}_{metric}" for side in _SIDES for metric in ("cost", "loss", "accuracy")))
"""What a curve's row has."""

_UNCHANGED = Augmentation()


@dataclass(frozen=True)
class Task:
    """One trial's part of a segment: its setting, where its first weights come from, and how far it has come."""

    trial_id: int
    setting: Setting
    key: tuple[str, int]  # (stage, point): with replicate and the study's seed it gives the first weights
    state: bytes | None = None  # what the last segment left; None at the beginning
    best: float = -1.0  # highest validation accuracy so far
    best_weights: bytes | None = None  # needed only where the test set is looked at
    history: tuple[float, ...] = ()  # needed only with early stopping: its metric at each epoch so far


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
    augmentation: Augmentation = _UNCHANGED
    ends: bool = False  # is `last` the last epoch of the training?
    test: bool = False  # score the kept weights of each trial that ends here on the test images


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
    """What a segment did to one trial; a curve's rows are as `CURVE` says."""

    trial_id: int
    curve: list[tuple[float, ...]] = field(default_factory=list)
    state: bytes = b""
    best: Best | None = None
    test: Test | None = None
    failed: tuple[int, str] | None = None  # epoch and reason
    stopped: str | None = None  # why it ended before its time, with the curve's last row
    parameters: int = 0

    @property
    def ended(self) -> bool:
        """Has it failed or stopped, so that later epochs are not its own?"""
        return self.failed is not None or self.stopped is not None


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


def run_segment(segment: Segment) -> SegmentResult:
    """Train a cohort for the segment's epochs.

    Raises ModelError or DataError if the model file or the prepared images are not those of the launch, TrainingError
    for what the model file raises.
    """
    began = time.perf_counter()
    split, plugin = _open(segment.split), _plugin(segment)
    try:
        results = _train(segment, split, plugin)
    except BaseException as error:
        raise TrainingError.of(error) from None
    return SegmentResult(tuple(results), time.perf_counter() - began)


def _plugin(segment: Segment) -> Plugin:
    plugin = read_plugin(segment.model)
    if plugin.hash != segment.model_hash:
        raise ModelError(f"{segment.model}: the model file has changed since the study was launched")
    return plugin


def _train(segment: Segment, split: Split, plugin: Plugin) -> list[TaskResult]:
    cohort = _Cohort(segment, split, plugin)
    with np.errstate(all="ignore"):  # a diverging trial is found from its own numbers
        for epoch in range(segment.first, segment.last + 1):
            cohort.train(epoch)
            if not cohort.running:
                break
        cohort.end()
        if segment.test:
            cohort.look_at_test()
    return cohort.results


class _Cohort:
    """A segment under way: the network, and each trial's result so far."""

    def __init__(self, segment: Segment, split: Split, plugin: Plugin) -> None:
        self.segment, self.split = segment, split
        self.trainings = [task.setting.training for task in segment.tasks]
        self.common = self.trainings[0]  # but for λ, η and the length, trainings of a cohort are equal
        self.network = _network(segment, split, plugin)
        self.results = [TaskResult(task.trial_id, parameters=self.network.size) for task in segment.tasks]
        self.lam = np.array([training.lambda_ for training in self.trainings])
        self.decays = decays_of(self.trainings)
        self.schedules = [schedule_of(training, split.images) for training in self.trainings]
        self.optimiser = optimiser_of(self.common)

    @property
    def running(self) -> bool:
        return any(not result.ended for result in self.results)

    def _generator(self, purpose: str, epoch: int) -> np.random.Generator:
        """The same for all trials of a stage."""
        return generator(self.segment.seed, purpose, self.segment.replicate, epoch)

    def train(self, epoch: int) -> None:
        """Train one epoch, measure, and take each trial's numbers down."""
        segment, split, network = self.segment, self.split, self.network
        order = self._generator("order", epoch).permutation(split.images)
        varied = EpochAugmentation(
            segment.augmentation, split.image_shape, split.images, lambda purpose: self._generator(purpose, epoch)
        )
        tally = Tally(network, split.images) if self.common.curves == "running" else None
        eta = train_epoch(
            network,
            self.optimiser,
            split.train_x,
            split.train_y,
            varied.order(order),
            epoch=epoch,
            batch_size=self.common.batch_size,
            schedules=self.schedules,
            lam=self.decays,
            rngs=[generator(segment.seed, "layers", *t.key, segment.replicate, epoch) for t in segment.tasks],
            augment=varied if segment.augmentation.shift or segment.augmentation.noise else None,
            tally=tally,
        )
        on_train = tally.measured(self.lam) if tally else self._measure_training()
        on_validation = measure(network, split.validation_x, split.validation_y, self.lam)
        for k in range(len(self.results)):
            self._note(k, epoch, float(eta[k]), on_train[k], on_validation[k])

    def _measure_training(self) -> list[Measured]:
        """On all training images, or on the first ones: rows are stored shuffled, so these are a random sample."""
        images = self.split.images
        sample = slice(0, images if self.common.curves == "all" else min(images, len(self.split.validation_x)))
        return measure(self.network, self.split.train_x[sample], self.split.train_y[sample], self.lam)

    def _note(self, k: int, epoch: int, eta: float, on_train: Measured, on_validation: Measured) -> None:
        """Add an epoch to trial k's curve, keep its weights if they are to be kept, and see whether it ends."""
        task, result = self.segment.tasks[k], self.results[k]
        if result.ended:
            return
        for name, value in (("training cost", on_train.cost), ("validation cost", on_validation.cost)):
            if not math.isfinite(value):
                what = "NaN" if math.isnan(value) else "infinite"
                result.failed = (epoch, f"the {name} became {what} in epoch {epoch}")
                return
        measured = [number for m in (on_train, on_validation) for number in (m.cost, m.loss, m.accuracy)]
        result.curve.append((epoch, eta, *measured))
        stop = task.setting.training.stop
        if stop is not None and not (self.segment.ends and epoch == self.segment.last):
            column = CURVE.index(f"validation_{stop.metric}")
            result.stopped = stops([*task.history, *(row[column] for row in result.curve)], stop)
        best = result.best.value if result.best else task.best
        last = self.common.keep == "last"
        if on_validation.accuracy > best if not last else result.stopped or epoch == self.segment.last:
            correct = np.packbits(on_validation.predicted == self.split.validation_y).tobytes()
            weights = pack(self.network.weights(k))
            result.best = Best(epoch, on_validation.accuracy, weights, correct, len(self.split.validation_y))

    def end(self) -> None:
        """Keep what each trial needs to go on."""
        for k, result in enumerate(self.results):
            if not result.ended:
                result.state = pack(self.network.state(k))

    def look_at_test(self) -> None:
        """Score the kept weights of each trial that has come to its end on the test images."""
        ending = [not result.failed and (self.segment.ends or bool(result.stopped)) for result in self.results]
        if not any(ending):
            return
        for k, (task, result) in enumerate(zip(self.segment.tasks, self.results, strict=True)):
            weights = result.best.weights if result.best else task.best_weights
            if weights:
                self.network.load(k, unpack(weights))
        x, y = self.split.test_x, self.split.test_y
        for result, found, ends in zip(self.results, measure(self.network, x, y, self.lam), ending, strict=True):
            if ends:
                correct = np.packbits(found.predicted == y).tobytes()
                result.test = Test(found.cost, found.loss, found.accuracy, found.predicted, correct)


def _network(segment: Segment, split: Split, plugin: Plugin) -> Network:
    training = segment.tasks[0].setting.training
    network = Network(
        layers(plugin, len(split.classes), segment.tasks[0].setting.parameters),
        inputs=split.train_x.shape[1],
        trials=len(segment.tasks),
        rows=batch_rows(split.images, training.batch_size),
        loss=loss_of(training),
    )
    for k, task in enumerate(segment.tasks):
        if task.state is None:
            network.initialise(k, generator(segment.seed, "weights", *task.key, segment.replicate))
        else:
            network.load(k, unpack(task.state))
    return network
