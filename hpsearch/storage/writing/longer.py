"""Trials that are to train longer than they did. May import Optuna and SQLAlchemy.

A trial that had ended goes on from the state that was kept at its end, where there is one; else it begins anew, with
the same result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.mirror import rows as mirror
from hpsearch.storage.records import COMPLETE, RUNNING, TrialRow
from hpsearch.storage.writing.evaluations import count_test_evaluations
from hpsearch.storage.writing.trials import END, END_BEST, reset_trials
from hpsearch.storage.writing.whole import forget_whole

_TRIAL, _WEIGHT, _PREDICTION = schema.trials.c, schema.weights.c, schema.predictions.c


@dataclass(frozen=True)
class Longer:
    """A trial with its new configuration and number of epochs; `reason` is why it ends with those it has."""

    trial: TrialRow
    configuration: dict[str, Any]
    epochs: int
    reason: str | None = None
    again: bool = False  # the longer training may end within the epochs that it has


def end_bytes(connection: Connection, stage_id: int) -> int:
    """How many bytes the states take that a stage's trials ended with."""
    size = select(func.sum(func.length(_WEIGHT.content))).join_from(schema.weights, schema.trials)
    return int(connection.execute(size.where(_TRIAL.stage_id == stage_id, _WEIGHT.kind == END)).scalar() or 0)


def lengthen(connection: Connection, found: Sequence[Longer]) -> int:
    """Give trials of a stage more epochs; return how many of them begin anew."""
    ended = [each for each in found if each.trial.state == COMPLETE]
    kept = _kept(connection, [each.trial.id for each in ended])
    going_on, anew = [], []
    for each in ended:
        further = each.epochs > each.trial.epochs_done
        needed = {END, "best"} if further else {"best"}
        if (further and each.again) or not needed <= kept.get(each.trial.id, set()):
            anew.append(each.trial)
        elif further:
            going_on.append(each)
    reset_trials(connection, anew)
    forget_whole(connection, [each.trial.id for each in found])
    changed = update(schema.trials).where(_TRIAL.id == bindparam("of"))
    if found:
        connection.execute(
            changed.values(configuration=bindparam("now"), epochs=bindparam("length")),
            [{"of": each.trial.id, "now": each.configuration, "length": each.epochs} for each in found],
        )
    reasons = [{"of": e.trial.id, "why": e.reason} for e in ended if e.reason and e.trial not in anew]
    if reasons:
        connection.execute(changed.values(reason=bindparam("why")), reasons)
    _restore(connection, [each.trial.id for each in ended if each.trial not in anew], going_on)
    return len(anew)


def _kept(connection: Connection, trial_ids: Sequence[int]) -> dict[int, set[str]]:
    """The kinds of weights that these trials have; those of the best epoch are "best" wherever they were laid."""
    query = select(_WEIGHT.trial_id, _WEIGHT.kind)
    found: dict[int, set[str]] = {}
    for part in chunks(trial_ids):
        for trial_id, kind in connection.execute(query.where(_WEIGHT.trial_id.in_(part))):
            found.setdefault(trial_id, set()).add("best" if kind == END_BEST else kind)
    return found


def _restore(connection: Connection, ended: Sequence[int], going_on: Sequence[Longer]) -> None:
    """Bring back the best weights of trials that had ended, and the state of those that go on; they are running."""
    for part in chunks(ended):
        best = update(schema.weights).where(_WEIGHT.trial_id.in_(part), _WEIGHT.kind == END_BEST)
        connection.execute(best.values(kind="best"))
    for part in chunks([each.trial.id for each in going_on]):
        count_test_evaluations(connection, _TRIAL.id.in_(part))
        of_test = delete(schema.predictions).where(_PREDICTION.trial_id.in_(part), _PREDICTION.split == "test")
        connection.execute(of_test)
        state = update(schema.weights).where(_WEIGHT.trial_id.in_(part), _WEIGHT.kind == END)
        connection.execute(state.values(kind="state"))
        none = dict.fromkeys(("test_cost", "test_loss", "test_accuracy", "test_value", "test_metrics", "reason"))
        connection.execute(update(schema.trials).where(_TRIAL.id.in_(part)).values(state=RUNNING, **none))
    mirror.reopen(connection, [(each.trial.id, each.epochs, True) for each in going_on])
