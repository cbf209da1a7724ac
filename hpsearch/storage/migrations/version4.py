"""Version 4: columns, and the sentences that are stored, have the field's terms. Changes no result."""

import re

from alembic.operations import Operations
from sqlalchemy import Column, Integer, MetaData, Table, Text, inspect, select, update

from hpsearch.storage.column_types import Json

VERSION = 4

_COLUMNS = (
    ("hpsearch_stages", "looks", "test_evaluations"),
    ("hpsearch_trials", "setting", "configuration"),
    ("hpsearch_trials", "asked", "sampler_attributes"),
    ("hpsearch_trials", "doomed", "pruned_at"),
    ("hpsearch_predictions", "images", "samples"),
)
"""Table, former and new name."""

_SENTENCES = (
    (r"^another replicate of its setting failed$", "another replicate of its configuration failed"),
    (r"No setting was better than (?=[\d.]+% for \d+ in a row\.)", "No configuration was better than "),
    (
        r"(After \d+ replicates) the settings of (trials [\d, ]+) cannot be told apart\.",
        r"\1 the configurations of \2 are not statistically distinguishable.",
    ),
    (r"All of the best settings failed with", "All of the best configurations failed with"),
    (r"There was no other setting left to confirm", "There was no other configuration left to confirm"),
    (r"(After \d+ replicates) the setting of (trial \d+ is clearly the best\.)", r"\1 the configuration of \2"),
    (r"^The best setting of stage ", "The best configuration of stage "),
    (r"^(The sampler knew [\d,_]+) setting(s?) of ", r"\1 configuration\2 of "),
)
"""What version 3 wrote as the reason of a trial, the end of a stage or a note, and what this version writes instead."""

_TRIALS = Table("hpsearch_trials", MetaData(), Column("id", Integer), Column("reason", Text))
_STAGES = Table("hpsearch_stages", MetaData(), Column("id", Integer), Column("ended", Text), Column("notes", Json))


def migrate(operations: Operations) -> None:
    """Rename the columns, then the sentences."""
    connection = operations.get_bind()
    for table, former, name in _COLUMNS:
        if former in {column["name"] for column in inspect(connection).get_columns(table)}:
            # Alembic's own renaming would have MySQL state the column's type again, and its collation be lost.
            operations.execute(f"ALTER TABLE {table} RENAME COLUMN {former} TO {name}")
    of_replicates = _TRIALS.c.reason.like("another replicate%")
    for trial in connection.execute(select(_TRIALS).where(of_replicates)).all():
        values = {"reason": renamed(trial.reason)}
        connection.execute(update(_TRIALS).where(_TRIALS.c.id == trial.id).values(values))
    for stage in connection.execute(select(_STAGES)).all():
        ended, notes = stage.ended and renamed(stage.ended), [renamed(note) for note in stage.notes or ()]
        if (ended, notes) != (stage.ended, stage.notes):
            connection.execute(update(_STAGES).where(_STAGES.c.id == stage.id).values(ended=ended, notes=notes))


def renamed(text: str) -> str:
    """A stored text with this version's sentences."""
    for former, sentence in _SENTENCES:
        text = re.sub(former, sentence, text)
    return text
