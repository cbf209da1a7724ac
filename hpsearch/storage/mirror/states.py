"""The states of Optuna's trials, set for many at a time. May import SQLAlchemy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, update

from hpsearch.storage.bulk import chunks
from hpsearch.storage.mirror.tables import TRIALS

_SET_STATES = (
    update(TRIALS)
    .where(TRIALS.c.trial_id.in_(bindparam("of", expanding=True)))
    .values(
        state=bindparam("new_state"),
        datetime_start=func.coalesce(TRIALS.c.datetime_start, bindparam("began", type_=TRIALS.c.datetime_start.type)),
        datetime_complete=bindparam("end"),
    )
)


def set_states(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the `new_state` of trials (`of`), when they `began`, where that is not known, and their `end`.

    Trials of a cohort have all of it in common and are set by one statement: MariaDB's driver sends each by itself.
    """
    same: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        same[row["new_state"], row["began"], row["end"]].append(row["of"])
    for (state, began, end), ids in same.items():
        for part in chunks(ids):
            connection.execute(_SET_STATES, {"of": part, "new_state": state, "began": began, "end": end})
