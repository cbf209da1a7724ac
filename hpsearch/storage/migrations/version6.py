"""Version 6: predictions at every epoch at which a trial can be chosen, not only at the best. Changes no result."""

from alembic.operations import Operations
from sqlalchemy import Column, ForeignKey, Integer, String, inspect

from hpsearch.storage.column_types import Blob

VERSION = 6

_NAME, _NEW = "hpsearch_predictions", "hpsearch_predictions_6"
_KEPT = ("samples", "correct", "predicted", "outputs")


def migrate(operations: Operations) -> None:
    """Make the table anew, whose key the epoch now belongs to: SQLite cannot change a table's key.

    An upgrade that was killed between the last two steps has left no table of this name. Whoever opens the database to
    write makes the tables that are missing, so that there may be an empty one instead.
    """
    found = inspect(operations.get_bind())
    columns = {column["name"] for column in found.get_columns(_NAME)} if found.has_table(_NAME) else set()
    former, begun = bool(columns) and "epoch" not in columns, found.has_table(_NEW)
    if not former and not begun:
        return
    if former:
        if begun:
            operations.drop_table(_NEW)
        _fill(operations)
    if columns:
        operations.drop_table(_NAME)
    operations.rename_table(_NEW, _NAME)


def _fill(operations: Operations) -> None:
    operations.create_table(
        _NEW,
        Column("trial_id", Integer, ForeignKey("hpsearch_trials.id"), primary_key=True, autoincrement=False),
        Column("split", String(16), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("samples", Integer, nullable=False),
        Column("correct", Blob, nullable=False),
        Column("predicted", Blob),
        Column("outputs", Blob),
    )
    kept = ", ".join(_KEPT)
    operations.execute(
        f"INSERT INTO {_NEW} (trial_id, split, epoch, {kept}) SELECT trial_id, split, best_epoch, {kept} FROM {_NAME}"
        " JOIN hpsearch_trials ON hpsearch_trials.id = trial_id WHERE best_epoch IS NOT NULL"
    )
