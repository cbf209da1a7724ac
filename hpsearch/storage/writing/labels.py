"""The true labels of the samples that a study's trials are evaluated on. May import SQLAlchemy."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from hpsearch.storage import schema
from hpsearch.storage.records import LabelsRecord


def store_labels(connection: Connection, study_id: int, records: Sequence[LabelsRecord]) -> None:
    """Store the labels that are not stored yet: those of a new study or stage, or of one from before there were any."""
    stage, column = schema.stages.c, schema.labels.c
    query = select(stage.name, stage.id).where(stage.study_id == study_id)
    stages = {row.name: row.id for row in connection.execute(query)}
    known = select(column.stage_id, column.split, column.fold).join_from(schema.labels, schema.stages)
    there = {tuple(row) for row in connection.execute(known.where(stage.study_id == study_id))}
    rows = [
        {
            "stage_id": stages[each.stage],
            "split": each.split,
            "fold": each.fold,
            "samples": each.samples,
            "labels": each.labels,
            "scale": each.scale,
        }
        for each in records
        if (stages[each.stage], each.split, each.fold) not in there
    ]
    if rows:
        connection.execute(insert(schema.labels), rows)
