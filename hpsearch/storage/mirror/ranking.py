"""What makes Optuna's best trial that of our ranking, and what trials and studies say of themselves there.

May import Optuna and SQLAlchemy. A trial of a configuration that is ranked has the value that it is ranked by, the mean
over its replicates; its own is an attribute. Where some configurations were confirmed with more replicates, which puts
them first, the others carry a constraint named "replicates" that says how many they lack: Optuna's best trial is one
without. Equal values are no tie there: the first has the next greater number that a computer knows.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from optuna.storages._rdb import models
from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.mirror.rows import mirrored
from hpsearch.storage.mirror.tables import TRIAL_ATTRIBUTES, VALUES
from hpsearch.storage.mirror.values import value_of
from hpsearch.storage.records import COMPLETE, TrialRow

SYSTEM_ATTRIBUTES = models.TrialSystemAttributeModel.__table__
STUDY_USER_ATTRIBUTES = models.StudyUserAttributeModel.__table__
_LACKING = "constraints:replicates"
OWN = ("best_epoch", "validation_loss", "test", "own_value")
"""What we say of a trial."""


class Place(NamedTuple):
    """A ranked configuration: the ids of its trials, the value that it is ranked by; of several objectives all."""

    trials: tuple[int, ...]
    values: tuple[float, ...]


def show_ranking(connection: Connection, trials: Sequence[TrialRow], ranking: Sequence[Place]) -> None:
    """Show the complete ones of a stage's trials as they are ranked; `ranking` has the best first."""
    complete = {trial.id: trial for trial in trials if trial.state == COMPLETE}
    known = mirrored(connection, list(complete))
    if not known:
        return
    places = {trial_id: place for place in ranking for trial_id in place.trials}
    most = len(ranking[0].trials) if ranking else 0
    goal = next(iter(complete.values())).goal
    first = _distinguished(ranking, goal.sign) if not goal.objectives else None
    values: dict[tuple[int, int], float] = {}
    lacking: dict[tuple[int, str], Any] = {}
    said: dict[tuple[int, str], Any] = {}
    tests = _tests(connection, list(known))
    for trial_id, optunas in known.items():
        trial, place = complete[trial_id], places.get(trial_id)
        own = trial.values if goal.objectives else (trial.value,)
        shown = own if place is None else place.values
        if place is not None and place is ranking[0] and first is not None:
            shown = (first,)
        values |= {(optunas, i): value for i, value in enumerate(shown) if value is not None and not math.isnan(value)}
        lacks = most - len(place.trials) if place is not None else most
        if lacks > 0:
            lacking[optunas, _LACKING] = float(lacks)
        facts = (trial.best_epoch, trial.loss, tests.get(trial_id), trial.value if tuple(own) != tuple(shown) else None)
        said |= {
            (optunas, key): value if not isinstance(value, float) or math.isfinite(value) else str(value)
            for key, value in zip(OWN, facts, strict=True)
            if value is not None
        }
    ids = list(known.values())
    _change_values(connection, ids, values)
    _change(connection, SYSTEM_ATTRIBUTES, "trial_id", ids, (_LACKING,), lacking)
    _change(connection, TRIAL_ATTRIBUTES, "trial_id", ids, OWN, said)


def _distinguished(ranking: Sequence[Place], sign: float) -> float | None:
    """The value of the best configuration, if another has the same one: the next better number."""
    tied = [place for place in ranking[1:] if len(place.trials) == len(ranking[0].trials)]
    value = ranking[0].values[0] if ranking else math.nan
    if not any(place.values[0] == value for place in tied):
        return None
    return math.nextafter(value, sign * math.inf)


def _tests(connection: Connection, trial_ids: Sequence[int]) -> dict[int, float]:
    column = schema.trials.c
    found: dict[int, float] = {}
    for part in chunks(trial_ids):
        query = select(column.id, column.test_value).where(column.id.in_(part), column.test_value.is_not(None))
        found |= {row.id: row.test_value for row in connection.execute(query)}
    return found


def _change_values(connection: Connection, trial_ids: Sequence[int], wanted: Mapping[tuple[int, int], float]) -> None:
    """Correct the values of trials that have one; a row of Optuna's that is missing is left to `repair-mirror`."""
    column = VALUES.c
    changes = []
    for part in chunks(trial_ids):
        query = select(column.trial_id, column.objective, column.value).where(column.trial_id.in_(part))
        for trial_id, objective, value in connection.execute(query):
            to = wanted.get((trial_id, objective))
            if to is not None and to != value:
                row = value_of(trial_id, to, objective)
                changes.append({"of": trial_id, "at": objective, "to": row["value"], "kind": row["value_type"]})
    if changes:
        where = and_(column.trial_id == bindparam("of"), column.objective == bindparam("at"))
        change = update(VALUES).where(where).values(value=bindparam("to"), value_type=bindparam("kind"))
        connection.execute(change, changes)


def _change(
    connection: Connection,
    table: Any,
    owner: str,
    ids: Sequence[int],
    keys: Sequence[str],
    wanted: Mapping[tuple[int, str], Any],
) -> None:
    """Give trials or studies these attributes, and no others of these keys; what is right already is not touched."""
    column = table.c
    found: dict[tuple[int, str], str] = {}
    for part in chunks(ids):
        query = select(column[owner], column.key, column.value_json)
        rows = connection.execute(query.where(column[owner].in_(part), column.key.in_(keys)))
        found |= {(row[0], row.key): row.value_json for row in rows}
    texts = {key: json.dumps(value) for key, value in wanted.items()}
    gone = [{"of": key[0], "named": key[1]} for key, text in found.items() if texts.get(key) != text]
    if gone:
        connection.execute(
            delete(table).where(column[owner] == bindparam("of"), column.key == bindparam("named")), gone
        )
    new = [{owner: key[0], "key": key[1], "value_json": text} for key, text in texts.items() if found.get(key) != text]
    if new:
        connection.execute(insert(table), new)


def describe_studies(connection: Connection, facts: Mapping[int, Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Give Optuna studies, by id, user attributes of these keys; those that are None are deleted."""
    wanted = {(of, key): each[key] for of, each in facts.items() for key in keys if each.get(key) is not None}
    _change(connection, STUDY_USER_ATTRIBUTES, "study_id", list(facts), keys, wanted)
