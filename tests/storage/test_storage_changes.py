"""A study that has run is pruned, finished, begun anew, grown, deleted: what is left, and what is let go of."""

from dataclasses import replace

import pytest
from optuna.trial import TrialState
from small_study import (
    STAGES,
    STUDY,
    add,
    add_trials,
    advance,
    everything,
    finish,
    mirror,
    new_trials,
    prune,
    right,
    stage_of,
    start,
    trials_of,
    whole,
)

from hpsearch.storage import reading, schema, writing
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.records import NewStage


@pytest.fixture
def database(database):
    """One that is whole at the end of each test."""
    yield database
    with database.transaction() as connection:
        assert check_integrity(connection) == []


def kept(database):
    """Which weights there are, by the trial's number."""
    query = "SELECT number, kind FROM hpsearch_weights JOIN hpsearch_trials t ON t.id = trial_id ORDER BY number, kind"
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def stage_row(database, name="coarse"):
    with database.engine.connect() as connection:
        row = connection.execute(schema.stages.select().where(schema.stages.c.name == name)).one()
    return row._asdict()


def grow(database, grown=(), added=(), points=None):
    study = reading_study(database)
    with database.transaction() as connection:
        writing.grow(connection, database.optuna, study.id, "longer", grown, added, points or {})


def reading_study(database):
    with database.transaction() as connection:
        return reading.get_study(connection, "s")


def test_a_pruned_trial_keeps_its_curve_and_its_last_weights(database):
    whole(database)
    _, _, pruned, audited, failed = trials_of(database)
    assert (pruned.state, pruned.pruned_at, pruned.epochs_done, pruned.reason) == ("pruned", 2, 2, "place 3 of 4")
    assert (audited.state, audited.pruned_at, audited.reason) == ("complete", 2, "place 3 of 4")
    assert (failed.state, failed.epochs_done, failed.reason) == ("failed", 3, "the training cost became NaN")
    with database.transaction() as connection:
        assert len(reading.history(connection, [pruned.id], "validation_loss")[pruned.id]) == 2
    assert kept(database) == [(0, "best"), (1, "best"), (2, "state"), (3, "best")]


@pytest.mark.parametrize("ends", [(4,), (1, 2, 3, 4), (2, 4)])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_predictions_are_kept_of_the_best_epochs_or_of_the_last_however_training_was_cut(database, ends, keep):
    add(database)
    start(database, planned=3)
    trials = add_trials(database, new_trials(0, 3, keep=keep))
    for end in ends:
        trials = advance(database, trials, end)
    finish(database)
    curves = {trial.number: [right(trial.number, epoch).mean() for epoch in range(1, 5)] for trial in trials}
    best = {number: sorted(range(4), key=lambda i: (-values[i], i))[:3] for number, values in curves.items()}
    expected = [(number, i + 1) for number in curves for i in (sorted(best[number]) if keep == "best" else [3])]
    assert predicted(database) == expected


def predicted(database):
    """At which epochs there are predictions for the validation samples, by the trial's number."""
    query = "SELECT number, epoch FROM hpsearch_predictions JOIN hpsearch_trials t ON t.id = trial_id"
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(f"{query} WHERE split = 'validation' ORDER BY number, epoch")
        return [tuple(row) for row in found]


def test_only_the_best_ten_trials_keep_their_weights(database):
    add(database)
    start(database, planned=12)
    advance(database, add_trials(database, new_trials(0, 12)), 4)
    stage = finish(database, ended="enough")
    assert (stage.state, stage.ended, stage_row(database)["trials"]) == ("complete", "enough", 12)
    values = {trial.number: trial.value for trial in trials_of(database)}
    losers = values.keys() - {number for number, _ in kept(database)}
    assert len(losers) == 2
    assert max(values[number] for number in losers) <= sorted(values.values())[2]


def test_a_trial_judged_by_its_last_epoch_has_no_value_if_it_fails_before(database):
    for last in (1, 2):  # wherever the segments were cut
        name = f"at {last}"
        add(database, [NewStage("coarse", "random", False, {})], replace(STUDY, name=name))
        with database.transaction() as connection:
            stage = reading.stages(connection, reading.get_study(connection, name).id)[0]
            writing.start_stage(connection, stage, {}, [], None, 1)
            stage = reading.stages(connection, reading.get_study(connection, name).id)[0]
            trials = writing.add_trials(connection, stage, new_trials(0, 1, keep="last"))
        advance(database, advance(database, trials, last), 4, failure="NaN")
        (failed,) = trials_of(database, study=name)
        assert (failed.state, failed.value, failed.best_epoch) == ("failed", None, None)


def test_trials_begun_anew_have_nothing_but_their_configuration(database):
    add(database)
    start(database, "final")
    trials = add_trials(database, new_trials(0, 3), "final")
    running, looked, other = advance(database, trials, 2)
    advance(database, [looked], 4, test=True)
    with database.transaction() as connection:
        writing.reset_trials(connection, [running, looked])
    assert trials_of(database, "final") == [*trials[:2], other]
    first, second, third = mirror(database, "s / 2 final")
    assert (first.state, first.intermediate_values, first.value) == (TrialState.WAITING, {}, None)
    assert (second.state, second.datetime_start, third.state) == (TrialState.WAITING, None, TrialState.RUNNING)
    assert stage_row(database, "final")["test_evaluations"] == 1
    advance(database, trials[:2], 4, test=True)


