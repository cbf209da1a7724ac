"""Optuna's own tables, kept so that Optuna and optuna-dashboard show what ours say. May import Optuna and SQLAlchemy.

Optuna's public API takes some 0.5 ms per intermediate value and 2 ms per trial, several times what our own tables
take; here its rows are written in bulk, as its API would write them, on the connection of our transaction. Someone may
delete a study in the dashboard at any moment: then there is nothing to mirror, and the search goes on.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from hpsearch.storage import objectives, schema
from hpsearch.storage.bulk import chunks, insert_all
from hpsearch.storage.mirror.distributions import categorical, contains, distribution_of
from hpsearch.storage.mirror.others import make_room, readable
from hpsearch.storage.mirror.states import set_states
from hpsearch.storage.mirror.tables import (
    NAME,
    OF_STUDIES,
    OF_TRIALS,
    PARAMS,
    SHOWN,
    STATES,
    STUDIES,
    STUDY_ATTRIBUTES,
    TRIAL_ATTRIBUTES,
    TRIALS,
    VALUES,
    mirror_name,
)
from hpsearch.storage.mirror.values import VALUE, last_values, step_of, value_of, values_of
from hpsearch.storage.records import (
    ACCURACY,
    COMPLETE,
    FAILED,
    RUNNING,
    WAITING,
    Decision,
    Goal,
    NewTrial,
    Progress,
    StageRow,
)

STEPS = 20
"""At most so many intermediate values of a trial are shown, the last one besides."""

_REASON = 500
"""So many characters of a reason are shown."""


def stride(epochs: int) -> int:
    """Every so many epochs of a trial of `epochs` are shown, so that at most `STEPS` are."""
    return -(-epochs // STEPS)


def _utc() -> datetime:
    """This moment as Optuna's tables keep it: in UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


def create_study(connection: Connection, storage: RDBStorage, name: str, goal: Goal) -> int:
    """Make the Optuna study of a stage; return its id."""
    each = goal.objectives or (goal,)
    study = optuna.create_study(storage=storage, study_name=name, directions=[one.direction for one in each])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"validation {one.metric}" for one in each])
    column = schema.stages.c.optuna_study_id  # SQLite gives the id of a study deleted in the dashboard to the next one
    connection.execute(update(schema.stages).where(column == study._study_id).values(optuna_study_id=None))
    return study._study_id


def delete_study(connection: Connection, study_id: int | None, name: str) -> None:
    """Delete the Optuna study of a stage; Optuna's own way reads every row of it first, one by one."""
    if study_attributes(connection, study_id, name) is None:
        return
    chosen = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    for table in OF_TRIALS:
        connection.execute(delete(table).where(table.c.trial_id.in_(chosen)))
    for table in (TRIALS, *OF_STUDIES, STUDIES):
        connection.execute(delete(table).where(table.c.study_id == study_id))


def rename_study(connection: Connection, study_id: int | None, former: str, name: str) -> None:
    """Give the Optuna study of a stage another name."""
    same = STUDIES.c.study_id == study_id, STUDIES.c.study_name == former
    connection.execute(update(STUDIES).where(*same).values(study_name=name))


def add_trials(connection: Connection, stage: StageRow, trials: Sequence[NewTrial]) -> list[int | None]:
    """Add waiting trials to a stage's Optuna study; return their ids there, None where the study is gone."""
    study = select(STUDIES.c.study_id).where(
        STUDIES.c.study_id == stage.optuna_study_id,
        STUDIES.c.study_name.endswith(mirror_name("", stage.position, stage.name), autoescape=True),
    )
    if connection.execute(study.with_for_update(key_share=True)).scalar() is None:
        return [None] * len(trials)
    shown = _distributions(connection, stage, trials)
    make_room(connection, stage.optuna_study_id, [trial.number for trial in trials])
    rows = [{"study_id": stage.optuna_study_id, "number": t.number, "state": TrialState.WAITING} for t in trials]
    ids = insert_all(connection, TRIALS, rows)
    params, attributes = [], []
    for trial_id, trial in zip(ids, trials, strict=True):
        for key, value in trial.params.items():
            distribution, text = shown[key]
            inside = distribution.to_internal_repr(categorical(value))
            row = {"trial_id": trial_id, "param_name": key, "param_value": inside, "distribution_json": text}
            params.append(row)
        if trial.replicate:
            attributes.append(_attribute(trial_id, "replicate", trial.replicate))
    _insert(connection, PARAMS, params)
    _insert(connection, TRIAL_ATTRIBUTES, attributes)
    return list[int | None](ids)


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _attribute(trial_id: int, key: str, value: Any) -> dict[str, Any]:
    return {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}


