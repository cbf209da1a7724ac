"""From what a worker computed to what is stored, and to the trial as it then stands. May import storage and workers."""

from dataclasses import replace

from hpsearch.storage.records import PRUNED, BestRecord, Decision, Progress, TestRecord, TrialRow
from hpsearch.workers.segments.results import CURVE, TaskResult
from hpsearch.workers.segments.segment import Segment

EPOCH, ACCURACY, LOSS = (CURVE.index(name) for name in ("epoch", "validation_accuracy", "validation_loss"))
"""Columns of a curve."""


def decided(decision: Decision) -> TrialRow:
    """The trial's row as the decision leaves it."""
    row = replace(decision.trial, pruned_at=decision.pruned_at, reason=decision.reason)
    return row if decision.audited else replace(row, state=PRUNED)


def after(record: Progress) -> TrialRow:
    """The trial's row as the commit left it."""
    row = replace(
        record.trial,
        state=record.outcome,
        epochs_done=record.epochs_done,
        reason=record.failure or record.stopped or record.trial.reason,
    )
    if record.best is None:
        return row
    loss = next(point[LOSS] for point in record.curve if point[EPOCH] == record.best.epoch)
    return replace(row, best_epoch=record.best.epoch, value=record.best.value, loss=loss)


def progress_of(trial: TrialRow, task: TaskResult, segment: Segment, seconds: float, cohort: int) -> Progress:
    """What a segment did to a trial; `seconds` is its share of the wall time, `cohort` the first trial's number."""
    best = test = None
    if task.best:
        found = task.best
        best = BestRecord(found.epoch, found.value, found.weights, found.correct, found.samples)
    if task.test:
        look = task.test
        predicted = look.predicted.tobytes()
        test = TestRecord(look.cost, look.loss, look.accuracy, predicted, look.correct, len(look.predicted))
    return Progress(
        trial=trial,
        epochs_done=task.failed[0] if task.failed else int(task.curve[-1][0]),
        curve=task.curve,
        state=task.state,
        best=best,
        test=test,
        failure=task.failed[1] if task.failed else None,
        stopped=task.stopped,
        parameters=task.parameters,
        seconds=seconds,
        cohort=cohort,
        finished=segment.ends or task.stopped is not None,
    )
