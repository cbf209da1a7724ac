"""The database: one transaction for Optuna's tables and ours, the same numbers in both, no surprise from outside."""

import multiprocessing

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState
from other_process import open_and_close
from small_study import everything, mirror
from tiny import options, rows, url, workspace

from hpsearch.errors import StorageError
from hpsearch.search.launch import launch
from hpsearch.storage import reading, schema, writing
from hpsearch.storage.database import look_up, open_to_read
from hpsearch.storage.records import BestRecord, NewStage, NewStudy, NewTrial, Progress

STUDY = NewStudy("s", "text", "s.toml", ".", {}, {"fingerprint": "f"}, {"hash": "h"})
STAGE = NewStage("coarse", "random", False, {})
SPACE = {"eta": {"low": 0.1, "high": 1.0, "log": True}, "hidden": {"choices": [[8], [9, 9]]}}


def begin(database, trials=2):
    """Store a study with one stage and its trials."""
    params = [{"eta": 0.1 + i / 10, "hidden": [8] if i % 2 else [9, 9]} for i in range(trials)]
    with database.transaction() as connection:
        study = writing.add_study(connection, database.optuna, STUDY, [STAGE])
        stage = reading.stages(connection, study)[0]
        new = [NewTrial(i, 0, given, {"model": {}, "training": {}}, 2, point=i) for i, given in enumerate(params)]
        writing.start_stage(connection, stage, SPACE, [], None, trials)
        stage = reading.stages(connection, study)[0]
        added = writing.add_trials(connection, stage, new)
        assert added == reading.trials(connection, stage.id)
        return stage, added


def test_a_transaction_that_fails_leaves_nothing_in_either_tables(database):
    stage, trials = begin(database)
    before = everything(database)
    curve = [(1, 0.1, *(0.5,) * 7)]
    with pytest.raises(RuntimeError), database.transaction() as connection:  # noqa: PT012
        writing.add_study(
            connection, database.optuna, NewStudy("t", "", "", "", {}, {"fingerprint": "f"}, {"hash": "h"}), [STAGE]
        )
        writing.commit_progress(connection, [Progress(trials[0], 1, curve, b"state")])
        raise RuntimeError("power cut")
    assert everything(database) == before
    with database.transaction() as connection:
        assert reading.stages(connection, stage.id)[0].state == "running"


def test_optuna_shows_the_same_as_our_tables(database):
    stage, trials = begin(database)
    assert [trial.state for trial in mirror(database)] == [TrialState.WAITING] * 2
    curve = [(1, 0.1, *(0.25,) * 7), (2, 0.1, *(0.5,) * 7)]
    with database.transaction() as connection:
        writing.commit_progress(connection, [Progress(trial, 1, curve[:1], b"x") for trial in trials])
        halfway = reading.trials(connection, stage.id)
    assert [trial.state for trial in mirror(database)] == [TrialState.RUNNING] * 2
    best = BestRecord(2, 0.5, b"weights")
    records = [Progress(halfway[0], 2, curve[1:], best=best, finished=True), Progress(halfway[1], 2, (), failure="NaN")]
    with database.transaction() as connection:
        writing.commit_progress(connection, records)
    first, second = mirror(database)
    assert (first.number, first.state, first.value) == (0, TrialState.COMPLETE, 0.5)
    assert first.intermediate_values == {1: 0.25, 2: 0.5}
    assert first.params == {"eta": 0.1, "hidden": "[9, 9]"}
    assert (second.state, second.user_attrs["reason"]) == (TrialState.FAIL, "NaN")


def test_a_whole_study_is_the_same_in_optuna(tmp_path):
    launch(workspace(tmp_path), options(tmp_path))
    storage = optuna.storages.RDBStorage(url(tmp_path))
    by_id = {
        trial._trial_id: trial
        for study in storage.get_all_studies()
        for trial in storage.get_all_trials(study._study_id)
    }
    ours = rows(tmp_path)
    curves = rows(tmp_path, schema.curves)
    assert len(by_id) == len(ours) == 10
    for row in ours:
        trial = by_id[row["optuna_trial_id"]]
        accuracies = {
            curve["epoch"]: curve["validation_accuracy"] for curve in curves if curve["trial_id"] == row["id"]
        }
        assert (trial.number, trial.value, trial.params) == (row["number"], row["value"], row["params"])
        assert trial.intermediate_values == accuracies
    storage.engine.dispose()


@pytest.mark.long
def test_processes_may_open_a_new_database_at_once(storage):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_and_close, args=(storage,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 2
    assert look_up(storage, "s") is None


def test_reading_goes_on_while_a_transaction_is_open(database, storage):
    stage, trials = begin(database)
    engine = open_to_read(storage)
    with database.transaction() as connection:
        writing.commit_progress(connection, [Progress(trials[0], 1, (), b"state")])
        with engine.connect() as reader:
            assert [trial.state for trial in reading.trials(reader, stage.id)] == ["waiting"] * 2
    with engine.connect() as reader:
        assert reading.trials(reader, stage.id)[0].state == "running"
    engine.dispose()


def test_a_reader_cannot_write(database, storage):
    begin(database)
    engine = open_to_read(storage)
    with (
        pytest.raises((sqlalchemy.exc.DBAPIError, StorageError), match=r"(?i)read.?only"),
        engine.begin() as connection,
    ):
        connection.execute(sqlalchemy.delete(schema.trials))
    engine.dispose()
