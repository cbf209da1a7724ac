"""A study: stored, resumed, grown, deleted. May import Optuna and SQLAlchemy."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Connection, delete, insert, select, update

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.mirror import rows as mirror
from hpsearch.storage.mirror.tables import mirror_name
from hpsearch.storage.records import COMPLETE, INTERRUPTED, PRUNED, RUNNING, WAITING, NewStage, NewStudy
from hpsearch.storage.writing.stages import add_stage, delete_trials, now


def add_study(connection: Connection, storage: RDBStorage, new: NewStudy, stages: Sequence[NewStage]) -> int:
    """Store a study with its stages, all waiting; return its id."""
    values = vars(new) | {"state": RUNNING, "created_at": now(), "launches": 1}
    inserted = connection.execute(insert(schema.studies).values(values)).inserted_primary_key
    assert inserted is not None
    study_id = int(inserted[0])
    for position, stage in enumerate(stages):
        add_stage(connection, storage, study_id, new.name, position, stage)
    return study_id


def set_study_state(connection: Connection, study_id: int, state: str) -> None:
    """Say that a study is running, interrupted, complete or failed."""
    finished = now() if state == COMPLETE else None
    values = {"state": state, "finished_at": finished}
    connection.execute(update(schema.studies).where(schema.studies.c.id == study_id).values(values))


def count_launch(connection: Connection, study_id: int, environment: Mapping[str, Any]) -> None:
    """Note that a study was resumed, and on what."""
    column = schema.studies.c
    values = {"launches": column.launches + 1, "environment": environment, "state": RUNNING}
    connection.execute(update(schema.studies).where(column.id == study_id).values(values))


def accept_model(connection: Connection, study_id: int, model: Mapping[str, Any]) -> None:
    """Take another model file for the trials to come: {"file", "hash", "text", "former"}."""
    connection.execute(update(schema.studies).where(schema.studies.c.id == study_id).values(model=dict(model)))


def grow(
    connection: Connection,
    storage: RDBStorage,
    study_id: int,
    text: str,
    grown: Sequence[str],
    added: Sequence[NewStage],
    points: Mapping[str, int],
) -> None:
    """Store a study file that asks for more: a longer text, stages that go on, stages at the end.

    `grown` names stages with more trials or longer budgets, `points` the number of points that each had; trials that a
    budget stopped go on. `added` stages come before the final. What had begun after a change is marked as stale.
    """
    study, column = schema.studies.c, schema.stages.c
    name = connection.execute(select(study.name).where(study.id == study_id)).scalar_one()
    of_study = select(column.id, column.name, column.position, column.state, column.batches, column.kind)
    rows = connection.execute(of_study.where(column.study_id == study_id).order_by(column.position)).all()
    changed = [row.position for row in rows if row.name in grown and row.state != WAITING]
    for row in rows:
        if row.name in grown and row.state != WAITING:
            batches = [*row.batches, points[row.name]] if row.name in points else row.batches
            values = {"state": RUNNING, "ended": None, "finished_at": None, "batches": batches}
            connection.execute(update(schema.stages).where(column.id == row.id).values(values))
            _go_on(connection, row.id)
    if added:
        changed.append(_insert_stages(connection, storage, study_id, name, rows, added) - 1)
    if changed:
        later = (column.study_id == study_id, column.position > min(changed), column.state != WAITING)
        connection.execute(update(schema.stages).where(*later).values(stale=True))
    values = {"text": text, "state": INTERRUPTED, "finished_at": None}
    connection.execute(update(schema.studies).where(study.id == study_id).values(values))


def _go_on(connection: Connection, stage_id: int) -> None:
    """Let the trials that a budget stopped, not a pruner, go on where they are."""
    column = schema.trials.c
    stopped = (column.stage_id == stage_id, column.state == PRUNED, column.pruned_at.is_(None))
    found = connection.execute(select(column.id, column.epochs, column.epochs_done).where(*stopped)).all()
    for begun in (True, False):
        ids = [row.id for row in found if bool(row.epochs_done) == begun]
        for part in chunks(ids):
            values = {"state": RUNNING if begun else WAITING, "reason": None}
            connection.execute(update(schema.trials).where(column.id.in_(part)).values(values))
    mirror.reopen(connection, [(row.id, row.epochs, bool(row.epochs_done)) for row in found])


def _insert_stages(
    connection: Connection,
    storage: RDBStorage,
    study_id: int,
    study: str,
    rows: Sequence[Any],
    added: Sequence[NewStage],
) -> int:
    """Insert stages before the final, or at the end; return the position of the first."""
    column = schema.stages.c
    first: int = rows[-1].position if rows[-1].kind == "final" else rows[-1].position + 1
    for row in rows:
        if row.position >= first:
            position = row.position + len(added)
            connection.execute(update(schema.stages).where(column.id == row.id).values(position=position))
            mirrored = connection.execute(select(column.optuna_study_id).where(column.id == row.id)).scalar()
            former = mirror_name(study, row.position, row.name)
            mirror.rename_study(connection, mirrored, former, mirror_name(study, position, row.name))
    for position, stage in enumerate(added, start=first):
        add_stage(connection, storage, study_id, study, position, stage)
    return first


def delete_study(connection: Connection, study_id: int) -> None:
    """Delete a study with all its results, from Optuna's tables too."""
    column = schema.stages.c
    query = select(column.id, column.optuna_study_id, column.position, column.name).where(column.study_id == study_id)
    stages = connection.execute(query).all()
    name = connection.execute(select(schema.studies.c.name).where(schema.studies.c.id == study_id)).scalar_one()
    delete_trials(connection, [stage.id for stage in stages])
    for part in chunks([stage.id for stage in stages]):
        connection.execute(delete(schema.labels).where(schema.labels.c.stage_id.in_(part)))
    connection.execute(delete(schema.stages).where(column.study_id == study_id))
    connection.execute(delete(schema.claims).where(schema.claims.c.study_id == study_id))
    connection.execute(delete(schema.studies).where(schema.studies.c.id == study_id))
    for stage in stages:
        mirror.delete_study(connection, stage.optuna_study_id, mirror_name(name, stage.position, stage.name))
