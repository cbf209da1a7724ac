"""Calls a function: one trial of a segment whose model is one. May import models, metrics and spec."""

import json
import math
import re
import warnings
from collections.abc import Container, Mapping
from typing import Any

from hpsearch.metrics import MOST, Metric, MetricError, parse
from hpsearch.spec import SUGGESTED, VALUE
from hpsearch.workers.models.checked_trainable import seed_of
from hpsearch.workers.models.functions import Ended, Trial, call
from hpsearch.workers.models.npz import pack
from hpsearch.workers.models.plugin import Plugin, on_one_line
from hpsearch.workers.models.predictions import PredictionError, of_numbers
from hpsearch.workers.segments.early_stopping import stops
from hpsearch.workers.segments.epoch_results import stop_column
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.measures import MEASURED
from hpsearch.workers.segments.results import CURVE, Best, TaskResult
from hpsearch.workers.segments.segment import Segment, Task

_NAME = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)

_NOTHING = pack({})
"""The state and the weights of a function: it is called again instead."""


def evaluate_function(segment: Segment, task: Task, plugin: Plugin) -> TaskResult:
    """Call the function of a trial, up to the segment's last epoch, each of which is a step of the function."""
    result = TaskResult(task.trial_id, state=_NOTHING)
    seed, (_, number) = seed_of(segment.seed, task.key, segment.replicate), task.key
    trial = Trial(task.configuration.parameters, seed, number)
    steps = _Steps(segment, task, result)
    with warnings.catch_warnings():  # of libraries, which would disturb the progress bars
        warnings.simplefilter("ignore")
        try:
            call(plugin.function, trial, steps.take, segment.last, segment.ends)
        except Ended as ended:
            if not (result.failed or (segment.ends and steps.number >= segment.last)):
                result.stopped = result.stopped or str(ended)
        except BaseException as error:  # the function's own, SystemExit and KeyboardInterrupt as well
            failure = TrainingError.of(error)
            result.failed, result.trace = (max(steps.number + 1, segment.first), failure.reason), failure.trace
    noted = trial.user_attrs | ({SUGGESTED: trial.suggested} if trial.suggested else {})
    result.attributes = {key: value for key, value in noted.items() if _is_plain(value)}
    if result.curve and (segment.ends or result.stopped):  # before, what there is depends on where a segment ends
        known = {row["metric"] for row in result.metrics}
        numbers = {key: value for key, value in result.attributes.items() if _is_further(key, value)}
        result.metrics += _rows(int(result.curve[-1][0]), numbers, without=known)
    return result


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_further(name: Any, value: Any) -> bool:
    """Is it a number under a name that a metric may have, so that it is recorded beside those of the study?"""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST
    return is_number and isinstance(name, str) and _NAME.fullmatch(name) is not None and name not in MEASURED


def _rows(epoch: int, numbers: Mapping[str, float], without: Container[str] = ()) -> list[dict[str, Any]]:
    """Rows of the table of metrics."""
    return [
        {"epoch": epoch, "metric": name, "train": None, "validation": float(number)}
        for name, number in numbers.items()
        if name not in without
    ]


class _Steps:
    """Records what a function returns at each of its steps; those before the segment are known already."""

    def __init__(self, segment: Segment, task: Task, result: TaskResult) -> None:
        self.segment, self.task, self.result, self.number = segment, task, result, 0

    def take(self, value: Any) -> bool:
        """Record the next step. Returns whether a further one is wanted."""
        self.number += 1
        if self.number >= self.segment.first:
            try:
                self._record(_numbers(value, self.segment))
            except PredictionError as error:
                self.result.failed = self.number, f"the function{error}"
        return not self.result.ended and self.number < self.segment.last

    def _record(self, numbers: Mapping[str, float]) -> None:
        segment, result, epoch = self.segment, self.result, self.number
        measures, training = segment.measures, self.task.configuration.training
        for metric in measures.metrics:
            if not abs(found := numbers[metric.name]) <= MOST:
                what = "NaN" if math.isnan(found) else "infinite" if math.isinf(found) else f"{found:.3g}"
                raise PredictionError(f" must return finite numbers, none beyond {MOST}, {metric.name} was {what}")
        value, sign = numbers[measures.objective.name], measures.objective.sign
        none, loss = (math.nan,) * 3, -sign * value
        result.curve.append((epoch, 0.0, *none, loss, loss, math.nan, value))
        result.metrics += _rows(epoch, {key: number for key, number in numbers.items() if _is_further(key, number)})
        at_end = segment.ends and epoch == segment.last
        if training.stop is not None and not at_end:
            column = CURVE.index(stop_column(training.stop))
            result.stopped = stops(
                [*self.task.history, *(row[column] for row in result.curve)], training.stop, measures.objective
            )
        best = sign * result.best.value if result.best else self.task.best
        if training.keep == "last" or sign * value > best:
            result.best = Best(epoch, value, _NOTHING)


def _check_direction(name: str, metric: Metric) -> None:
    """Refuse a number by the name of a metric that is better the other way: an accuracy to be minimised, say."""
    try:
        known = parse(name)
    except MetricError:
        return
    if known.direction not in (None, metric.direction):
        rule = f"returned {name!r}, but the study's direction is {metric.direction!r}"
        raise PredictionError(f" {rule}; return it under another name if that is meant")


def _numbers(value: Any, segment: Segment) -> Mapping[str, float]:
    """The study's metrics by name. Raises PredictionError for what has none."""
    metrics = segment.measures.metrics
    names = [metric.name for metric in metrics]
    if isinstance(value, Mapping):
        if names != [VALUE] or VALUE in value:
            return of_numbers(value, metrics)
        if len(value) != 1:  # of a single number there is no doubt
            said = ", ".join(map(str, value)) or "an empty mapping"
            rule = "must say by which to search: [objective] metric = { returned = ... }, or optimise(metric=...)"
            raise PredictionError(f" returned {said}; the study {rule}")
        ((name, value),) = value.items()
        _check_direction(str(name), metrics[0])
    given = value if isinstance(value, tuple | list) and len(names) > 1 else (value,)
    if len(given) == len(names):
        try:
            return of_numbers(dict(zip(names, given, strict=True)), metrics)
        except PredictionError:
            pass
    wanted = "a number" if len(names) == 1 else f"{len(names)} numbers, {', '.join(names)},"
    said = "nothing" if value is None else on_one_line(value)
    raise PredictionError(f" must return {wanted} or a mapping with {' and '.join(map(repr, names))}, returned {said}")
