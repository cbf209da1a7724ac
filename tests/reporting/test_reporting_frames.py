"""Frames hold what the tables hold, ranked, at any moment of a study's life."""

import made_study
import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from hpsearch.errors import StorageError
from hpsearch.reporting import load_frames
from hpsearch.reporting.frames import records
from hpsearch.storage import schema


def test_trials_are_ranked_within_their_stage_and_failed_ones_come_last(finished):
    coarse = finished.trials[finished.trials["stage"] == "coarse"]
    assert coarse["rank"].dropna().tolist() == list(range(1, 12))
    assert coarse["value"].dropna().is_monotonic_decreasing
    assert coarse["state"].iloc[-1] == "failed"
    assert coarse["rank"].isna().iloc[-1]


def test_equal_accuracies_are_ranked_by_loss_and_then_by_number(engine):
    maker = made_study.Maker(engine)
    stage = maker.stage("one", "list", None)
    for number, loss in enumerate([1.5, 1.2, 1.5]):
        params = {"eta": float(number)}
        trial = maker.unfinished(stage, number, params, "complete", best_epoch=1, value=0.5, epochs_done=1)
        curve = {"trial_id": trial, "epoch": 1, "eta": 0.1, "validation_accuracy": 0.5, "validation_loss": loss}
        maker.insert(schema.curves, curve)
    assert load_frames(engine, "made").trials["number"].tolist() == [1, 0, 2]


def test_metrics_are_those_of_the_best_epoch(finished):
    trial = finished.trials.iloc[0]
    at = (finished.curves["trial_id"] == trial["id"]) & (finished.curves["epoch"] == trial["best_epoch"])
    assert trial["validation_loss"] == finished.curves.loc[at, "validation_loss"].item()
    assert trial["validation_accuracy"] == trial["value"]


def test_predictions_and_weights_are_found_by_trial_id(finished):
    final = finished.trials[finished.trials["kind"] == "final"].iloc[0]
    assert finished.correct(final["id"], "test").mean() == final["test_accuracy"]
    assert finished.correct(final["id"]).shape == (1_000,)
    assert finished.weights(int(final["id"]))["0.weights"].shape == (3_072, 50)
    assert finished.weights(-1) is None
    assert finished.predicted(-1) is None


def test_predicted_classes_come_back_as_stored(engine):
    maker = made_study.Maker(engine)
    trial = maker.unfinished(maker.stage("one", "list", None), 0, {}, "complete", best_epoch=2)
    row = {
        "trial_id": trial,
        "split": "test",
        "epoch": 2,
        "samples": 3,
        "correct": b"\xe0",
        "predicted": bytes([7, 0, 9]),
    }
    maker.insert(schema.predictions, row)
    assert load_frames(engine, "made").predicted(trial).tolist() == [7, 0, 9]


def test_damaged_weights_are_an_error_of_one_line(engine):
    maker = made_study.Maker(engine)
    trial = maker.unfinished(maker.stage("one", "list", None), 0, {}, "complete")
    maker.insert(schema.weights, {"trial_id": trial, "kind": "best", "epoch": 1, "content": b"PK\x03\x04 cut"})
    with pytest.raises(StorageError, match=f"the weights of trial id {trial} are no .npz file"):
        load_frames(engine, "made").weights(trial)


def test_an_unknown_name_is_an_error_with_the_nearest_one(engine):
    made_study.Maker(engine, "digits")
    with pytest.raises(StorageError, match=r"study 'digit' does not exist; did you mean 'digits'\?"):
        load_frames(engine, "digit")
    with pytest.raises(StorageError, match="does not exist"):
        load_frames(engine, "\udcff")


def test_the_columns_have_the_same_types_with_and_without_rows(engine, finished):
    made_study.Maker(engine)
    empty = load_frames(engine, "made")
    assert empty.trials.empty
    for name in ("stages", "trials", "curves"):
        pd.testing.assert_series_equal(getattr(empty, name).dtypes, getattr(finished, name).dtypes)


def test_records_hold_python_values_and_none(finished):
    failed = records(finished.trials)[11]
    assert failed["best_epoch"] is None
    assert failed["validation_loss"] is None
    assert type(failed["number"]) is int
    assert not any(isinstance(value, np.generic) for row in records(finished.trials) for value in row.values())


def test_reading_sees_one_moment_of_a_study_that_is_being_written(engine):
    made_study.make_search(engine)
    other = sqlalchemy.create_engine(engine.url, poolclass=sqlalchemy.NullPool)
    with other.begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def write_after_trials(_connection, _cursor, statement, *_):
        if "FROM hpsearch_trials" in statement:
            with other.begin() as connection:
                connection.execute(schema.curves.delete())

    sqlalchemy.event.listen(engine, "after_cursor_execute", write_after_trials)
    assert len(load_frames(engine, "coarse-to-fine").curves) > 0
    assert load_frames(engine, "coarse-to-fine").curves.empty
