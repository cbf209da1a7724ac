"""What is kept of trials that are deleted: how often they were evaluated on the test set. May import SQLAlchemy."""

from typing import Any

from sqlalchemy import Connection, func, select, update

from hpsearch.storage import schema


def count_test_evaluations(connection: Connection, chosen: Any) -> None:
    """Add the evaluations on the test set that are about to be deleted to the counts of their stages."""
    trial, stage = schema.trials.c, schema.stages.c
    query = select(trial.stage_id, func.count()).where(chosen, trial.test_value.is_not(None))
    for stage_id, number in connection.execute(query.group_by(trial.stage_id)).all():
        connection.execute(
            update(schema.stages).where(stage.id == stage_id).values(test_evaluations=stage.test_evaluations + number)
        )
