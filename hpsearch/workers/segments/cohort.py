"""Trains a cohort of models of layers as one batched computation, or a PyTorch module alone.

May import `hpsearch.nn`, data and spec.
"""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data import Split, class_weights
from hpsearch.data.augmentation import EpochAugmentation
from hpsearch.nn import Network
from hpsearch.nn.network import Trained
from hpsearch.nn.optimisers import Optimiser
from hpsearch.nn.random import generator
from hpsearch.nn.training import Measured, Tally, batch_rows, measure, train_epoch
from hpsearch.workers.models.built_layers import layers
from hpsearch.workers.models.checked_layers import checked
from hpsearch.workers.models.npz import pack, unpack
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.components import decays_of, loss_of, optimiser_of, schedule_of
from hpsearch.workers.segments.epoch_results import evaluates_on_test, kept, measured_rows, on_test, record
from hpsearch.workers.segments.module import exactly, module_network
from hpsearch.workers.segments.results import TaskResult
from hpsearch.workers.segments.segment import Segment


def train_cohort(segment: Segment, split: Split, plugin: Plugin) -> list[TaskResult]:
    """Train a segment whose model is layers, all its trials at once, or a module; the results, in the trials' order."""
    with exactly(plugin):
        cohort = Cohort(segment, split, plugin)
        for epoch in range(segment.first, segment.last + 1):
            cohort.train(epoch)
            if not cohort.running:
                break
        cohort.end()
        cohort.evaluate_on_test()
    return cohort.results


class Cohort:
    """The state of a segment: the network, and each trial's result so far."""

    def __init__(self, segment: Segment, split: Split, plugin: Plugin) -> None:
        self.segment, self.split = segment, split
        self.trainings = [task.configuration.training for task in segment.tasks]
        self.common = self.trainings[0]  # the trainings of a cohort differ in λ, η and length only
        assert self.common.batch_size is not None
        self.batch_size = self.common.batch_size
        made = module_network if plugin.kind == "module" else _layers
        self.network, self.optimiser = made(segment, split, plugin)
        size, products = self.network.size, self.network.multiply_adds * split.samples
        self.results = [TaskResult(task.trial_id, parameters=size, multiply_adds=products) for task in segment.tasks]
        self.lam = np.array([training.lambda_ for training in self.trainings])
        self.decays = decays_of(self.trainings)
        self.schedules = [schedule_of(training, split.samples) for training in self.trainings]

    @property
    def running(self) -> bool:
        return any(not result.ended for result in self.results)

    def _generator(self, purpose: str, epoch: int) -> np.random.Generator:
        """The same for all trials, so that a cohort shares its batches."""
        return generator(self.segment.seed, purpose, self.segment.replicate, epoch)

    def train(self, epoch: int) -> None:
        """Train one epoch, evaluate, and record each trial's metrics."""
        tally = Tally(self.network, self.split.samples) if self.common.curves == "running" else None
        eta = self.train_only(epoch, tally)
        self._record(epoch, eta, tally.measured(self.lam) if tally else self._measure_training())

    def train_only(self, epoch: int, tally: Tally | None = None) -> npt.NDArray[np.float64]:
        """Train one epoch; each trial's last η (K,)."""
        segment, split = self.segment, self.split
        order = self._generator("order", epoch).permutation(split.samples)
        varied = EpochAugmentation(
            segment.augmentation, split.image_shape, split.samples, lambda purpose: self._generator(purpose, epoch)
        )
        return train_epoch(
            self.network,
            self.optimiser,
            split.train_x,
            split.train_y,
            varied.order(order),
            epoch=epoch,
            batch_size=self.batch_size,
            schedules=self.schedules,
            lam=self.decays,
            rngs=[generator(segment.seed, "layers", *t.key, segment.replicate, epoch) for t in segment.tasks],
            augment=varied if segment.augmentation.shift or segment.augmentation.noise else None,
            tally=tally,
        )

    def _record(self, epoch: int, eta: npt.NDArray[np.float64], on_train: list[Measured]) -> None:
        segment, split = self.segment, self.split
        on_validation = self.evaluate(split.validation_x, split.validation_y)
        for k, (task, result) in enumerate(zip(segment.tasks, self.results, strict=True)):
            record(
                segment,
                task,
                result,
                epoch=epoch,
                eta=float(eta[k]),
                on_train=on_train[k],
                on_validation=on_validation[k],
                split=split,
                weights=partial(self._weights, k),
            )

    def evaluate(self, x: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> list[Measured]:
        """Measure each trial on samples x with labels or targets y."""
        return measure(self.network, x, y, self.lam, outputs=self.segment.measures.outputs)

    def _weights(self, k: int) -> bytes:
        return pack(self.network.weights(k))

    def _measure_training(self) -> list[Measured]:
        sample = measured_rows(self.split, self.common.curves)
        return self.evaluate(self.split.train_x[sample], self.split.train_y[sample])

    def end(self) -> None:
        """Keep the state from which each trial continues."""
        for k, result in enumerate(self.results):
            if not result.ended:
                result.state = pack(self.network.state(k))

    def evaluate_on_test(self) -> None:
        """Evaluate the kept weights of each trial that has ended on the test set."""
        ending = [evaluates_on_test(self.segment, result) for result in self.results]
        if not any(ending):
            return
        for k, (task, result) in enumerate(zip(self.segment.tasks, self.results, strict=True)):
            if weights := kept(task, result):
                self.network.load(k, unpack(weights))
        measured, measures = self.evaluate(self.split.test_x, self.split.test_y), self.segment.measures
        for result, found, ends in zip(self.results, measured, ending, strict=True):
            if ends:
                result.test = on_test(found, self.split, measures)


def _layers(segment: Segment, split: Split, plugin: Plugin) -> tuple[Trained, Optimiser]:
    training = segment.tasks[0].configuration.training
    assert training.batch_size is not None
    weight = training.class_weight
    network = Network(
        checked(
            layers(plugin, len(split.classes) or len(split.targets), segment.tasks[0].configuration.parameters),
            plugin.path,
        ),
        inputs=split.train_x.shape[1],
        trials=len(segment.tasks),
        rows=batch_rows(split.samples, training.batch_size),
        loss=loss_of(training),
        class_weight=None if weight is None else class_weights(weight, split.train_y[: split.samples], split.classes),
    )
    for k, task in enumerate(segment.tasks):
        if task.state is None:
            network.initialise(k, generator(segment.seed, "weights", *task.key, segment.replicate))
        else:
            network.load(k, unpack(task.state))
    return network, optimiser_of(training)
