"""When trials were in training, from Optuna's table, which alone has it. May import SQLAlchemy and our frames."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy
from sqlalchemy import DateTime, Integer, column, select, table

from hpsearch.reporting.frames import Frames

_TRIALS = table(
    "trials", column("trial_id", Integer), column("datetime_start", DateTime), column("datetime_complete", DateTime)
)

_AT_ONCE = 500

Span = tuple[float, float]
"""Begin and end in seconds since the study's first trial began."""


def spans(frames: Frames) -> Mapping[int, Span]:
    """Return when each ended trial began and ended, by its id; none where Optuna's rows are gone or not readable."""
    known = {trial["optuna_trial_id"]: trial["id"] for trial in frames.rows if trial["optuna_trial_id"]}
    ids = sorted(known)
    found: dict[int, tuple[datetime, datetime]] = {}
    try:
        with frames.engine.connect() as connection:
            if not sqlalchemy.inspect(connection).has_table(_TRIALS.name):
                return {}
            for start in range(0, len(ids), _AT_ONCE):
                rows = select(_TRIALS).where(_TRIALS.c.trial_id.in_(ids[start : start + _AT_ONCE]))
                for trial, begin, end in connection.execute(rows):
                    if begin is not None and end is not None and begin <= end:
                        found[known[trial]] = begin, end
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, TypeError):  # rows that others wrote
        return {}
    first = min((begin for begin, _ in found.values()), default=None)
    if first is None:
        return {}
    return {
        trial: ((begin - first).total_seconds(), (end - first).total_seconds()) for trial, (begin, end) in found.items()
    }


def busy_seconds(found: Mapping[int, Span]) -> Mapping[int, float]:
    """Return, for each trial, for how many seconds anything was in training until it ended: without the pauses."""
    begins: list[float] = []  # of stretches without a pause
    before: list[float] = []  # what had been trained when each began
    until = busy = 0.0
    for begin, end in sorted(found.values()):
        if not begins or begin > until:
            busy += until - begins[-1] if begins else 0.0
            begins.append(begin)
            before.append(busy)
        until = max(until, end)
    places = {trial: bisect_right(begins, end) - 1 for trial, (_, end) in found.items()}
    return {trial: before[place] + found[trial][1] - begins[place] for trial, place in places.items()}
