"""The state of a study that `top` shows, as one frame of frozen values. May import storage and SQLAlchemy.

It is read in a few queries; the database is never written.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, func, select

from hpsearch.errors import StorageError
from hpsearch.storage import claims, objectives, reading, schema
from hpsearch.storage.records import COMPLETE, FAILED, INTERRUPTED, PRUNED, RUNNING, WAITING, Goal

_Row = Row[*tuple[Any, ...]]

MAX_ROWS = 50
"""The leaders, cohorts and failures that are read at most; a terminal has hardly more lines."""


@dataclass(frozen=True)
class StageFacts:
    """The state of a stage; `epochs` is the expected total."""

    name: str
    state: str
    trials: int | None
    done: int
    pruned: int
    failed: int
    epochs: int
    epochs_done: int
    best: float | None
    test: float | None
    ended: str | None
    goal: Goal
    best_trial: str | None = None
    params: Mapping[str, Any] | None = None
    is_final: bool = False


@dataclass(frozen=True)
class TrialFacts:
    """A configuration by its first trial, STAGE:NUMBER, and its objective by epoch.

    Of several replicates, which `trials` names, the epochs are the sums, and `value` and `curve` the means over them.
    """

    trial: str
    params: Mapping[str, Any]
    epochs: int
    epochs_done: int
    value: float | None
    curve: Sequence[float]
    values: Sequence[float] = ()  # of several objectives
    trials: Sequence[str] = ()


@dataclass(frozen=True)
class CohortFacts:
    """Trials, STAGE:NUMBER, that train as one computation, their configurations, and the curve of the best of them."""

    trials: Sequence[str]
    params: Sequence[Mapping[str, Any]]
    epochs: int
    epochs_done: int
    value: float | None
    curve: Sequence[float]


@dataclass(frozen=True)
class Frame:
    """A study at one moment; leaders and cohorts are those of `stage`. Not all cohorts may be listed."""

    study: str
    state: str
    coordinator: str | None
    stages: Sequence[StageFacts]
    stage: str | None
    goal: Goal
    leaders: Sequence[TrialFacts]
    cohorts: Sequence[CohortFacts]
    cohorts_total: int
    trials_under_way: int
    failures: Sequence[str]

    @property
    def epochs_done(self) -> int:
        """Of all stages."""
        return sum(stage.epochs_done for stage in self.stages)


def running_studies(connection: Connection, storage: str) -> list[str]:
    """Return the studies that a process runs, the newest first."""
    column = schema.studies.c
    rows = connection.execute(select(column.id, column.name).where(column.state == RUNNING).order_by(column.id.desc()))
    return [row.name for row in rows.all() if claims.is_held(storage, row.id)]


def newest_study(connection: Connection) -> str:
    """Return the study that was launched last. Raises StorageError if there is none."""
    names = reading.study_names(connection)
    if not names:
        raise StorageError("the database holds no studies; `hpsearch launch STUDY_FILE` makes one")
    return names[-1]


def frame(connection: Connection, storage: str, name: str) -> Frame:
    """Read the state of a study. Raises StorageError if there is none of that name."""
    study = reading.get_study(connection, name)
    held = study.state == RUNNING and claims.is_held(storage, study.id)
    rows = reading.overview(connection, name)
    begun = [row for row in rows if row["stage_state"] != WAITING]
    current = next((row for row in begun if row["stage_state"] == RUNNING), begun[-1] if begun else None)
    cohorts = _cohorts(connection, current["stage_id"]) if current else []
    return Frame(
        study=name,
        state=INTERRUPTED if study.state == RUNNING and not held else study.state,
        coordinator=claims.holder(connection, study.id) if held else None,
        stages=stages_of(connection, rows),
        stage=current["stage"] if current else None,
        goal=rows[0]["goal"],
        leaders=_leaders(connection, current) if current else [],
        cohorts=_with_curves(connection, current, cohorts[:MAX_ROWS]) if current else [],
        cohorts_total=len(cohorts),
        trials_under_way=sum(map(len, cohorts)),
        failures=_failures(connection, current) if current else [],
    )


def stages_of(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[StageFacts]:
    """The state of each stage in rows of `reading.overview`."""
    epochs = _epochs(connection, [row["stage_id"] for row in rows])
    return [_stage(row, epochs.get(row["stage_id"], (0, 0, 0))) for row in rows]


def _epochs(connection: Connection, stage_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Return of each stage: stored trials; their epochs, trained or to come; the epochs of those that have ended."""
    trial = schema.trials.c
    unfinished = trial.state.in_([WAITING, RUNNING])
    query = select(
        trial.stage_id,
        func.count().label("rows"),
        func.sum(case((unfinished, trial.epochs), else_=trial.epochs_done)).label("epochs"),
        func.sum(case((unfinished, 0), else_=trial.epochs_done)).label("of_ended"),
    ).where(trial.stage_id.in_(stage_ids))
    rows = connection.execute(query.group_by(trial.stage_id))
    return {row.stage_id: (row.rows, int(row.epochs), int(row.of_ended)) for row in rows}