def test_a_stage_begun_anew_is_as_it_was_before_but_for_its_looks(database):
    add(database)
    fresh = stage_row(database, "final")
    start(database, "final")
    advance(database, add_trials(database, new_trials(0, 2), "final"), 4, test=True)
    finish(database, "final")
    with database.transaction() as connection:
        writing.add_seconds(connection, stage_of_id(connection, "final"), 12.5)
        writing.reset_stage(connection, database.optuna, reading.stages(connection, 1)[1])
    now = stage_row(database, "final")
    assert now | {"optuna_study_id": 0} == fresh | {"optuna_study_id": 0, "test_evaluations": 2}
    assert mirror(database, "s / 2 final") == trials_of(database, "final") == []


def stage_of_id(connection, name):
    return next(stage.id for stage in reading.stages(connection, 1) if stage.name == name)


def test_a_grown_stage_goes_on_and_what_stands_on_it_is_stale(database):
    whole(database)
    start(database, "final", {})
    grow(database, ["coarse"], points={"coarse": 5})
    coarse, final = stage_of(database), stage_of(database, "final")
    assert (coarse.state, coarse.batches, coarse.ended, coarse.stale) == ("running", [5], None, False)
    assert (final.state, final.stale) == ("running", True)
    study = reading_study(database)
    assert (study.text, study.state) == ("longer", "interrupted")
    with database.transaction() as connection:
        writing.keep_stage(connection, final.id, ["why"])
    assert not stage_of(database, "final").stale
    added = add_trials(database, new_trials(5, 7))
    assert [trial.number for trial in mirror(database)] == list(range(7))
    advance(database, added, 4)
    finish(database)


def test_what_a_budget_stopped_goes_on_when_it_grows_and_what_a_pruner_stopped_does_not(database):
    add(database)
    start(database)
    trials = add_trials(database, new_trials(0, 4, epochs=41))
    begun = advance(database, trials[:3], 4)
    prune(database, begun[:1], pruned_at=4)
    stopped = prune(database, [*begun[1:], trials[3]], pruned_at=None)
    assert [trial.state for trial in mirror(database)] == [TrialState.PRUNED] * 4
    advance(database, add_trials(database, new_trials(4, 5)), 4)
    finish(database, ended="time")
    assert kept(database) == [(0, "state"), (1, "best"), (1, "state"), (2, "best"), (2, "state"), (4, "best")]
    grow(database, ["coarse"])
    found = trials_of(database)
    assert [trial.state for trial in found] == ["pruned", "running", "running", "waiting", "complete"]
    assert [trial.reason for trial in found[1:]] == [None] * 4
    assert [trial.state.name for trial in mirror(database)] == ["PRUNED", "RUNNING", "RUNNING", "WAITING", "COMPLETE"]
    assert [list(trial.intermediate_values) for trial in mirror(database)[:2]] == [[3, 4], [3]]
    advance(database, [*found[1:3], replace(stopped[2], state="waiting", reason=None)], 41)
    finish(database)


def test_added_stages_come_before_the_final_which_is_stale_if_it_had_begun(database):
    whole(database)
    start(database, "final", {})
    grow(database, added=[NewStage("fine", "grid", False, {}), NewStage("finer", "grid", False, {})])
    with database.transaction() as connection:
        stages = reading.stages(connection, 1)
    found = [(stage.position, stage.name, stage.state, stage.stale) for stage in stages]
    assert found == [
        (0, "coarse", "complete", False),
        (1, "fine", "waiting", False),
        (2, "finer", "waiting", False),
        (3, "final", "running", True),
    ]
    assert [study.study_name for study in database.optuna.get_all_studies()] == [
        "s / 1 coarse",
        "s / 4 final",
        "s / 2 fine",
        "s / 3 finer",
    ]


def test_stages_may_be_added_to_a_study_without_a_final(database):
    add(database, STAGES[:1])
    grow(database, added=[NewStage("fine", "grid", False, {})])
    with database.transaction() as connection:
        assert [stage.position for stage in reading.stages(connection, 1)] == [0, 1]


def test_a_stage_that_has_not_begun_grows_without_a_trace(database):
    add(database)
    before = stage_row(database)
    grow(database, ["coarse"], points={"coarse": 0})
    assert stage_row(database) == before
    assert not stage_of(database, "final").stale


def test_a_deleted_study_leaves_nothing_and_others_as_they_were(database):
    add(database, study=replace(STUDY, name="t"))
    before = everything(database)
    whole(database)
    with database.transaction() as connection:
        writing.delete_study(connection, reading.get_study(connection, "s").id)
    assert everything(database) == before


def test_many_ids_are_asked_for_in_pieces(database):
    whole(database)
    with database.transaction() as connection:
        ids = list(range(1, 100_000))
        assert reading.weights(connection, ids, "state").keys() == {3}
        assert reading.history(connection, ids, "eta").keys() == {1, 2, 3, 4, 5}
        assert [len(curve) for curve in reading.validation_curves(connection, 1).values()] == [4, 4, 2, 4, 2]


def test_where_a_trial_failed_is_kept_for_those_who_ask(database):
    add(database)
    start(database)
    advance(database, add_trials(database, new_trials(0, 2))[1:], 1, failure="ValueError: 3", traceback="File …")
    with database.transaction() as connection:
        assert reading.tracebacks(connection, 1) == {1: "File …"}
        (row, _) = reading.overview(connection)
    assert (row["failed"], row["pruned"], row["tracebacks"], row["stale"], row["ended"]) == (1, 0, 1, False, None)
