"""`verify` finds what was changed behind its back, and nothing else; `digest` is the same for any run."""

import sqlite3
from contextlib import closing

import pytest
from study_parts import FINAL, FINE, made
from study_parts import random as randomly
from tiny import TINY, StopAfter, digest_of, options, rows, url, workspace

from hpsearch.errors import ModelError, StorageError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts, context
from hpsearch.search.stages import run as stage_run
from hpsearch.search.verify import retraining
from hpsearch.search.verify.checks import verify
from hpsearch.storage import reading, schema
from hpsearch.storage.database import opened_to_read

PRUNED = made(
    randomly(9, 'pruner = { kind = "halving", keep = 0.4, min_epochs = 1, audit = 0.3 }', "replicates = 2"), FINE, FINAL
)


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)


def problems(folder, name="tiny"):
    """Everything that `verify` finds but by retraining, a line each."""
    with opened_to_read(url(folder)) as connection:
        row = reading.get_study(connection, name)
        return [f"{check.text}: {problem}" for check in verify(connection, row) for problem in check.problems]


def retrained(folder, *names):
    """What differs of these trials when they are trained again."""
    with opened_to_read(url(folder)) as connection:
        row = reading.get_study(connection, "tiny")
        trials = retraining.trained(connection, row)
        picked = [retraining.chosen(trials, name) for name in names] or trials
        found = retraining.Retraining(row, None).differences(connection, picked, 1, "threading")
        return {stored.name: problems for stored, problems in found}


def change(folder, statement):
    """Change the database behind our back."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        assert connection.execute(statement).rowcount > 0


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A study with all that there is to verify."""
    folder = tmp_path_factory.mktemp("original")
    assert launch(workspace(folder, PRUNED), options(folder))[1]
    return folder


@pytest.fixture
def copy(original, tmp_path):
    """The same, to be changed."""
    workspace(tmp_path, PRUNED)
    for end in ("", "-wal", "-shm"):
        if (original / f"study.db{end}").exists():
            (tmp_path / f"study.db{end}").write_bytes((original / f"study.db{end}").read_bytes())
    return tmp_path


def test_an_intact_study_has_no_problems_and_is_not_changed(original):
    before = rows(original), rows(original, schema.studies)
    assert {row["state"] for row in before[0]} == {"complete", "pruned"}
    assert problems(original) == []
    found = retrained(original)
    assert len(found) > 20
    assert not any(found.values())
    assert (rows(original), rows(original, schema.studies)) == before


@pytest.mark.long
def test_a_study_has_no_problems_wherever_it_was_stopped(tmp_path):
    finished = launch(workspace(tmp_path, PRUNED), options(tmp_path, watcher=StopAfter(2)))[1]
    stops = 0
    while not finished:
        stops += 1
        assert problems(tmp_path) == []
        finished = resume("tiny", options(tmp_path, watcher=StopAfter(9)))
    assert stops > 3
    assert problems(tmp_path) == []


GROWN = randomly(
    6, "confirm = { best = 2, replicates = 3 }", 'pruner = { kind = "median", startup = 2, rungs = [1, 2] }'
)


@pytest.mark.slow
def test_a_study_that_has_grown_has_no_problems(tmp_path):
    launch(workspace(tmp_path, made(GROWN, FINE)), options(tmp_path))
    longer = made(GROWN.replace("trials = 6", "trials = 11"), FINE, FINE.replace('"fine"', '"finer"'))
    workspace(tmp_path, longer)
    assert not resume("tiny", options(tmp_path, watcher=StopAfter(3)))
    assert problems(tmp_path) == []
    assert resume("tiny", options(tmp_path))
    assert problems(tmp_path) == []


def test_a_study_that_ran_out_of_time_has_no_problems(tmp_path, monkeypatch):
    text = made(randomly(30, "budget = { minutes = 1 }", 'pruner = { kind = "halving", keep = 0.5, min_epochs = 1 }'))
    path = workspace(tmp_path, text)
    monkeypatch.setattr(context, "largest_cohort", lambda *_: 3)
    launch(path, options(tmp_path, watcher=StopAfter(50)))
    monkeypatch.setattr(stage_run.StageRun, "_elapsed", lambda _: 61.0)
    launch(path, options(tmp_path), or_resume=True)
    assert "ended" in rows(tmp_path, schema.stages)[0]["ended"]
    assert problems(tmp_path) == []


@pytest.mark.long
def test_runs_of_one_study_have_one_digest_whatever_its_name(original, tmp_path):
    workspace(tmp_path, PRUNED.replace('"tiny"', '"other"\ndescription = "x"'))
    launch(tmp_path / "studies" / "tiny.toml", options(tmp_path, 2, watcher=StopAfter(7)))
    assert digest_of(tmp_path, "other") != digest_of(original)
    assert resume("other", options(tmp_path, 3))
    assert digest_of(tmp_path, "other") == digest_of(original)