def _stage(row: Mapping[str, Any], epochs: tuple[int, int, int]) -> StageFacts:
    stored, known, of_ended = epochs
    done, pruned, failed = (int(row[key] or 0) for key in ("done", "pruned", "failed"))
    ended = done + pruned + failed
    each = of_ended / ended if ended else known / max(1, stored)
    missing = 0 if row["stage_state"] == COMPLETE else max(0, (row["trials"] or 0) - stored)
    return StageFacts(
        name=row["stage"],
        state=row["stage_state"],
        trials=row["trials"],
        done=done,
        pruned=pruned,
        failed=failed,
        epochs=known + round(missing * each),
        epochs_done=int(row["epochs_done"] or 0),
        best=row["best"],
        test=row["test"],
        ended=row["ended"],
        goal=row["goal"],
        best_trial=None if row["number"] is None else f"{row['stage']}:{row['number']}",
        params=row["params"],
        is_final=row["kind"] == "final",
    )


class _Leader(NamedTuple):
    """The first trial of a configuration, its mean value over so many replicates, and those of several objectives."""

    id: int
    value: float
    replicates: int
    values: Sequence[float] = ()


def _best(connection: Connection, stage: Mapping[str, Any]) -> list[_Leader]:
    """The best configurations, in the order of the ranking."""
    goal: Goal = stage["goal"]
    if goal.objectives:
        leaders = objectives.front_first(connection, stage["stage_id"], goal)[:MAX_ROWS]
        return [_Leader(leader.id, leader.values[0], 1, leader.values) for leader in leaders]
    rows = reading.best_first(connection, [stage["stage_id"]]).get(stage["stage_id"], [])
    return [_Leader(row["trial"], row["best"], row["replicates"]) for row in rows[:MAX_ROWS]]


def _leaders(connection: Connection, stage: Mapping[str, Any]) -> list[TrialFacts]:
    """The best configurations of a stage so far, by the mean over their replicates; of several objectives the front."""
    trial = schema.trials.c
    best = _best(connection, stage)
    first = select(trial.id, trial.number, trial.point, trial.params)
    rows = {row.id: row for row in connection.execute(first.where(trial.id.in_([each.id for each in best])))}
    query = select(trial.id, trial.number, trial.point, trial.epochs, trial.epochs_done).order_by(trial.replicate)
    query = query.where(trial.stage_id == stage["stage_id"], trial.state.not_in([FAILED, PRUNED, WAITING]))
    members: dict[int, list[_Row]] = {}
    for row in connection.execute(query.where(trial.point.in_([row.point for row in rows.values()]))):
        members.setdefault(row.point, []).append(row)
    curves = reading.history(connection, [each.id for found in members.values() for each in found], "value")
    found = []
    for each in best:
        if each.id not in rows:
            continue
        first_row = rows[each.id]
        trials = members.get(first_row.point, [])
        if not trials:
            continue
        found.append(
            TrialFacts(
                trial=f"{stage['stage']}:{first_row.number}",
                params=first_row.params,
                epochs=sum(member.epochs for member in trials),
                epochs_done=sum(member.epochs_done for member in trials),
                value=each.value,
                curve=_mean_curve([_curve(curves, member.id) for member in trials]),
                values=each.values,
                trials=[f"{stage['stage']}:{member.number}" for member in trials],
            )
        )
    return found


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """The mean by epoch, as far as all curves go; those that have not begun are not waited for."""
    return [fmean(values) for values in zip(*filter(None, curves), strict=False)]


def _cohorts(connection: Connection, stage_id: int) -> list[list[_Row]]:
    """The running trials of a stage, by cohort; those with the most epochs first."""
    trial = schema.trials.c
    query = select(trial.id, trial.number, trial.cohort, trial.epochs, trial.epochs_done, trial.value)
    query = query.where(trial.stage_id == stage_id, trial.state == RUNNING)
    found: dict[tuple[int, int], list[_Row]] = {}
    for row in connection.execute(query.order_by(trial.epochs_done.desc(), trial.number)):
        # trials that wait at a rung keep the number of their last cohort, whose others may be some epochs further
        found.setdefault((row.cohort, row.epochs_done), []).append(row)
    return list(found.values())


def _with_curves(
    connection: Connection, stage: Mapping[str, Any], cohorts: Sequence[Sequence[_Row]]
) -> list[CohortFacts]:
    trial, sign, name = schema.trials.c, stage["goal"].sign, stage["stage"]
    leaders = [max(cohort, key=lambda row: -math.inf if row.value is None else sign * row.value) for cohort in cohorts]
    curves = reading.history(connection, [row.id for row in leaders], "value")
    ids = [row.id for cohort in cohorts for row in cohort]
    query = select(trial.id, trial.params).where(trial.id.in_(ids))
    configurations = {row.id: row.params for row in connection.execute(query)}
    return [
        CohortFacts(
            trials=[f"{name}:{row.number}" for row in cohort],
            params=[configurations[row.id] for row in cohort],
            epochs=best.epochs,
            epochs_done=best.epochs_done,
            value=best.value,
            curve=_curve(curves, best.id),
        )
        for cohort, best in zip(cohorts, leaders, strict=True)
    ]


def _curve(curves: Mapping[int, Sequence[float]], trial_id: int) -> list[float]:
    return [value for value in curves.get(trial_id, ()) if value is not None]


def _failures(connection: Connection, stage: Mapping[str, Any]) -> list[str]:
    """Why trials of a stage failed, the last one first."""
    trial = schema.trials.c
    query = select(trial.number, trial.reason).where(trial.stage_id == stage["stage_id"], trial.state == FAILED)
    rows = connection.execute(query.order_by(trial.number.desc()).limit(MAX_ROWS))
    return [f"{stage['stage']}:{row.number} failed: {row.reason}" for row in rows]
