"""Version 4: columns, and the few sentences that are stored, have the field's names. Changes no result."""

from alembic.operations import Operations
from sqlalchemy import JSON, Column, Integer, MetaData, Table, Text, inspect, select, update

VERSION = 4

_COLUMNS = (
    ("hpsearch_stages", "looks", "test_evaluations"),
    ("hpsearch_trials", "setting", "configuration"),
    ("hpsearch_trials", "asked", "sampler_attributes"),
    ("hpsearch_trials", "doomed", "pruned_at"),
    ("hpsearch_predictions", "images", "samples"),
)
"""Table, former and new name."""

_REASONS = {"another replicate of its setting failed": "another replicate of its configuration failed"}
_NOTES = {"The best setting of stage": "The best configuration of stage"}
"""How a note begins."""

_TRIALS = Table("hpsearch_trials", MetaData(), Column("reason", Text))
_STAGES = Table("hpsearch_stages", MetaData(), Column("id", Integer), Column("notes", JSON))


def migrate(operations: Operations) -> None:
    """Rename the columns, then the sentences."""
    connection = operations.get_bind()
    for table, former, name in _COLUMNS:
        if former in {column["name"] for column in inspect(connection).get_columns(table)}:
            # Alembic's own renaming would have MySQL state the column's type again, and its collation be lost.
            operations.execute(f"ALTER TABLE {table} RENAME COLUMN {former} TO {name}")
    for former, reason in _REASONS.items():
        connection.execute(update(_TRIALS).where(_TRIALS.c.reason == former).values(reason=reason))
    for stage in connection.execute(select(_STAGES.c.id, _STAGES.c.notes)).all():
        notes = [_renamed(note) for note in stage.notes or ()]
        if notes != stage.notes:
            connection.execute(update(_STAGES).where(_STAGES.c.id == stage.id).values(notes=notes))


def _renamed(note: str) -> str:
    return next((new + note[len(former) :] for former, new in _NOTES.items() if note.startswith(former)), note)