def test_studies_that_differ_in_one_number_have_two_digests(original, tmp_path):
    launch(workspace(tmp_path, PRUNED.replace("seed = 0", "seed = 1")), options(tmp_path))
    assert digest_of(tmp_path) != digest_of(original)


CURVES = "UPDATE hpsearch_curves SET validation_{0} = validation_{0} * 0.5 WHERE trial_id = {1} AND epoch = {2}"
TRIALS = "UPDATE hpsearch_trials SET {0} WHERE id = {1}"
CHANGES = [
    (CURVES.format("accuracy", 1, 1), "its value in epoch 1 is not its validation accuracy"),
    (TRIALS.format("value = 0.99", 1), "trial coarse:0's value is 0.99 of epoch "),
    (TRIALS.format("pruned_at = 2, state = 'pruned'", 1), "by the plan"),
    (TRIALS.format("params = '{\"lambda\": 0.001, \"eta\": 0.1}'", 1), "trial coarse:0: its params is"),
    (TRIALS.format("reason = 'so'", "(SELECT id FROM hpsearch_trials WHERE state = 'pruned')"), "by the plan pruned"),
    ("UPDATE hpsearch_stages SET ended = 'so' WHERE position = 0", "it ended because 'so' is stored, by the plan None"),
    ("UPDATE hpsearch_stages SET space = '{\"eta\": {\"choices\": [1]}}' WHERE position = 0", "by the study file in"),
    ("UPDATE hpsearch_stages SET space = '{\"eta\": {\"choices\": [1]}}' WHERE position = 1", "eta was searched in"),
    (TRIALS.format("params = '{\"lambda\": 1}'", "(SELECT max(id) FROM hpsearch_trials)"), "the best configuration is"),
    ("DELETE FROM hpsearch_weights WHERE kind = 'best' AND trial_id < 9", "the best 10 trials"),
    ("DELETE FROM hpsearch_trials WHERE id = 3", "hpsearch_trials"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), CHANGES)
def test_what_was_changed_is_found(copy, statement, expected):
    change(copy, statement)
    found = problems(copy)
    assert [line for line in found if expected in line], found
    assert len(found) < 60


RETRAINED = [
    (CURVES.format("cost", 2, 1), "epoch 1's validation_cost is "),
    ("DELETE FROM hpsearch_curves WHERE trial_id = 2 AND epoch = 1", "its curve has "),
    ("UPDATE hpsearch_predictions SET correct = zeroblob(13)", "its predictions for the validation samples in epoch"),
    (TRIALS.format("test_loss = 1", "(SELECT max(id) FROM hpsearch_trials)"), "its test cost, loss, accuracy, "),
    (TRIALS.format("test_metrics = '{\"f1\": 0.5}'", "(SELECT max(id) FROM hpsearch_trials)"), "its test cost, "),
    ("UPDATE hpsearch_predictions SET predicted = x'00' WHERE split = 'test'", "its predictions for the test set"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), RETRAINED)
def test_training_again_finds_what_was_changed(copy, statement, expected):
    change(copy, statement)
    found = retrained(copy, "coarse:1", "final:1")
    assert [line for lines in found.values() for line in lines if expected in line], found


def test_classes_that_an_earlier_version_did_not_store_are_no_difference(copy):
    change(copy, "UPDATE hpsearch_predictions SET predicted = NULL")
    assert not any(retrained(copy, "coarse:1", "final:1").values())


def test_a_difference_on_another_machine_is_said_to_be_one(copy):
    change(copy, CURVES.format("cost", 2, 1))
    change(copy, "UPDATE hpsearch_studies SET environment = json_set(environment, '$.blas', 'other')")
    assert "likely because of its blas: the study ran on other, this is " in retrained(copy, "coarse:1")["coarse:1"][-1]


def test_a_failed_trial_fails_the_same_way_again(tmp_path):
    text = TINY.split("[[stage]]")[0] + '[[stage]]\nname = "coarse"\nconfigurations = [{ eta = 0.1 }, { eta = 1e14 }]\n'
    launch(workspace(tmp_path, text), options(tmp_path))
    assert rows(tmp_path)[1]["state"] == "failed"
    assert problems(tmp_path) == []
    assert retrained(tmp_path) == {"coarse:0": [], "coarse:1": []}


def test_another_model_file_is_refused_and_a_trial_that_is_not_there(copy, monkeypatch):
    monkeypatch.chdir(copy)
    change(copy, f"UPDATE hpsearch_studies SET workspace = '{copy}'")
    with pytest.raises(StorageError, match="--trial must name a trained trial as coarse:0, coarse:1, coarse:2, …, got"):
        retrained(copy, "coarse:99")
    with (copy / "models" / "mlp.py").open("a") as file:
        file.write("# another text\n")
    with pytest.raises(ModelError, match="file has changed since study 'tiny' was launched; restore it to verify"):
        retrained(copy, "coarse:1")
