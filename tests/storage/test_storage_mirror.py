"""Optuna's own tables, written in bulk: as its public API would have written them, and read back by it."""

from dataclasses import replace

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from small_study import (
    SPACE,
    STUDY,
    add,
    add_trials,
    advance,
    mirror,
    new_trials,
    prune,
    segment,
    stage_of,
    start,
    trials_of,
)

from hpsearch.storage import writing
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.mirror.rows import STEPS, stride
from hpsearch.storage.records import NewTrial

BOOKKEEPING = {"trial_id", "param_id", "trial_value_id", "trial_intermediate_value_id", "trial_user_attribute_id"}
BOOKKEEPING |= {"study_id", "datetime_start", "datetime_complete"}


def rows_of(database, study_id):
    """Optuna's rows of one study, without ids and times: whether they are there, not which."""
    found = {}
    with database.engine.connect() as connection:
        kinds = {
            "trial_params": "param",
            "trial_values": "trial_value",
            "trial_user_attributes": "trial_user_attribute",
        }
        kinds |= {"trials": "trial", "trial_intermediate_values": "trial_intermediate_value"}
        for table, kind in kinds.items():
            key = f"{kind}_id"
            join = "" if table == "trials" else "JOIN trials USING (trial_id)"
            query = f"SELECT * FROM {table} {join} WHERE study_id = {study_id} ORDER BY {table}.trial_id, {table}.{key}"
            rows = connection.exec_driver_sql(query).mappings()
            found[table] = [{k: v is None if k in BOOKKEEPING else v for k, v in row.items()} for row in rows]
    return found


def test_the_rows_are_those_that_optunas_own_api_writes(database):
    add(database)
    start(database)
    trials = advance(database, add_trials(database, new_trials(0, 5)), 2)
    prune(database, trials[2:3])
    with database.transaction() as connection:
        records = [segment(trials[3], 3, failure="NaN"), segment(trials[0], 4)]
        writing.commit_progress(connection, records)
    theirs = optuna.create_study(storage=database.optuna, study_name="theirs", direction="maximize")
    kinds = {"eta": FloatDistribution(0.1, 10.0, log=True), "hidden": CategoricalDistribution(["[8]", "[9, 9]"])}
    for trial in mirror(database):
        template = create_trial(state=TrialState.WAITING, params=trial.params, distributions=kinds)
        found = database.optuna.create_new_trial(theirs._study_id, template)
        database.optuna.set_trial_state_values(found, TrialState.RUNNING)
        for step, value in trial.intermediate_values.items():
            database.optuna.set_trial_intermediate_value(found, step, value)
        for key, value in trial.user_attrs.items():
            database.optuna.set_trial_user_attr(found, key, value)
        if trial.state.is_finished():
            database.optuna.set_trial_state_values(found, trial.state, trial.values)
    assert rows_of(database, theirs._study_id) == rows_of(database, stage_of(database).optuna_study_id)


def test_optuna_reads_back_what_was_written(database):
    add(database)
    start(database)
    first = [replace(trial, replicate=trial.number) for trial in new_trials(0, 3)]
    trials = advance(database, add_trials(database, first), 2)
    advance(database, trials[:1], 4)
    prune(database, trials[1:2])
    one, two, three = mirror(database)
    best = trials_of(database)[0]
    assert (one.state, one.value, one.params) == (TrialState.COMPLETE, best.value, {"eta": 0.1, "hidden": "[9, 9]"})
    assert one.distributions["eta"] == FloatDistribution(0.1, 10.0, log=True)
    assert (two.state, two.value, list(two.intermediate_values)) == (
        TrialState.PRUNED,
        two.intermediate_values[2],
        [1, 2],
    )
    assert two.user_attrs == {"replicate": 1, "reason": "place 3 of 4"}
    assert (three.state, three.value, three.datetime_complete) == (TrialState.RUNNING, None, None)
    assert one.datetime_complete >= one.datetime_start


@pytest.mark.parametrize(
    "cuts", [[300], [7, 8, 150, 299, 300], pytest.param(list(range(1, 301)), marks=pytest.mark.slow)]
)
def test_at_most_so_many_accuracies_are_shown_whatever_the_segments(database, cuts):
    add(database)
    start(database)
    (trial,) = add_trials(database, new_trials(0, 1, epochs=300))
    for last in cuts:
        (trial,) = advance(database, [trial], last)
    assert list(mirror(database)[0].intermediate_values) == list(range(15, 301, 15))


