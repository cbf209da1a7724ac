"""The values of a trial by several objectives, epoch by epoch. May import SQLAlchemy.

The main objective is a curve's `value`; cost, loss and accuracy are columns of the curve; what else is measured or
counted has a row in `hpsearch_metrics`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.records import FAILED, PRUNED, Goal, Progress

Values = tuple[float | None, ...]

_CURVE = [column.name for column in schema.curves.c][1:]


def _column(goal: Goal, metric: str) -> str | None:
    """The curve's column that has this objective; None if it is in the other table."""
    if metric == goal.metric:
        return "value"
    return f"validation_{metric}" if metric in schema.METRICS else None


def by_epoch(goal: Goal, curve: Sequence[Sequence[Any]], metrics: Sequence[Mapping[str, Any]]) -> dict[int, Values]:
    """The objectives in each epoch of a curve as a segment returns it, with the rows of its further metrics."""
    further = {(row["epoch"], row["metric"]): row["validation"] for row in metrics}
    columns = [(each.metric, _column(goal, each.metric)) for each in goal.objectives]
    return {
        int(row[0]): tuple(
            further.get((int(row[0]), metric)) if column is None else row[_CURVE.index(column)]
            for metric, column in columns
        )
        for row in curve
    }


def at_best(record: Progress) -> Values:
    """The objectives of the trial's best epoch, once the segment is stored; () of a study with one objective."""
    goal = record.trial.goal
    if not goal.objectives or record.best is None:
        return record.trial.values
    return by_epoch(goal, record.curve, record.metrics)[record.best.epoch]


def of_stage(connection: Connection, stage_id: int, goal: Goal, *, best: bool) -> dict[int, dict[int, Values]]:
    """The objectives of a stage's trials, by id and epoch: in all epochs, or only in the best one."""
    trial = schema.trials.c
    return _read(connection, goal, [trial.stage_id == stage_id], best=best)


def in_all_epochs(connection: Connection, trial_ids: Sequence[int], goal: Goal) -> dict[int, dict[int, Values]]:
    """The same of these trials, in all epochs."""
    found: dict[int, dict[int, Values]] = {}
    for part in chunks(trial_ids):
        found |= _read(connection, goal, [schema.trials.c.id.in_(part)], best=False)
    return found


@dataclass(frozen=True)
class Leader:
    """A configuration, by its first trial, with the means over its trials; `front` is 0 on the front."""

    id: int
    number: int
    values: tuple[float, ...]
    front: int


def front_first(connection: Connection, stage_id: int, goal: Goal) -> list[Leader]:
    """A stage's configurations so far, without failed and pruned ones, in the order of the ranking."""
    trial = schema.trials.c
    query = select(trial.id, trial.number, trial.point).order_by(trial.number)
    alive = trial.stage_id == stage_id, trial.value.is_not(None), trial.state.not_in([FAILED, PRUNED])
    known = of_stage(connection, stage_id, goal, best=True)
    points: dict[int, list[tuple[int, int, Values]]] = {}
    for row in connection.execute(query.where(*alive)):
        (values,) = known[row.id].values()
        points.setdefault(row.point, []).append((row.id, row.number, values))
    scores = [
        tuple(map(fmean, zip(*(goal.scores(values) for *_, values in members), strict=True)))
        for members in points.values()
    ]
    found = [
        Leader(*members[0][:2], tuple(each.sign * one for each, one in zip(goal.objectives, own, strict=True)), front)
        for members, own, front in zip(points.values(), scores, front_ranks(scores), strict=True)
    ]
    return sorted(found, key=lambda leader: (leader.front, -goal.sign * leader.values[0], leader.number))


def text_of(goal: Goal, values: Sequence[float | None]) -> str:
    """Values of several objectives as messages show them: accuracy 86.00%, flops 1516800."""
    pairs = zip(goal.objectives, values, strict=True)
    return ", ".join(f"{each.metric} {'?' if value is None else each.text(value)}" for each, value in pairs)


def _read(
    connection: Connection, goal: Goal, chosen: Sequence[ColumnElement[bool]], *, best: bool
) -> dict[int, dict[int, Values]]:
    trial, curve, other = schema.trials.c, schema.curves.c, schema.measurements.c
    columns = [_column(goal, each.metric) for each in goal.objectives]
    in_curve = [curve[name] for name in columns if name is not None]
    query = select(curve.trial_id, curve.epoch, *in_curve).join_from(schema.trials, schema.curves).where(*chosen)
    further = [each.metric for each, name in zip(goal.objectives, columns, strict=True) if name is None]
    rest = select(other.trial_id, other.epoch, other.metric, other.validation)
    rest = rest.join_from(schema.trials, schema.measurements).where(*chosen, other.metric.in_(further))
    if best:
        query = query.where(curve.epoch == trial.best_epoch)
        rest = rest.where(other.epoch == trial.best_epoch)
    beside = {(row[0], row[1], row[2]): row[3] for row in connection.execute(rest)} if further else {}
    found: dict[int, dict[int, Values]] = {}
    for trial_id, epoch, *known in connection.execute(query.order_by(curve.trial_id, curve.epoch)):
        left = iter(known)
        found.setdefault(trial_id, {})[epoch] = tuple(
            beside.get((trial_id, epoch, each.metric)) if name is None else next(left)
            for each, name in zip(goal.objectives, columns, strict=True)
        )
    return found
