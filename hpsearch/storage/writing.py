"""Every change of a study in the database, each as one transaction. May import spec, Optuna and SQLAlchemy.

Optuna's tables mirror ours: a study per stage, a trial per trial with the same number, so that optuna-dashboard shows
what is going on. All functions take the connection of an open `Database.transaction()`.
"""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy import Connection, delete, insert, select, update

from hpsearch.storage import tables
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    RUNNING,
    WAITING,
    NewStage,
    NewStudy,
    NewTrial,
    Progress,
    StageRow,
)

METRIC = "validation accuracy"
KEPT_WEIGHTS = 10
"""Of a finished stage, the best weights of so many trials stay in the database."""

_STATES = {COMPLETE: TrialState.COMPLETE, FAILED: TrialState.FAIL}


def now() -> str:
    """This moment, as the tables keep it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def add_study(connection: Connection, storage: RDBStorage, new: NewStudy, stages: Sequence[NewStage]) -> int:
    """Store a study with its stages, all waiting; return its id."""
    values = vars(new) | {"state": RUNNING, "created_at": now(), "launches": 1}
    inserted = connection.execute(insert(tables.studies).values(values)).inserted_primary_key
    assert inserted is not None
    study_id = int(inserted[0])
    for position, stage in enumerate(stages):
        mirrored = _create_mirror(storage, f"{new.name} / {position + 1} {stage.name}")
        row = vars(stage) | {"study_id": study_id, "position": position, "state": WAITING, "notes": []}
        connection.execute(insert(tables.stages).values(row | {"optuna_study_id": mirrored}))
    return study_id


def _create_mirror(storage: RDBStorage, name: str) -> int:
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([METRIC])
    return study._study_id


def set_study_state(connection: Connection, study_id: int, state: str) -> None:
    """Say that a study is running, interrupted, complete or failed."""
    finished = now() if state == COMPLETE else None
    values = {"state": state, "finished_at": finished}
    connection.execute(update(tables.studies).where(tables.studies.c.id == study_id).values(values))


def count_launch(connection: Connection, study_id: int, environment: Mapping[str, Any]) -> None:
    """Note that a study was resumed, and on what."""
    column = tables.studies.c
    values = {"launches": column.launches + 1, "environment": environment, "state": RUNNING}
    connection.execute(update(tables.studies).where(column.id == study_id).values(values))


def start_stage(
    connection: Connection,
    storage: RDBStorage,
    stage: StageRow,
    space: Mapping[str, Any],
    notes: Sequence[str],
    trials: Sequence[NewTrial],
) -> None:
    """Store a stage's space and all its trials, waiting, in Optuna's tables too."""
    distributions = _distributions(space, trials)
    for trial in trials:
        template = create_trial(
            state=TrialState.WAITING,
            params={key: _category(value) for key, value in trial.params.items()},
            distributions={key: distributions[key] for key in trial.params},
            user_attrs={"replicate": trial.replicate} if trial.replicate else {},
        )
        mirrored = storage.create_new_trial(stage.optuna_study_id, template)
        row = vars(trial) | {"stage_id": stage.id, "optuna_trial_id": mirrored, "state": WAITING}
        connection.execute(insert(tables.trials).values(row | {"epochs_done": 0, "seconds": 0.0}))
    values = {"space": dict(space), "notes": list(notes), "state": RUNNING, "trials": len(trials), "started_at": now()}
    connection.execute(update(tables.stages).where(tables.stages.c.id == stage.id).values(values))


def _category(value: Any) -> Any:
    """Optuna's categories are plain values: lists and tables are shown as JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _distributions(space: Mapping[str, Any], trials: Sequence[NewTrial]) -> dict[str, BaseDistribution]:
    """What the dashboard shows as each key's range; a list's numbers span from the least to the greatest."""
    found: dict[str, BaseDistribution] = {}
    for key in {key: None for trial in trials for key in trial.params}:
        entry = space.get(key, {})
        values = [trial.params[key] for trial in trials if key in trial.params]
        if "low" in entry:
            kind = IntDistribution if entry.get("integer") else FloatDistribution
            found[key] = kind(entry["low"], entry["high"], log=entry.get("log", False))
        elif "choices" not in entry and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            found[key] = FloatDistribution(min(values), max(values))
        else:
            choices = entry.get("choices", values)
            found[key] = CategoricalDistribution(list(dict.fromkeys(_category(choice) for choice in choices)))
    return found


