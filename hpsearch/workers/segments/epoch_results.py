"""Records an epoch's metrics in a trial's result, for layers and trainables alike. May import spec and nn."""

import math
from collections.abc import Callable

import numpy as np

from hpsearch.data import Split
from hpsearch.nn.training import Measured
from hpsearch.workers.segments.early_stopping import stops
from hpsearch.workers.segments.results import CURVE, Best, TaskResult, Test
from hpsearch.workers.segments.segment import Segment, Task


def measured_rows(split: Split, curves: str) -> slice:
    """The training samples that are evaluated: all, or the first ones of the shuffled training set, a random sample."""
    return slice(0, split.samples if curves == "all" else min(split.samples, len(split.validation_x)))


def record(
    segment: Segment,
    task: Task,
    result: TaskResult,
    *,
    epoch: int,
    eta: float,
    on_train: Measured,
    on_validation: Measured,
    labels: np.ndarray,
    weights: Callable[[], bytes],
) -> None:
    """Add an epoch to a trial's curve, keep its weights if they are to be kept, and check whether it ends."""
    if result.ended:
        return
    for name, value in (("training cost", on_train.cost), ("validation cost", on_validation.cost)):
        if not math.isfinite(value):
            what = "NaN" if math.isnan(value) else "infinite"
            result.failed = (epoch, f"the {name} became {what} in epoch {epoch}")
            return
    measured = [number for m in (on_train, on_validation) for number in (m.cost, m.loss, m.accuracy)]
    result.curve.append((epoch, eta, *measured))
    training = task.configuration.training
    if training.stop is not None and not (segment.ends and epoch == segment.last):
        column = CURVE.index(f"validation_{training.stop.metric}")
        result.stopped = stops([*task.history, *(row[column] for row in result.curve)], training.stop)
    best = result.best.value if result.best else task.best
    last = training.keep == "last"
    if on_validation.accuracy > best if not last else result.stopped or epoch == segment.last:
        correct = np.packbits(on_validation.predicted == labels).tobytes()
        result.best = Best(epoch, on_validation.accuracy, weights(), correct, len(labels))


def evaluates_on_test(segment: Segment, result: TaskResult) -> bool:
    """Has the trial ended, so that its kept weights are evaluated on the test set?"""
    return segment.test and not result.failed and (segment.ends or bool(result.stopped))


def kept(task: Task, result: TaskResult) -> bytes | None:
    """The weights that the trial kept, in this segment or before."""
    return result.best.weights if result.best else task.best_weights


def on_test(found: Measured, labels: np.ndarray) -> Test:
    """The stored result of an evaluation on the test set."""
    correct = np.packbits(found.predicted == labels).tobytes()
    return Test(found.cost, found.loss, found.accuracy, found.predicted, correct)
