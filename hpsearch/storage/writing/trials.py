"""A stage's trials: added, brought forward by segments, pruned, begun anew. May import Optuna and SQLAlchemy.

Nothing here takes longer for there being more trials in the stage.
"""

import json
import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, delete, func, insert, update

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks, insert_all
from hpsearch.storage.mirror import rows as mirror
from hpsearch.storage.mirror.attributes import note_attributes
from hpsearch.storage.records import (
    COMPLETE,
    PRUNED,
    RUNNING,
    WAITING,
    Decision,
    NewTrial,
    Progress,
    StageRow,
    TrialRow,
)
from hpsearch.storage.writing.evaluations import count_test_evaluations
from hpsearch.storage.writing.predictions import keeps_last, store_predictions

END, END_BEST = "end", "end best"
"""Kinds of weights by which a trial that has ended can train longer: its state then, and its best ones where no other
use keeps them. No result depends on which trials have them.
"""

_CURVE = [column.name for column in schema.curves.c]


def add_trials(connection: Connection, stage: StageRow, trials: Sequence[NewTrial]) -> list[TrialRow]:
    """Store trials of a stage that has begun, waiting, in Optuna's tables too; return them as they are read back.

    Their numbers go on where those of the stage's trials so far end.
    """
    assert stage.space is not None, "the stage has begun"
    if not trials:
        return []
    trials = [NewTrial(**json.loads(json.dumps(vars(trial)))) for trial in trials]  # a tuple is read back as a list
    mirrored = mirror.add_trials(connection, stage, trials)
    always = {"stage_id": stage.id, "state": WAITING, "epochs_done": 0, "seconds": 0.0}
    rows = [vars(trial) | always | {"optuna_trial_id": optuna} for trial, optuna in zip(trials, mirrored, strict=True)]
    ids = insert_all(connection, schema.trials, rows)
    return [
        TrialRow(
            id=trial_id,
            optuna_trial_id=optuna,
            state=WAITING,
            epochs_done=0,
            best_epoch=None,
            value=None,
            loss=None,
            **vars(trial),
        )
        for trial_id, trial, optuna in zip(ids, trials, mirrored, strict=True)
    ]


def commit_progress(connection: Connection, records: Sequence[Progress]) -> None:
    """Store what segments did to each of their trials, in our tables and in Optuna's."""
    if not records:
        return
    rows = [_trial_values(record) for record in records]
    none = {key for key in _SOMETIMES if not any(row[key] is not None for row in rows)}
    changed = [{key: value for key, value in row.items() if key not in none} for row in rows]
    connection.execute(_progress(tuple(key for key in _SOMETIMES if key not in none)), changed)
    curve = [dict(zip(_CURVE, (record.trial.id, *row), strict=True)) for record in records for row in record.curve]
    if curve:
        connection.execute(insert(schema.curves), curve)
    metrics = [{"trial_id": record.trial.id, **row} for record in records for row in record.metrics]
    if metrics:
        connection.execute(insert(schema.measurements), metrics)
    _store_weights(connection, records)
    store_predictions(connection, records)
    _forget_last(connection, [r.trial.id for r in records if r.failure and keeps_last(r.trial)])
    mirror.note_progress(connection, records)
    note_attributes(connection, records)


def _kept(key: str) -> Any:
    """The given value, or what is there already where none is given."""
    column = schema.trials.c[key.removeprefix("new_")]
    return func.coalesce(bindparam(key, type_=column.type), column)


_SOMETIMES = (
    *("new_reason", "new_traceback", "new_parameters", "new_best_epoch", "new_value", "new_cohort"),
    *("new_test_cost", "new_test_loss", "new_test_accuracy", "new_test_value", "new_test_metrics"),
)


@cache
def _progress(given: tuple[str, ...]) -> Update:
    """Change trials with these of what only some segments give: the fewer a row has, the less it costs."""
    return (
        update(schema.trials)
        .where(schema.trials.c.id == bindparam("of"))
        .values(
            state=bindparam("new_state"),
            epochs_done=bindparam("new_epochs_done"),
            seconds=schema.trials.c.seconds + bindparam("more_seconds"),
            **{key.removeprefix("new_"): _kept(key) for key in given},
        )
    )


