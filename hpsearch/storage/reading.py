"""Queries of a running study, and of `hpsearch status`. May import SQLAlchemy."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select

from hpsearch.errors import StorageError, nearest
from hpsearch.storage import objectives, schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.damage.blobs import intact
from hpsearch.storage.fronts import place
from hpsearch.storage.records import ACCURACY, COMPLETE, FAILED, PRUNED, CurvePoint, Goal, StageRow, StudyRow, TrialRow
from hpsearch.text import is_utf8


def study_names(connection: Connection) -> list[str]:
    """All studies, the oldest first."""
    return list(connection.execute(select(schema.studies.c.name).order_by(schema.studies.c.id)).scalars())


def find_study(connection: Connection, name: str) -> StudyRow | None:
    """The study of that name, or None."""
    if not is_utf8(name):  # no study can have it
        return None
    columns = [schema.studies.c[field] for field in StudyRow.__dataclass_fields__]
    row = connection.execute(select(*columns).where(schema.studies.c.name == name)).one_or_none()
    return StudyRow(*row) if row else None


def get_study(connection: Connection, name: str) -> StudyRow:
    """The study of that name. Raises StorageError, naming the nearest, if there is none."""
    found = find_study(connection, name)
    if found is None:
        known = study_names(connection)
        hint = nearest(name, known) if known else "; the database holds no studies"
        raise StorageError(f"study {name!r} does not exist{hint}")
    return found


def finished_at(connection: Connection, study_id: int) -> datetime | None:
    """When a complete study was finished; None of one that is not complete."""
    query = select(schema.studies.c.finished_at).where(schema.studies.c.id == study_id)
    found = connection.execute(query).scalar_one()
    return datetime.fromisoformat(found) if found is not None else None


def stages(connection: Connection, study_id: int) -> list[StageRow]:
    """A study's stages in order."""
    columns = [schema.stages.c[field] for field in StageRow.__dataclass_fields__]
    query = select(*columns).where(schema.stages.c.study_id == study_id).order_by(schema.stages.c.position)
    return [StageRow(*row) for row in connection.execute(query)]


def trials(connection: Connection, stage_id: int) -> list[TrialRow]:
    """A stage's trials by number."""
    trial, curve = schema.trials, schema.curves
    at_best = (curve.c.trial_id == trial.c.id) & (curve.c.epoch == trial.c.best_epoch)
    fields = [field for field in TrialRow.__dataclass_fields__ if field != "values"]
    columns = [trial.c[f] if f != "loss" else curve.c.validation_loss for f in fields]
    query = select(*columns).select_from(trial.outerjoin(curve, at_best)).where(trial.c.stage_id == stage_id)
    found = [TrialRow(*row) for row in connection.execute(query.order_by(trial.c.number))]
    if not found or not found[0].goal.objectives:
        return found
    values = objectives.of_stage(connection, stage_id, found[0].goal, best=True)
    return [replace(row, values=values[row.id][row.best_epoch]) if row.best_epoch else row for row in found]


def history(connection: Connection, trial_ids: Sequence[int], metric: str) -> dict[int, tuple[float, ...]]:
    """A column of these trials' curves, epoch by epoch, by trial id."""
    column = schema.curves.c
    query = select(column.trial_id, column[metric]).order_by(column.trial_id, column.epoch)
    found: dict[int, tuple[float, ...]] = {}
    for part in chunks(trial_ids):
        rows = connection.execute(query.where(column.trial_id.in_(part)))
        for trial_id, values in groupby(rows, key=itemgetter(0)):
            found[trial_id] = tuple(value for _, value in values)
    return found


def validation_curves(connection: Connection, stage_id: int, goal: Goal = ACCURACY) -> dict[int, list[CurvePoint]]:
    """Of each trial of a stage, by id: epoch, the objective and validation loss, epoch by epoch.

    With several objectives the scores of all of them follow in each row.
    """
    curve, trial = schema.curves.c, schema.trials.c
    query = (
        select(curve.trial_id, curve.epoch, curve.value, curve.validation_loss)
        .join_from(schema.trials, schema.curves)
        .where(trial.stage_id == stage_id)
        .order_by(curve.trial_id, curve.epoch)
    )
    rows = groupby(connection.execute(query), key=itemgetter(0))
    found: dict[int, list[CurvePoint]] = {
        trial_id: [(epoch, value, loss) for _, epoch, value, loss in curves] for trial_id, curves in rows
    }
    if not goal.objectives:
        return found
    values = objectives.of_stage(connection, stage_id, goal, best=False)
    return {
        i: [(row[0], row[1], row[2], *goal.scores(values[i][row[0]])) for row in curve] for i, curve in found.items()
    }


def weights(connection: Connection, trial_ids: Sequence[int], kind: str, *, checked: bool = True) -> dict[int, bytes]:
    """The stored weights of these trials, "state" or "best", by trial id. Raises DamagedError if they are `checked`."""
    column = schema.weights.c
    query = select(column.trial_id, column.content).where(column.kind == kind)
    parts = (query.where(column.trial_id.in_(part)) for part in chunks(trial_ids))
    read = intact if checked else Connection.execute
    return {row.trial_id: row.content for part in parts for row in read(connection, part)}


def with_weights(connection: Connection, trial_ids: Sequence[int], kind: str) -> set[int]:
    """Those of these trials whose weights are stored."""
    column = schema.weights.c
    query = select(column.trial_id).where(column.kind == kind)
    parts = (query.where(column.trial_id.in_(part)) for part in chunks(trial_ids))
    return {trial_id for part in parts for trial_id in connection.execute(part).scalars()}


