"""Version 5: any objective. Each epoch has its value, and further metrics have a table. Changes no result."""

from alembic.operations import Operations
from sqlalchemy import Column, ForeignKey, Integer, String, inspect

from hpsearch.storage.column_types import Blob, Json, Real

VERSION = 5

_COLUMNS = (
    ("hpsearch_trials", "test_value", Real),
    ("hpsearch_trials", "test_metrics", Json),
    ("hpsearch_curves", "value", Real),
    ("hpsearch_predictions", "outputs", Blob),
)
"""Table, name and type."""


def migrate(operations: Operations) -> None:
    """Add the columns and the table; the objective of every earlier study is the accuracy."""
    found = inspect(operations.get_bind())
    for table, name, kind in _COLUMNS:
        if name not in {column["name"] for column in found.get_columns(table)}:
            operations.add_column(table, Column(name, kind))
    operations.execute("UPDATE hpsearch_trials SET test_value = test_accuracy WHERE test_value IS NULL")
    operations.execute("UPDATE hpsearch_curves SET value = validation_accuracy WHERE value IS NULL")
    if not found.has_table("hpsearch_metrics"):
        operations.create_table(
            "hpsearch_metrics",
            Column("trial_id", Integer, ForeignKey("hpsearch_trials.id"), primary_key=True, autoincrement=False),
            Column("epoch", Integer, primary_key=True, autoincrement=False),
            Column("metric", String(64), primary_key=True),
            Column("train", Real),
            Column("validation", Real),
        )
