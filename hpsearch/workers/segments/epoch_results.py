"""Records an epoch's metrics in a trial's result, for layers and trainables alike. May import spec and nn."""

import math
from collections.abc import Callable, Sequence

from hpsearch.data import Split
from hpsearch.nn.training import Measured
from hpsearch.spec import Stop
from hpsearch.workers.segments.early_stopping import stops
from hpsearch.workers.segments.measures import Measures, predictions_of, truth_of
from hpsearch.workers.segments.results import CURVE, Best, Predictions, TaskResult, Test
from hpsearch.workers.segments.segment import Segment, Task

EPOCH, VALUE = CURVE.index("epoch"), CURVE.index("value")

_INFINITE = 1e300
"""A cost that is as large has become infinite: the database takes none whose sum with others overflows."""


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
    split: Split,
    weights: Callable[[], bytes],
) -> None:
    """Add an epoch to a trial's curve, keep its weights if they are to be kept, and check whether it ends."""
    if result.ended:
        return
    for name, value in (("training cost", on_train.cost), ("validation cost", on_validation.cost)):
        if not abs(value) < _INFINITE:
            what = "NaN" if math.isnan(value) else "infinite"
            result.failed = (epoch, f"the {name} became {what} in epoch {epoch}")
            return
    training, measures, every = task.configuration.training, segment.measures, slice(None)
    computed = measures.of(on_validation, "validation", every, split)
    value = measures.value(on_validation, computed)
    chosen_by = {measures.objective.name: value} | (computed if measures.several else {})
    for name, number in chosen_by.items():
        if math.isnan(number):
            result.failed = (epoch, f"the validation {name} became NaN in epoch {epoch}")
            return
    measured = [number for m in (on_train, on_validation) for number in (m.cost, m.loss, m.accuracy)]
    result.curve.append((epoch, eta, *measured, value))
    of_train = {}
    if computed and training.curves != "running":  # the running ones were measured in the order of training
        of_train = measures.of(on_train, "train", measured_rows(split, training.curves), split)
    result.metrics += [
        {"epoch": epoch, "metric": name, "train": of_train.get(name), "validation": number}
        for name, number in (computed | counted(measures.counted, result, epoch)).items()
    ]
    if training.stop is not None and not (segment.ends and epoch == segment.last):
        column = CURVE.index(stop_column(training.stop))
        values = [*task.history, *(row[column] for row in result.curve)]
        result.stopped = stops(values, training.stop, measures.objective)
    sign = measures.objective.sign
    best = sign * result.best.value if result.best else task.best
    last = training.keep == "last"
    if sign * value > best if not last else result.stopped or epoch == segment.last:
        result.best = Best(epoch, value, weights())
    if not last or result.best:
        found = predictions_of(on_validation, truth_of(split, "validation"), measures, classes=measures.classes)
        _keep(found, result, epoch, 1 if last else most_evidence(measures, found), sign)


def most_evidence(measures: Measures, found: Predictions) -> int:
    """Of how many epochs a trial's predictions are kept: as many as the study allows, at least of one."""
    return max(1, 1000 * measures.evidence // found.size) if found.size else 1


def _keep(found: Predictions, result: TaskResult, epoch: int, most: int, sign: float) -> None:
    """Keep the predictions of the best epochs, of equal ones of the earliest: what the trial can be chosen by."""
    result.most_evidence = most
    result.evidence[epoch] = found
    if len(result.evidence) > most:
        score = {int(row[EPOCH]): sign * row[VALUE] for row in result.curve}
        del result.evidence[min(result.evidence, key=lambda epoch: (score[epoch], -epoch))]


def counted(names: Sequence[str], result: TaskResult, epoch: int) -> dict[str, float]:
    """The costs of training up to an epoch that are objectives of the study."""
    costs = {"parameters": result.parameters, "flops": epoch * result.multiply_adds, "epochs": epoch}
    return {name: float(costs[name]) for name in names}


def stop_column(stop: Stop) -> str:
    """The column of a curve that early stopping watches."""
    return "value" if stop.metric == "objective" else f"validation_{stop.metric}"


def evaluates_on_test(segment: Segment, result: TaskResult) -> bool:
    """Has the trial ended, so that its kept weights are evaluated on the test set?"""
    return segment.test and not result.failed and (segment.ends or bool(result.stopped))


def kept(task: Task, result: TaskResult) -> bytes | None:
    """The weights that the trial kept, in this segment or before."""
    return result.best.weights if result.best else task.best_weights


def on_test(found: Measured, split: Split, measures: Measures) -> Test:
    """The stored result of an evaluation on the test set."""
    computed = measures.of(found, "test", slice(None), split)
    predictions = predictions_of(found, truth_of(split, "test"), measures, classes=True)
    return Test(found.cost, found.loss, found.accuracy, predictions, measures.value(found, computed), computed)