def tracebacks(connection: Connection, stage_id: int) -> dict[int, str]:
    """Where the trials of a stage failed inside the model file, by number."""
    column = schema.trials.c
    query = select(column.number, column.traceback).where(column.stage_id == stage_id, column.traceback.is_not(None))
    return {row.number: row.traceback for row in connection.execute(query.order_by(column.number))}


def overview(connection: Connection, name: str | None = None) -> list[dict[str, Any]]:
    """A row for each stage of each study, or of the one of that name: its state, and how good it is so far.

    "best" is the objective of the best configuration, the mean over its replicates, "test" that on the test set,
    "number" its first trial, and "params" its values (see `best_first`); "goal" says what the objective is. With
    several objectives these are of the main one, and "front" has the configurations on the front.
    """
    study, stage, trial = schema.studies, schema.stages, schema.trials
    counted = [_count(trial.c.state == state).label(name) for name, state in _COUNTED]
    query = (
        select(
            study.c.id,
            study.c.name.label("study"),
            study.c.state,
            study.c.created_at,
            stage.c.name.label("stage"),
            stage.c.state.label("stage_state"),
            stage.c.kind,
            stage.c.trials,
            stage.c.ended,
            stage.c.stale,
            *counted,
            _count(trial.c.traceback.is_not(None)).label("tracebacks"),
            func.sum(trial.c.epochs_done).label("epochs_done"),
            func.sum(trial.c.epochs).label("epochs"),
            stage.c.id.label("stage_id"),
            stage.c.data,
        )
        .select_from(study.join(stage).outerjoin(trial))
        .group_by(study.c.id, stage.c.id)
        .order_by(study.c.id, stage.c.position)
    )
    if name is not None:
        query = query.where(study.c.name == name)
    rows = connection.execute(query).all()
    best = {stage_id: each[0] for stage_id, each in best_first(connection, [row.stage_id for row in rows]).items()}
    found = []
    for row in rows:
        goal = Goal.of(row.data)
        of_best = {key: best.get(row.stage_id, {}).get(key) for key in ("best", "test", "trial", "number")}
        front = objectives.front_first(connection, row.stage_id, goal) if goal.objectives else []
        if front:
            of_best |= {"best": front[0].values[0], "trial": front[0].id, "number": front[0].number}
        found.append(
            dict(row._mapping) | of_best | {"goal": goal, "front": [leader for leader in front if leader.front == 0]}
        )
    _add_params(connection, found)
    return found


def _add_params(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Give each row the configuration of its best trial, as "params"."""
    column = schema.trials.c
    known: dict[int, Any] = {}
    for part in chunks([row["trial"] for row in rows if row["trial"] is not None]):
        query = select(column.id, column.params).where(column.id.in_(part))
        known |= {row.id: row.params for row in connection.execute(query)}
    for row in rows:
        row["params"] = known.get(row["trial"])


_COUNTED = (("done", COMPLETE), ("failed", FAILED), ("pruned", PRUNED))


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


_Best = dict[str, Any]


def best_first(connection: Connection, stage_ids: Sequence[int]) -> dict[int, list[_Best]]:
    """The configurations of stages of one objective, the best first, as the search ranks them when they have finished.

    Each has "trial", the id of its first one, "number", "replicates", and the means "best" (validation) and "test".
    Their order is that of `place`, then of the lower validation loss, then of their first trials. One with a failed or
    pruned replicate is left out. (`search.progress.Tally` does the same as results come.)
    """
    trial, curve, stage = schema.trials.c, schema.curves.c, schema.stages
    at_best = (curve.trial_id == trial.id) & (curve.epoch == trial.best_epoch)
    gone = or_(trial.state == FAILED, and_(trial.state == PRUNED, trial.pruned_at.is_not(None)))
    complete, best = _count(trial.state == COMPLETE), func.avg(trial.value)
    query = (
        select(
            stage.c.id.label("stage_id"),
            stage.c.data,
            func.min(trial.id).label("trial"),
            func.min(trial.number).label("number"),
            func.count().label("replicates"),
            complete.label("complete"),
            func.count(trial.value).label("known"),
            best.label("best"),
            func.avg(case((trial.state == COMPLETE, trial.value))).label("ended"),
            func.avg(trial.test_value).label("test"),
            func.avg(curve.validation_loss).label("loss"),
        )
        .select_from(schema.trials.join(stage).outerjoin(schema.curves, at_best))
        .where(trial.stage_id.in_(bindparam("ids", expanding=True)), or_(trial.state != PRUNED, gone))
        .group_by(stage.c.id, trial.point)
        .having(and_(best.is_not(None), _count(gone) == 0))
    )
    found: dict[int, list[_Best]] = {}
    goals: dict[int, Goal] = {}
    for part in chunks(list(stage_ids)):
        for row in connection.execute(query, {"ids": part}):
            goals[row.stage_id] = Goal.of(row.data)
            found.setdefault(row.stage_id, []).append(dict(row._mapping))
    for stage_id, rows in found.items():
        sign, each = goals[stage_id].sign, min(row["replicates"] for row in rows)
        for one in rows:
            own = place(one["complete"], one["known"], each, sign * (one["ended"] or 0.0), sign * one["best"])
            one["best"] = sign * own[-1]
            one["place"] = (*own, -math.inf if one["loss"] is None else -one["loss"], -one["number"])
        rows.sort(key=itemgetter("place"), reverse=True)
    return found
