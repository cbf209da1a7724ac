"""From a worker's results to the stored records and the trial's new row. May import storage and workers."""

from dataclasses import replace
from typing import Any

from hpsearch.storage import objectives
from hpsearch.storage.records import (
    PRUNED,
    BestRecord,
    CurvePoint,
    Decision,
    PredictionsRecord,
    Progress,
    TestRecord,
    TrialRow,
)
from hpsearch.workers.segments.results import CURVE, TaskResult
from hpsearch.workers.segments.segment import Segment

EPOCH, VALUE, LOSS = (CURVE.index(name) for name in ("epoch", "value", "validation_loss"))
"""Columns of a curve."""


def decided(decision: Decision) -> TrialRow:
    """The trial's row after a decision."""
    row = replace(decision.trial, pruned_at=decision.pruned_at, reason=decision.reason)
    return row if decision.audited else replace(row, state=PRUNED)


def updated(record: Progress) -> TrialRow:
    """The trial's row after its progress was committed."""
    changed: dict[str, Any] = {
        "state": record.outcome,
        "epochs_done": record.epochs_done,
        "reason": record.failure or record.stopped or record.trial.reason,
        "seconds": record.trial.seconds + record.seconds,
    }
    if record.best is not None:
        loss = next(point[LOSS] for point in record.curve if point[EPOCH] == record.best.epoch)
        at_best = {"best_epoch": record.best.epoch, "value": record.best.value, "loss": loss}
        changed |= {**at_best, "values": objectives.at_best(record)}
    return replace(record.trial, **changed)


def curve_of(record: Progress) -> list[CurvePoint]:
    """What a plan needs of a segment's epochs."""
    goal = record.trial.goal
    found: list[CurvePoint] = [(int(row[EPOCH]), row[VALUE], row[LOSS]) for row in record.curve]
    if not goal.objectives:
        return found
    values = objectives.by_epoch(goal, record.curve, record.metrics)
    return [(epoch, value, loss, *goal.scores(values[epoch])) for epoch, value, loss, *_ in found]


def progress_of(trial: TrialRow, task: TaskResult, segment: Segment, seconds: float, cohort: int) -> Progress:
    """A segment's results of a trial; `seconds` is its share of the wall time, `cohort` the first trial's number."""
    best = test = None
    if task.best:
        found = task.best
        best = BestRecord(found.epoch, found.value, found.weights)
    if task.test:
        on_test = task.test
        test = TestRecord(
            on_test.cost,
            on_test.loss,
            on_test.accuracy,
            on_test.value,
            on_test.metrics,
            PredictionsRecord(**vars(on_test.predictions)),
        )
    return Progress(
        trial=trial,
        epochs_done=task.failed[0] if task.failed else int(task.curve[-1][0]),
        curve=task.curve,
        metrics=task.metrics,
        evidence={epoch: PredictionsRecord(**vars(found)) for epoch, found in task.evidence.items()},
        most_evidence=task.most_evidence,
        state=task.state,
        best=best,
        test=test,
        failure=task.failed[1] if task.failed else None,
        traceback=task.trace,
        attributes=task.attributes,
        stopped=task.stopped,
        parameters=task.parameters,
        seconds=seconds,
        cohort=cohort,
        finished=segment.ends or task.stopped is not None,
    )