def _distributions(
    connection: Connection, stage: StageRow, trials: Sequence[NewTrial]
) -> dict[str, tuple[BaseDistribution, str]]:
    """Each hyperparameter's distribution and its JSON, the same for all trials of the stage, as Optuna wants it."""
    found = {}
    for key in {key: None for trial in trials for key in trial.params}:
        values = [categorical(trial.params[key]) for trial in trials if key in trial.params]
        entry = (stage.space or {}).get(key, {})
        query = select(PARAMS.c.distribution_json).join(TRIALS).where(TRIALS.c.study_id == stage.optuna_study_id)
        before = connection.execute(query.where(PARAMS.c.param_name == key).limit(1)).scalar()
        kept = json_to_distribution(before) if before is not None else distribution_of(entry, values)
        if not contains(kept, values):
            kept = _widen(connection, stage, key, entry, values)
        found[key] = kept, distribution_to_json(kept)
    return found


def _widen(
    connection: Connection, stage: StageRow, key: str, entry: Mapping[str, Any], values: list[Any]
) -> BaseDistribution:
    """A distribution that holds these values too; the stage's earlier trials get it as well."""
    column = schema.trials.c
    query = select(column.optuna_trial_id, column.params).where(column.stage_id == stage.id).order_by(column.number)
    earlier = [(row[0], categorical(row[1][key])) for row in connection.execute(query) if key in row[1]]
    wide = distribution_of(entry, [*(value for _, value in earlier), *values])
    rows = [{"of": trial_id, "inside": wide.to_internal_repr(value)} for trial_id, value in earlier]
    if rows:
        changed = update(PARAMS).where(PARAMS.c.trial_id == bindparam("of"), PARAMS.c.param_name == key)
        connection.execute(
            changed.values(param_value=bindparam("inside"), distribution_json=distribution_to_json(wide)), rows
        )
    return wide


