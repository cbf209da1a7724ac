"""Optuna's tables written anew from ours. May import Optuna and SQLAlchemy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Connection, bindparam, select, update

from hpsearch.storage import reading, schema
from hpsearch.storage.mirror import notes, others, rows
from hpsearch.storage.mirror.attributes import note_attributes, noted_attributes
from hpsearch.storage.mirror.tables import STUDIES, mirror_name
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    PRUNED,
    WAITING,
    Decision,
    Goal,
    NewTrial,
    Progress,
    StageRow,
    StudyRow,
    TrialRow,
)

_CURVE = [column for column in schema.curves.c if column.name != "trial_id"]


def repair_mirror(connection: Connection, storage: RDBStorage, study: StudyRow) -> list[str]:
    """Write the Optuna studies of a study's stages anew; return their names.

    What other programs added to them is gone; notes that somebody edited, and what an objective noted of its trials,
    are kept where they still are. When trials began and ended is not in our tables: they are shown as having ended now.
    """
    others.delete_orphans(connection)
    names = []
    for stage in reading.stages(connection, study.id):
        name = mirror_name(study.name, stage.position, stage.name)
        there = connection.execute(select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)).scalar()
        kept = rows.study_attributes(connection, there, name) or {}
        trials = reading.trials(connection, stage.id)
        noted = noted_attributes(connection, [trial.id for trial in trials])
        rows.delete_study(connection, there, name)
        made = rows.create_study(connection, storage, name, Goal.of(stage.data))
        connection.execute(update(schema.stages).where(schema.stages.c.id == stage.id).values(optuna_study_id=made))
        rows.set_study_attributes(connection, made, kept)
        _add_trials(connection, replace(stage, optuna_study_id=made), trials, noted)
        notes.refresh(connection, stage.id)
        names.append(name)
    return names


def _add_trials(
    connection: Connection, stage: StageRow, trials: Sequence[TrialRow], noted: Mapping[int, Mapping[str, Any]]
) -> None:
    if not trials:
        return
    new = [
        NewTrial(each.number, each.replicate, each.params, each.configuration, each.epochs, each.point)
        for each in trials
    ]
    ids = rows.add_trials(connection, stage, new)
    change = update(schema.trials).where(schema.trials.c.id == bindparam("of")).values(optuna_trial_id=bindparam("to"))
    connection.execute(change, [{"of": each.id, "to": to} for each, to in zip(trials, ids, strict=True)])
    begun = [each for each in trials if each.state != WAITING]
    curves, seconds = _curves(connection, stage.id), _seconds(connection, stage.id)
    done = [_progress(each, curves.get(each.id, ()), seconds[each.id], noted.get(each.id, {})) for each in begun]
    rows.note_progress(connection, done)
    note_attributes(connection, done)
    pruned = [each for each in begun if each.state == PRUNED]
    rows.prune(connection, [Decision(each, each.pruned_at, each.reason or "") for each in pruned])


def _progress(trial: TrialRow, curve: Sequence[tuple[Any, ...]], seconds: float, noted: Mapping[str, Any]) -> Progress:
    """All that a trial has done, as if one segment had."""
    failure = (trial.reason or "") if trial.state == FAILED else None
    return Progress(
        replace(trial, state=WAITING),  # its start is shown too
        trial.epochs_done,
        curve,
        failure=failure or ("failed" if trial.state == FAILED else None),
        finished=trial.state == COMPLETE,
        seconds=seconds,
        attributes=noted,
    )


def _curves(connection: Connection, stage_id: int) -> Mapping[int, Sequence[tuple[Any, ...]]]:
    query = select(schema.curves.c.trial_id, *_CURVE).join_from(schema.curves, schema.trials)
    query = query.where(schema.trials.c.stage_id == stage_id).order_by(schema.curves.c.trial_id, schema.curves.c.epoch)
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for trial_id, *point in connection.execute(query):
        found[trial_id].append(tuple(point))
    return found


def _seconds(connection: Connection, stage_id: int) -> Mapping[int, float]:
    query = select(schema.trials.c.id, schema.trials.c.seconds).where(schema.trials.c.stage_id == stage_id)
    return {row.id: row.seconds for row in connection.execute(query)}
