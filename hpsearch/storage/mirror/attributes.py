"""What an objective notes of its trial, as Optuna's dashboard shows it. May import SQLAlchemy."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert

from hpsearch.storage.mirror.rows import mirrored
from hpsearch.storage.mirror.tables import TRIAL_ATTRIBUTES
from hpsearch.storage.records import Progress

OURS = ("reason", "replicate")
"""Attributes that say something else."""

_LONGEST = 512
_MOST_CHARACTERS = 2_000


def note_attributes(connection: Connection, results: Sequence[Progress]) -> None:
    """Show the attributes that trials were given, in place of those of an earlier call."""
    results = [result for result in results if result.attributes]
    known = mirrored(connection, [result.trial.id for result in results]) if results else {}
    rows = [
        {"trial_id": known[result.trial.id], "key": key, "value_json": text}
        for result in results
        for key, value in result.attributes.items()
        if result.trial.id in known
        and key not in OURS
        and len(key) <= _LONGEST
        and len(text := json.dumps(value)) <= _MOST_CHARACTERS
    ]
    column = TRIAL_ATTRIBUTES.c
    for row in rows:
        same = (column.trial_id == row["trial_id"]) & (column.key == row["key"])
        connection.execute(delete(TRIAL_ATTRIBUTES).where(same))
    if rows:
        connection.execute(insert(TRIAL_ATTRIBUTES), rows)