def _trial_values(record: Progress) -> dict[str, Any]:
    best, test = record.best, record.test
    return {
        "of": record.trial.id,
        "new_state": record.outcome,
        "new_epochs_done": record.epochs_done,
        "more_seconds": record.seconds,
        "new_reason": _storable(record.failure or record.stopped),
        "new_traceback": _storable(record.traceback),
        "new_parameters": record.parameters or None,
        "new_best_epoch": best.epoch if best else None,
        "new_value": best.value if best else None,
        "new_cohort": record.cohort,
        "new_test_cost": _finite(test.cost) if test else None,
        "new_test_loss": _finite(test.loss) if test else None,
        "new_test_accuracy": test.accuracy if test else None,
        "new_test_value": _finite(test.value) if test else None,
        "new_test_metrics": dict(test.metrics) if test and test.metrics else None,
    }


def _storable(text: str | None) -> str | None:
    """A text as every database takes it: PostgreSQL knows no NUL."""
    return text.replace("\0", "\\0") if text else text


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _store_weights(connection: Connection, records: Sequence[Progress]) -> None:
    """Replace what trials go on from, and their best; of one that has ended, the state that is to be kept."""
    gone: dict[str, list[int]] = {"state": [], "best": []}
    new = []
    for record in records:
        place = {"trial_id": record.trial.id, "kind": "state"}
        if record.trial.epochs_done:
            gone["state"].append(record.trial.id)
        if record.outcome == RUNNING:
            new.append(place | {"epoch": record.epochs_done, "content": record.state})
        elif record.outcome == COMPLETE and record.keeps_end:
            new.append(place | {"kind": END, "epoch": record.epochs_done, "content": record.state})
        if record.best:
            if record.trial.best_epoch is not None:
                gone["best"].append(record.trial.id)
            place = {"trial_id": record.trial.id, "kind": "best"}
            new.append(place | {"epoch": record.best.epoch, "content": record.best.weights})
    for kind, ids in gone.items():  # together: MariaDB's driver would send a statement for each trial
        for part in chunks(ids):
            connection.execute(_DELETE_WEIGHTS, {"of": part, "of_kind": kind})
    if new:
        connection.execute(insert(schema.weights), new)


_DELETE_WEIGHTS = delete(schema.weights).where(
    schema.weights.c.trial_id.in_(bindparam("of", expanding=True)), schema.weights.c.kind == bindparam("of_kind")
)


def _forget_last(connection: Connection, trial_ids: Iterable[int]) -> None:
    """A failed trial never came to the last epoch, by which it was to be ranked; where a segment ended is no result."""
    for trial_id in trial_ids:
        for table in (schema.weights, schema.predictions):
            connection.execute(delete(table).where(table.c.trial_id == trial_id))
        none = {"best_epoch": None, "value": None}
        connection.execute(update(schema.trials).where(schema.trials.c.id == trial_id).values(none))


def decide(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Store what was decided against trials: they are pruned, but for audited ones, of which it is only noted."""
    if not decisions:
        return
    column = schema.trials.c
    changed = update(schema.trials).where(column.id == bindparam("of"))
    noted: dict[str, Any] = {"pruned_at": bindparam("at"), "reason": bindparam("why")}
    ended = [decision for decision in decisions if not decision.audited]
    for chosen, values in ((ended, noted | {"state": PRUNED}), ([d for d in decisions if d.audited], noted)):
        rows = [{"of": d.trial.id, "at": d.pruned_at, "why": d.reason} for d in chosen]
        if rows:
            connection.execute(changed.values(values), rows)
    useless = [{"of": decision.trial.id} for decision in ended if decision.pruned_at is not None]
    if useless:
        best = and_(schema.weights.c.trial_id == bindparam("of"), schema.weights.c.kind == "best")
        connection.execute(delete(schema.weights).where(best), useless)
    mirror.prune(connection, ended)


_BLANK = {
    "state": WAITING,
    "epochs_done": 0,
    "seconds": 0.0,
    **dict.fromkeys(("reason", "traceback", "pruned_at", "best_epoch", "value", "parameters", "cohort")),
    **dict.fromkeys(("test_cost", "test_loss", "test_accuracy", "test_value", "test_metrics")),
}


def reset_trials(connection: Connection, trials: Sequence[TrialRow]) -> None:
    """Begin trials anew: waiting, with nothing left of what they did but the number of evaluations on the test set."""
    column = schema.trials.c
    for part in chunks([trial.id for trial in trials]):
        count_test_evaluations(connection, column.id.in_(part))
        for table in schema.OF_TRIALS:
            connection.execute(delete(table).where(table.c.trial_id.in_(part)))
        connection.execute(update(schema.trials).where(column.id.in_(part)).values(_BLANK))
    mirror.reopen(connection, [(trial.id, trial.epochs, False) for trial in trials])