@pytest.mark.parametrize(("epochs", "last"), [(20, 13), (41, 40), (1000, 77)])
def test_the_last_accuracy_of_a_trial_that_ends_early_is_always_shown(database, epochs, last):
    add(database)
    start(database)
    stopped, failed, pruned = advance(database, add_trials(database, new_trials(0, 3, epochs=epochs)), last - 1)
    with database.transaction() as connection:
        records = [segment(stopped, last, finished=True, stopped="early"), segment(pruned, last)]
        writing.commit_progress(connection, records)
    advance(database, [failed], last, failure="NaN")
    prune(database, [trials_of(database)[2]], pruned_at=last)
    shown = [max(trial.intermediate_values) for trial in mirror(database)]
    assert shown == [last, last - 1, last]
    assert all(len(trial.intermediate_values) <= STEPS + 1 for trial in mirror(database))
    assert stride(epochs) * STEPS >= epochs


def configurations(values, first=0):
    return [
        NewTrial(first + i, 0, {"x": value}, {"model": {}, "training": {}}, 2, point=first + i)
        for i, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("space", "chunks", "widest"),
    [
        ({}, [[1.0, 2.0], [4.0], [0.5]], FloatDistribution(0.5, 4.0)),
        ({}, [["a"], ["b", "a"], [[1, 2]]], CategoricalDistribution(["a", "b", "[1, 2]"])),
        ({}, [[1.0, 2.0], ["constant"]], CategoricalDistribution([1.0, 2.0, "constant"])),
        ({"x": {"low": 1.0, "high": 9.0, "log": True}}, [[1e-3], [2.0, 9.0]], FloatDistribution(1e-3, 9.0, log=True)),
        ({"x": {"low": 1.0, "high": 9.0, "log": True}}, [[2.0], [0.0]], FloatDistribution(0.0, 9.0)),
        ({"x": {"low": 1, "high": 9, "integer": True}}, [[1], [9]], IntDistribution(1, 9)),
        ({"x": {"choices": [10, 20]}}, [[20], [10]], CategoricalDistribution([10, 20])),
    ],
)
def test_all_trials_of_a_stage_have_one_distribution_whatever_came_in_which_chunk(database, space, chunks, widest):
    add(database)
    start(database, space=space)
    for values in chunks:
        add_trials(database, configurations(values, first=len(trials_of(database))))
    found = mirror(database)
    assert [trial.distributions["x"] for trial in found] == [widest] * len(found)
    wanted = [str(value) if isinstance(value, list) else value for values in chunks for value in values]
    assert [trial.params["x"] for trial in found] == wanted


def test_a_study_deleted_in_the_dashboard_does_not_stop_the_search(database):
    add(database)
    start(database)
    trials = advance(database, add_trials(database, new_trials(0, 2)), 1)
    database.optuna.delete_study(stage_of(database).optuna_study_id)
    other = optuna.create_study(storage=database.optuna)  # SQLite hands the ids of study and trials out again
    other.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    before = [trial.values for trial in other.trials]
    trials = advance(database, [*trials, *add_trials(database, new_trials(2, 3))], 2)
    prune(database, trials[:1])
    advance(database, trials[1:], 4)
    assert [trial.state for trial in trials_of(database)] == ["pruned", "complete", "complete"]
    assert [trial.values for trial in other.trials] == before


def test_a_stage_never_writes_into_the_study_that_got_the_id_of_its_deleted_one(database):
    add(database)
    start(database)
    trials = add_trials(database, new_trials(0, 2))
    for name in ("coarse", "final"):
        database.optuna.delete_study(stage_of(database, name).optuna_study_id)
    add(database, study=replace(STUDY, name="t"))
    reused = database.engine.dialect.name == "sqlite"  # servers give no id twice
    assert (stage_of(database).optuna_study_id is None) == reused
    advance(database, [*trials, *add_trials(database, new_trials(2, 3))], 2)
    assert mirror(database, "t / 1 coarse") == []
    with database.transaction() as connection:
        assert check_integrity(connection) == []


def test_trials_come_back_as_they_are_read_again(database):
    add(database)
    start(database, space=SPACE)
    given = [
        replace(trial, params={"eta": 1, "hidden": (9, 9)}, sampler_attributes={"a": (1, 2)})
        for trial in new_trials(0, 2)
    ]
    added = add_trials(database, given)
    assert added == trials_of(database)
    assert added[0].params == {"eta": 1, "hidden": [9, 9]}
    assert added[0].sampler_attributes == {"a": [1, 2]}
