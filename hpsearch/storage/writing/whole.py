"""What the winner learnt from all samples, kept beside the trial of the final that it is. May import SQLAlchemy."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks

WHOLE, WHOLE_STATE = "all", "all state"
"""Kinds of weights: those of the training on all samples when it is done, and what it goes on from until then."""

_COLUMN = schema.weights.c


def whole_epoch(connection: Connection, trial_id: int, kind: str = WHOLE) -> int:
    """The epoch of the training on all samples that is stored under this kind; 0 where nothing is."""
    query = select(_COLUMN.epoch).where(_COLUMN.trial_id == trial_id, _COLUMN.kind == kind)
    return int(connection.execute(query).scalar() or 0)


def store_whole(connection: Connection, trial_id: int, epoch: int, content: bytes, *, done: bool) -> None:
    """Replace what is stored of a training on all samples, by what it goes on from, or by its result."""
    forget_whole(connection, [trial_id])
    kind = WHOLE if done else WHOLE_STATE
    connection.execute(
        insert(schema.weights), [{"trial_id": trial_id, "kind": kind, "epoch": epoch, "content": content}]
    )


def forget_whole(connection: Connection, trial_ids: Sequence[int]) -> None:
    """Delete what trainings on all samples left, such as of trials that train longer now."""
    for part in chunks(trial_ids):
        gone = delete(schema.weights).where(_COLUMN.trial_id.in_(part), _COLUMN.kind.in_((WHOLE, WHOLE_STATE)))
        connection.execute(gone)
