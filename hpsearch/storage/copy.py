"""A study's rows, Optuna's and ours, from one database into another, with new ids. May import SQLAlchemy."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, Table, insert, select

from hpsearch.storage import schema
from hpsearch.storage.bulk import insert_all
from hpsearch.storage.damage.blobs import TABLES, intact
from hpsearch.storage.mirror.tables import OF_STUDIES, OF_TRIALS, STUDIES, TRIALS

_AT_ONCE = 1000
_LARGE = 10
"""So many rows with weights or predictions are in memory at a time."""

Ids = Mapping[Any, int]
Row = dict[str, Any]


def copy_study(source: Connection, target: Connection, study_id: int) -> None:
    """Insert all rows of a study of `source` into `target`; its name must be free there. Raises DamagedError."""
    stages, trials = schema.stages, schema.trials
    of_study = stages.c.study_id == study_id
    mirrored = select(stages.c.optuna_study_id).where(of_study)
    optuna_studies = _copy(source, target, STUDIES, select(STUDIES).where(STUDIES.c.study_id.in_(mirrored)))
    shown = select(TRIALS).where(TRIALS.c.study_id.in_(mirrored))
    optuna_trials = _copy(source, target, TRIALS, shown, study_id=optuna_studies)
    for table in OF_STUDIES:
        _copy(source, target, table, select(table).where(table.c.study_id.in_(mirrored)), study_id=optuna_studies)
    for table in OF_TRIALS:
        theirs = select(table).join(TRIALS).where(TRIALS.c.study_id.in_(mirrored))
        _copy(source, target, table, theirs, trial_id=optuna_trials)
    studies = _copy(source, target, schema.studies, select(schema.studies).where(schema.studies.c.id == study_id))
    chosen = select(stages).where(of_study)
    new_stages = _copy(source, target, stages, chosen, study_id=studies, optuna_study_id=optuna_studies)
    labels = select(schema.labels).join(stages).where(of_study)
    _copy(source, target, schema.labels, labels, stage_id=new_stages)
    searched = select(trials).join(stages).where(of_study)
    new_trials = _copy(source, target, trials, searched, stage_id=new_stages, optuna_trial_id=optuna_trials)
    for table in schema.OF_TRIALS:
        results = select(table).join_from(table, trials).join_from(trials, stages).where(of_study)
        _copy(source, target, table, results, trial_id=new_trials)


def _copy(source: Connection, target: Connection, table: Table, query: Select[Any], **renumbered: Ids) -> Ids:
    """Insert the rows that `query` finds, some columns by what they become; return the new ids by the old ones."""
    key = next((column.name for column in table.primary_key if column is table.autoincrement_column), None)
    found: dict[Any, int] = {}
    for rows in _batches(source, table, query.order_by(*table.primary_key)):
        old = [row.pop(key) for row in rows] if key else []
        for row in rows:
            row.update({name: ids.get(row[name]) for name, ids in renumbered.items()})
        if key:
            found.update(zip(old, insert_all(target, table, rows), strict=True))
        else:
            target.execute(insert(table), rows)
    return found


def _batches(source: Connection, table: Table, query: Select[Any]) -> Iterator[list[Row]]:
    at_once = _LARGE if table in TABLES else _AT_ONCE
    rows = intact(source, query.execution_options(yield_per=at_once))
    while part := [dict(row._mapping) for row in islice(rows, at_once)]:
        yield part
