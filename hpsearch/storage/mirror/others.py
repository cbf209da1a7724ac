"""What other programs do in Optuna's tables: trials that they add, rows that they leave. May import SQLAlchemy."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from hpsearch.storage import schema
from hpsearch.storage.mirror.tables import NAME, OF_STUDIES, OF_TRIALS, STUDIES, TRIALS


def readable(text: str) -> Any:
    """The JSON of an attribute; None where it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def make_room(connection: Connection, study_id: int | None, numbers: Sequence[int]) -> None:
    """Move trials that another program added out of the way of ours, to numbers after all.

    Optuna numbers a trial by how many there are, so that the next of ours would have the number of theirs.
    """
    own = TRIALS.c.study_id == study_id
    taken = own & TRIALS.c.number.between(min(numbers), max(numbers))
    found = connection.execute(select(TRIALS.c.trial_id).where(taken).order_by(TRIALS.c.trial_id)).scalars().all()
    if not found:
        return
    last = max(connection.execute(select(func.max(TRIALS.c.number)).where(own)).scalar_one(), max(numbers))
    for number, trial_id in enumerate(found, start=last + 1):
        connection.execute(update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(number=number))


def strangers(connection: Connection, stage_id: int, study_id: int) -> Iterator[int]:
    """The numbers of the trials of a stage's Optuna study that are none of hpsearch's."""
    ours = select(schema.trials.c.optuna_trial_id).where(
        schema.trials.c.stage_id == stage_id, schema.trials.c.optuna_trial_id.is_not(None)
    )
    query = select(TRIALS.c.number).where(TRIALS.c.study_id == study_id, TRIALS.c.trial_id.not_in(ours))
    yield from connection.execute(query.order_by(TRIALS.c.number)).scalars()


def shown_study(connection: Connection, stage_id: int) -> int | None:
    """The id of the Optuna study of a stage; None where that was deleted, or another study has its id."""
    rows = schema.stages.join(schema.studies).join(STUDIES, STUDIES.c.study_id == schema.stages.c.optuna_study_id)
    query = select(STUDIES.c.study_id).select_from(rows).where(schema.stages.c.id == stage_id)
    return connection.execute(query.where(STUDIES.c.study_name == NAME)).scalar()


def delete_orphans(connection: Connection) -> int:
    """Delete rows of Optuna's tables whose study or trial is gone, which only SQLite can have; return how many."""
    gone = 0
    studies, trials = select(STUDIES.c.study_id), select(TRIALS.c.trial_id)
    for table in (TRIALS, *OF_STUDIES):
        gone += connection.execute(delete(table).where(table.c.study_id.not_in(studies))).rowcount
    for table in OF_TRIALS:
        gone += connection.execute(delete(table).where(table.c.trial_id.not_in(trials))).rowcount
    return gone
