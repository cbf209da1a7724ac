"""What `top` shows of a study, as one frame of frozen values, read in a few queries. May import storage and SQLAlchemy.

Reads the database alone, and never writes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from hpsearch.errors import StorageError
from hpsearch.storage import claims, reading, schema
from hpsearch.storage.records import COMPLETE, FAILED, INTERRUPTED, PRUNED, RUNNING, WAITING

Found = Row[*tuple[Any, ...]]

MOST_ROWS = 50
"""So many leaders, cohorts and failures are read at most; a terminal is hardly higher."""


@dataclass(frozen=True)
class StageFacts:
    """A stage as it stands; `epochs` is what there will be, as far as is known."""

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


@dataclass(frozen=True)
class TrialFacts:
    """A configuration and its validation accuracy, epoch by epoch; of several replicates, the curve of the first."""

    number: int
    params: Mapping[str, Any]
    epochs: int
    epochs_done: int
    value: float | None
    curve: Sequence[float]


@dataclass(frozen=True)
class CohortFacts:
    """Trials that train as one computation, by number, their configurations, and the accuracy of the best of them."""

    trials: Sequence[int]
    params: Sequence[Mapping[str, Any]]
    epochs: int
    epochs_done: int
    value: float | None
    curve: Sequence[float]


@dataclass(frozen=True)
class Frame:
    """A study at one moment; `stage` is the one that leaders and cohorts belong to. Not all cohorts may be listed."""

    study: str
    state: str
    coordinator: str | None
    stages: Sequence[StageFacts]
    stage: str | None
    leaders: Sequence[TrialFacts]
    cohorts: Sequence[CohortFacts]
    cohorts_in_all: int
    trials_under_way: int
    failures: Sequence[str]

    @property
    def epochs_done(self) -> int:
        """Of all stages."""
        return sum(stage.epochs_done for stage in self.stages)


def running_studies(connection: Connection, storage: str) -> list[str]:
    """Studies that a process runs, the newest first."""
    column = schema.studies.c
    rows = connection.execute(select(column.id, column.name).where(column.state == RUNNING).order_by(column.id.desc()))
    return [row.name for row in rows.all() if claims.is_held(storage, row.id)]


def newest_study(connection: Connection) -> str:
    """The study that was launched last. Raises StorageError if there is none."""
    names = reading.study_names(connection)
    if not names:
        raise StorageError("the database holds no studies; `hpsearch launch STUDY_FILE` makes one")
    return names[-1]


def frame(connection: Connection, storage: str, name: str) -> Frame:
    """Read how a study stands. Raises StorageError if there is none of that name."""
    study = reading.get_study(connection, name)
    held = study.state == RUNNING and claims.is_held(storage, study.id)
    rows = [row for row in reading.overview(connection) if row["id"] == study.id]
    epochs = _epochs(connection, [row["stage_id"] for row in rows])
    begun = [row for row in rows if row["stage_state"] != WAITING]
    now = next((row for row in begun if row["stage_state"] == RUNNING), begun[-1] if begun else None)
    cohorts = _cohorts(connection, now["stage_id"]) if now else []
    return Frame(
        study=name,
        state=INTERRUPTED if study.state == RUNNING and not held else study.state,
        coordinator=claims.holder(connection, study.id) if held else None,
        stages=[_stage(row, epochs.get(row["stage_id"], (0, 0, 0))) for row in rows],
        stage=now["stage"] if now else None,
        leaders=_leaders(connection, now["stage_id"]) if now else [],
        cohorts=_under_way(connection, cohorts[:MOST_ROWS]),
        cohorts_in_all=len(cohorts),
        trials_under_way=sum(map(len, cohorts)),
        failures=_failures(connection, now["stage_id"]) if now else [],
    )


def _epochs(connection: Connection, stage_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Of each stage: its trials, the epochs that those that have not ended will train and the others have, of these."""
    trial = schema.trials.c
    to_come = trial.state.in_([WAITING, RUNNING])
    query = select(
        trial.stage_id,
        func.count().label("rows"),
        func.sum(case((to_come, trial.epochs), else_=trial.epochs_done)).label("epochs"),
        func.sum(case((to_come, 0), else_=trial.epochs_done)).label("of_ended"),
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
    )


def _leaders(connection: Connection, stage_id: int) -> list[TrialFacts]:
    """The best configurations of a stage so far, by the mean over their replicates."""
    trial = schema.trials.c
    of_stage = (trial.stage_id == stage_id, trial.value.is_not(None), trial.state.not_in([FAILED, PRUNED]))
    mean = func.avg(trial.value)
    best = connection.execute(
        select(mean.label("value"), func.min(trial.id).label("id"))
        .where(*of_stage)
        .group_by(trial.point)
        .order_by(mean.desc(), func.min(trial.number))
        .limit(MOST_ROWS)
    ).all()
    query = select(trial.id, trial.number, trial.params, trial.epochs, trial.epochs_done)
    rows = {row.id: row for row in connection.execute(query.where(trial.id.in_([b.id for b in best])))}
    curves = reading.history(connection, list(rows), "validation_accuracy")
    return [
        TrialFacts(
            number=row.number,
            params=row.params,
            epochs=row.epochs,
            epochs_done=row.epochs_done,
            value=float(b.value),
            curve=_curve(curves, b.id),
        )
        for b in best
        if (row := rows.get(b.id))
    ]


def _cohorts(connection: Connection, stage_id: int) -> list[list[Found]]:
    """The trials of a stage that have begun and not ended, by what they train with, the furthest first."""
    trial = schema.trials.c
    query = select(trial.id, trial.number, trial.cohort, trial.epochs, trial.epochs_done, trial.value)
    query = query.where(trial.stage_id == stage_id, trial.state == RUNNING)
    found: dict[tuple[int, int], list[Found]] = {}
    for row in connection.execute(query.order_by(trial.epochs_done.desc(), trial.number)):
        # those that were left behind at a rung keep the number of the cohort that they were in, but not its epoch
        found.setdefault((row.cohort, row.epochs_done), []).append(row)
    return list(found.values())


def _under_way(connection: Connection, cohorts: Sequence[Sequence[Found]]) -> list[CohortFacts]:
    trial = schema.trials.c
    leaders = [max(cohort, key=lambda row: -1.0 if row.value is None else row.value) for cohort in cohorts]
    curves = reading.history(connection, [row.id for row in leaders], "validation_accuracy")
    ids = [row.id for cohort in cohorts for row in cohort]
    query = select(trial.id, trial.params).where(trial.id.in_(ids))
    configurations = {row.id: row.params for row in connection.execute(query)}
    return [
        CohortFacts(
            trials=[row.number for row in cohort],
            params=[configurations[row.id] for row in cohort],
            epochs=best.epochs,
            epochs_done=best.epochs_done,
            value=best.value,
            curve=_curve(curves, best.id),
        )
        for cohort, best in zip(cohorts, leaders, strict=True)
    ]


def _curve(curves: Mapping[int, Sequence[float]], trial_id: int) -> list[float]:
    return [accuracy for accuracy in curves.get(trial_id, ()) if accuracy is not None]


def _failures(connection: Connection, stage_id: int) -> list[str]:
    """Why trials of a stage failed, the last one first."""
    trial = schema.trials.c
    query = select(trial.number, trial.reason).where(trial.stage_id == stage_id, trial.state == FAILED)
    rows = connection.execute(query.order_by(trial.number.desc()).limit(MOST_ROWS))
    return [f"trial {row.number} failed: {row.reason}" for row in rows]