def commit_progress(connection: Connection, storage: RDBStorage, results: Sequence[Progress]) -> None:
    """Store what a segment did to each of its trials, in our tables and in Optuna's."""
    for result in results:
        _store(connection, result)
        _mirror(storage, result)


def _store(connection: Connection, result: Progress) -> None:
    trial_id = result.trial.id
    state = FAILED if result.failure else COMPLETE if result.finished else RUNNING
    values: dict[str, Any] = {
        "state": state,
        "epochs_done": result.epochs_done,
        "reason": result.failure or result.stopped,
    }
    values |= {"seconds": tables.trials.c.seconds + result.seconds, "parameters": result.parameters}
    if result.best:
        best = result.best
        values |= {"best_epoch": best.epoch, "value": best.value}
        _replace(connection, tables.weights, trial_id, kind="best", epoch=best.epoch, content=best.weights)
        _replace(connection, tables.predictions, trial_id, split="validation", images=best.images, correct=best.correct)
    if result.test:
        test = result.test
        values |= {"test_cost": _finite(test.cost), "test_loss": _finite(test.loss), "test_accuracy": test.accuracy}
        looked = {"images": test.images, "correct": test.correct, "predicted": test.predicted}
        _replace(connection, tables.predictions, trial_id, split="test", **looked)
    connection.execute(update(tables.trials).where(tables.trials.c.id == trial_id).values(values))
    if result.curve:
        names = [column.name for column in tables.curves.c]
        rows = [dict(zip(names, (trial_id, *row), strict=True)) for row in result.curve]
        connection.execute(insert(tables.curves), rows)
    if state == RUNNING:
        _replace(connection, tables.weights, trial_id, kind="state", epoch=result.epochs_done, content=result.state)
    else:
        column = tables.weights.c
        connection.execute(delete(tables.weights).where(column.trial_id == trial_id, column.kind == "state"))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _replace(connection: Connection, table: Any, trial_id: int, **values: Any) -> None:
    """Delete and insert the row with this trial and the first of the values: the portable upsert."""
    key = next(iter(values))
    connection.execute(delete(table).where(table.c.trial_id == trial_id, table.c[key] == values[key]))
    connection.execute(insert(table).values(trial_id=trial_id, **values))


def _mirror(storage: RDBStorage, result: Progress) -> None:
    mirrored = result.trial.optuna_trial_id
    if result.trial.state == WAITING:
        storage.set_trial_state_values(mirrored, TrialState.RUNNING)
    accuracy = [column.name for column in tables.curves.c].index("validation_accuracy") - 1
    for row in result.curve:
        storage.set_trial_intermediate_value(mirrored, int(row[0]), row[accuracy])
    if result.failure:
        storage.set_trial_user_attr(mirrored, "reason", result.failure[:500])
        storage.set_trial_state_values(mirrored, TrialState.FAIL)
    elif result.finished:
        value = result.best.value if result.best else result.trial.value
        assert value is not None
        storage.set_trial_state_values(mirrored, TrialState.COMPLETE, [value])


def finish_stage(connection: Connection, stage_id: int, ranked: Sequence[int]) -> None:
    """Mark a stage as complete and let go of all weights but those of the best; `ranked` has trial ids, best first."""
    column = tables.trials.c
    others = select(column.id).where(column.stage_id == stage_id, column.id.not_in(ranked[:KEPT_WEIGHTS]))
    connection.execute(delete(tables.weights).where(tables.weights.c.trial_id.in_(others)))
    values = {"state": COMPLETE, "finished_at": now()}
    connection.execute(update(tables.stages).where(tables.stages.c.id == stage_id).values(values))


def delete_study(connection: Connection, storage: RDBStorage, study_id: int) -> None:
    """Delete a study with all its results, from Optuna's tables too."""
    stages = connection.execute(select(tables.stages).where(tables.stages.c.study_id == study_id)).all()
    chosen = select(tables.trials.c.id).where(tables.trials.c.stage_id.in_([stage.id for stage in stages]))
    for table in (tables.curves, tables.weights, tables.predictions):
        connection.execute(delete(table).where(table.c.trial_id.in_(chosen)))
    connection.execute(delete(tables.trials).where(tables.trials.c.stage_id.in_([stage.id for stage in stages])))
    connection.execute(delete(tables.stages).where(tables.stages.c.study_id == study_id))
    connection.execute(delete(tables.studies).where(tables.studies.c.id == study_id))
    for stage in stages:
        try:
            storage.delete_study(stage.optuna_study_id)
        except KeyError:  # someone deleted it in the dashboard
            continue
