"""What an objective notes of its trial, as Optuna's dashboard shows it. May import SQLAlchemy."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from hpsearch.storage.bulk import chunks
from hpsearch.storage.mirror.ranking import OWN
from hpsearch.storage.mirror.rows import mirrored
from hpsearch.storage.mirror.tables import TRIAL_ATTRIBUTES
from hpsearch.storage.records import Progress

OURS = ("reason", "replicate", *OWN)
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


def noted_attributes(connection: Connection, trial_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The attributes that trials were given, by trial and key, as far as Optuna's tables still have them."""
    ours = {optunas: trial_id for trial_id, optunas in mirrored(connection, trial_ids).items()}
    column = TRIAL_ATTRIBUTES.c
    found: dict[int, dict[str, Any]] = {}
    for part in chunks([*ours]):
        query = select(column.trial_id, column.key, column.value_json).where(column.trial_id.in_(part))
        for trial_id, key, text in connection.execute(query):
            with suppress(ValueError):  # others may write there
                if key not in OURS:
                    found.setdefault(ours[trial_id], {})[key] = json.loads(text)
    return found
