"""Trains a trainable: one trial of a segment. May import trainables, data and spec."""

import time
import warnings

from hpsearch.data import Split
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import CheckedTrainable, common_seed, make, seed_of, squeezed
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.epoch_results import evaluates_on_test, kept, measured_rows, on_test, record
from hpsearch.workers.segments.results import TaskResult
from hpsearch.workers.segments.segment import Segment, Task


def data_of(split: Split, seed: int) -> Data:
    """The training set as a trainable gets it."""
    samples, labels = split.train_x[: split.samples], split.train_y[: split.samples]
    names = split.classes, split.targets
    return Data(samples, squeezed(labels), len(split.classes), split.image_shape, seed, *names)


def train_trainable(segment: Segment, task: Task, split: Split, plugin: Plugin) -> TaskResult:
    """Train one trial of a segment whose model is a trainable."""
    with warnings.catch_warnings():  # of libraries, which would disturb the progress bars; `check` shows them
        warnings.simplefilter("ignore")
        trained = _made(segment, task, split, plugin)
        began = time.perf_counter()
        if task.state is not None:
            trained.restore(task.state)
        result = TaskResult(task.trial_id, restoring=time.perf_counter() - began)
        for epoch in range(segment.first, segment.last + 1):
            _epoch(segment, task, split, trained, epoch, result)
            if result.ended:
                break
        else:
            result.state = trained.save()
        weights = kept(task, result)
        if weights and evaluates_on_test(segment, result):
            fresh = _made(segment, task, split, plugin)  # `restore` need only work on a new trainable
            fresh.restore(weights)
            metrics = segment.measures.metrics
            result.test = on_test(fresh.evaluate(split.test_x, split.test_y, metrics), split, segment.measures)
        return result


def _made(segment: Segment, task: Task, split: Split, plugin: Plugin) -> CheckedTrainable:
    seed = seed_of(segment.seed, task.key, segment.replicate)
    return make(plugin, data_of(split, common_seed(segment.seed, segment.replicate)), seed, task.configuration)


def _epoch(
    segment: Segment, task: Task, split: Split, trained: CheckedTrainable, epoch: int, result: TaskResult
) -> None:
    training = task.configuration.training
    sample, metrics = measured_rows(split, training.curves), segment.measures.metrics
    trained.train(epoch)
    record(
        segment,
        task,
        result,
        epoch=epoch,
        eta=training.eta or 0.0,
        on_train=trained.evaluate(split.train_x[sample], split.train_y[sample], metrics),
        on_validation=trained.evaluate(split.validation_x, split.validation_y, metrics),
        split=split,
        weights=trained.save,
    )