_MIRRORED = (
    select(
        schema.trials.c.id,
        TRIALS.c.trial_id,
        (TRIALS.c.study_id == schema.stages.c.optuna_study_id)
        & (TRIALS.c.number == schema.trials.c.number)
        & (STUDIES.c.study_name == NAME),
    )
    .select_from(
        schema.trials.join(schema.stages)
        .join(schema.studies)
        .join(TRIALS, TRIALS.c.trial_id == schema.trials.c.optuna_trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
    )
    .where(schema.trials.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(key_share=True, of=TRIALS)  # nobody deletes them in the dashboard before we have committed
    .prefix_with("STRAIGHT_JOIN", dialect="mysql")
)
"""The study is no condition: for it PostgreSQL would scan all trials of the study, by another index. So would
MariaDB, and lock them, but for the prefix: it joins the tables in this order."""


def mirrored(connection: Connection, trial_ids: Sequence[int]) -> dict[int, int]:
    """Those of our trials that Optuna's tables have, with their ids there."""
    rows = (row for part in chunks(trial_ids) for row in connection.execute(_MIRRORED, {"ids": part}))
    return {ours: optunas for ours, optunas, same in rows if same}


def note_progress(connection: Connection, results: Sequence[Progress]) -> None:
    """Show what segments did: states, values, and a thinned set of values by epoch."""
    known = mirrored(connection, [result.trial.id for result in results])
    results = [result for result in results if result.trial.id in known]
    silent = [result.trial.id for result in results if result.outcome != RUNNING and not result.curve]
    ends = last_values(connection, silent)
    now = _utc()
    states, steps, values, reasons = [], [], [], []
    for result in results:
        trial_id, outcome, every = known[result.trial.id], result.outcome, stride(result.trial.epochs)
        several = bool(result.trial.goal.objectives)  # Optuna has intermediate values of one objective only
        if not several:
            steps += [step_of(trial_id, int(row[0]), row[VALUE]) for row in result.curve if row[0] % every == 0]
        if outcome != RUNNING or result.trial.state == WAITING:
            end = None if outcome == RUNNING else now
            began = now - timedelta(seconds=result.seconds)
            states.append({"of": trial_id, "new_state": STATES[outcome], "began": began, "end": end})
        if outcome != RUNNING and not several:
            last = (result.curve[-1][0], result.curve[-1][VALUE]) if result.curve else ends.get(result.trial.id)
            steps += [step_of(trial_id, int(last[0]), last[1])] if last and last[0] % every else []
        if outcome == COMPLETE and several:
            values += values_of(trial_id, objectives.at_best(result))
        elif outcome == COMPLETE:
            values.append(value_of(trial_id, result.best.value if result.best else result.trial.value))
        elif outcome == FAILED:
            reasons.append(_attribute(trial_id, "reason", (result.failure or "")[:_REASON]))
    set_states(connection, states)
    for table, rows in ((SHOWN, steps), (VALUES, values), (TRIAL_ATTRIBUTES, reasons)):
        _insert(connection, table, rows)


def prune(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Show trials as pruned, each with its last value, as Optuna does."""
    reasons = {decision.trial.id: decision.reason for decision in decisions}
    epochs = {decision.trial.id: decision.trial.epochs for decision in decisions}
    known = mirrored(connection, list(reasons))
    last = last_values(connection, list(known))
    now = _utc()
    set_states(
        connection, [{"of": of, "new_state": TrialState.PRUNED, "began": now, "end": now} for of in known.values()]
    )
    goal = decisions[0].trial.goal if decisions else ACCURACY
    if goal.objectives:
        curves = objectives.in_all_epochs(connection, list(last), goal)
        _insert(
            connection, VALUES, [row for i, (epoch, _) in last.items() for row in values_of(known[i], curves[i][epoch])]
        )
    else:
        extra = [(known[i], *end) for i, end in last.items() if end[0] % stride(epochs[i])]
        _insert(connection, SHOWN, [step_of(*row) for row in extra])
        _insert(connection, VALUES, [value_of(known[i], value) for i, (_, value) in last.items()])
    _insert(connection, TRIAL_ATTRIBUTES, [_attribute(of, "reason", reasons[i][:_REASON]) for i, of in known.items()])


def reopen(connection: Connection, trials: Iterable[tuple[int, int, bool]]) -> None:
    """Show trials (our id, epochs, begun or not) as unfinished again; of one not begun no value is left."""
    found = {trial_id: (epochs, begun) for trial_id, epochs, begun in trials}
    for ours, of in mirrored(connection, list(found)).items():
        epochs, begun = found[ours]
        connection.execute(delete(VALUES).where(VALUES.c.trial_id == of))
        connection.execute(
            delete(TRIAL_ATTRIBUTES).where(TRIAL_ATTRIBUTES.c.trial_id == of, TRIAL_ATTRIBUTES.c.key == "reason")
        )
        gone = SHOWN.c.step % stride(epochs) != 0 if begun else SHOWN.c.step > 0
        connection.execute(delete(SHOWN).where(SHOWN.c.trial_id == of, gone))
        new: dict[str, Any] = {"state": STATES[RUNNING if begun else WAITING], "datetime_complete": None}
        new |= {} if begun else {"datetime_start": None}
        connection.execute(update(TRIALS).where(TRIALS.c.trial_id == of).values(new))


def study_attributes(connection: Connection, study_id: int | None, name: str) -> dict[str, Any] | None:
    """The attributes that the dashboard keeps of an Optuna study; None if the study is gone."""
    same = STUDIES.c.study_id == study_id, STUDIES.c.study_name == name
    if connection.execute(select(STUDIES.c.study_id).where(*same)).scalar() is None:
        return None
    rows = connection.execute(
        select(STUDY_ATTRIBUTES.c.key, STUDY_ATTRIBUTES.c.value_json).where(STUDY_ATTRIBUTES.c.study_id == study_id)
    )
    return {key: value for key, text in rows if (value := readable(text)) is not None}


def set_study_attributes(connection: Connection, study_id: int, values: Mapping[str, Any]) -> None:
    """Replace some of those attributes."""
    for part in chunks(list(values)):
        connection.execute(
            delete(STUDY_ATTRIBUTES).where(STUDY_ATTRIBUTES.c.study_id == study_id, STUDY_ATTRIBUTES.c.key.in_(part))
        )
    _insert(
        connection,
        STUDY_ATTRIBUTES,
        [{"study_id": study_id, "key": key, "value_json": json.dumps(value)} for key, value in values.items()],
    )
