"""Version 7: the true labels of the samples that trials are evaluated on. Changes no result."""

from alembic.operations import Operations
from sqlalchemy import Column, ForeignKey, Integer, String, inspect

from hpsearch.storage.column_types import Blob

VERSION = 7

_NAME = "hpsearch_labels"


def migrate(operations: Operations) -> None:
    """Add the table, empty: the labels of earlier studies are stored when these are resumed.

    Whoever opens the database to write makes the tables that are missing, so that it may be there.
    """
    if inspect(operations.get_bind()).has_table(_NAME):
        return
    operations.create_table(
        _NAME,
        Column("stage_id", Integer, ForeignKey("hpsearch_stages.id"), primary_key=True, autoincrement=False),
        Column("split", String(16), primary_key=True),
        Column("fold", Integer, primary_key=True, autoincrement=False),
        Column("samples", Integer, nullable=False),
        Column("labels", Blob, nullable=False),
        Column("scale", Blob),
    )
