"""`[final] data = "all"`: the winner is trained once more, on all samples, up to the epoch that the final chose."""

# ruff: noqa: E501  (a row of a table stays on one line)

import itertools
import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from tiny import TINY, digest_of, options, rows, url, workspace

import hpsearch
from hpsearch import data
from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import whole
from hpsearch.search.verify.checks import verify
from hpsearch.search.verify.retraining import Retraining
from hpsearch.search.verify.whole import stored_whole, whole_differences
from hpsearch.spec import Configuration, parse
from hpsearch.storage import reading, schema
from hpsearch.storage.database import opened_to_read
from hpsearch.workers.models.estimators import Estimator

ALL = TINY.replace("replicates = 2", 'replicates = 2\ndata = "all"')


def kinds(folder):
    return [row["kind"] for row in rows(folder, schema.weights) if row["kind"].startswith("all")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    launch(workspace(folder, ALL), options(folder))
    return folder


def test_the_winner_is_trained_on_all_samples_and_taken_by_default(folder):
    results = hpsearch.load("tiny", url(folder))
    classifier, evaluated = results.classifier(), results.classifier("final:0")
    assert (classifier.model.trial, evaluated.model.trial) == ("final:all", "final:0")
    split, before = data.open_split(classifier.model.split), data.open_split(evaluated.model.split)
    assert len(split.train_x) == 300 + len(before.test_x)
    raw = split.train_x * split.deviation + split.mean
    drawn = [part * before.deviation + before.mean for part in (before.train_x, before.validation_x, before.test_x)]
    assert np.allclose(sorted(raw.round(3).tolist()), sorted(np.concatenate(drawn).round(3).tolist()), atol=1e-2)
    (row,) = (row for row in rows(folder, schema.weights) if row["kind"] == "all")
    finals = [trial for trial in results.frames.rows if trial["stage"] == "final"]
    assert (row["trial_id"], row["epoch"]) == (
        finals[0]["id"],
        round(np.median([trial["best_epoch"] for trial in finals])),
    )
    digits = load_digits()
    assert classifier.score(digits.data, digits.target) > evaluated.score(digits.data, digits.target)


def test_the_final_and_the_digest_of_other_studies_are_as_without_it(folder, tmp_path):
    launch(workspace(tmp_path), options(tmp_path))
    curves = [rows(each, schema.curves) for each in (folder, tmp_path)]
    assert curves[0] == curves[1]
    assert (kinds(folder), kinds(tmp_path)) == (["all"], [])
    assert digest_of(folder) != digest_of(tmp_path)
    with pytest.raises(InputError, match=r"no model of study 'tiny' was trained on all samples: that needs data = "):
        hpsearch.load("tiny", url(tmp_path)).classifier("final:all")


def test_a_run_that_is_killed_while_it_trains_on_all_ends_with_the_same_digest(folder, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    stored, store = [], whole.WholeRun._store

    def then_die(self, result, end):
        store(self, result, end)
        stored.append(end)
        raise Killed

    monkeypatch.setattr(whole.WholeRun, "_store", then_die)
    monkeypatch.setattr(whole, "SEGMENT_SECONDS", 0)  # an epoch at a time
    with pytest.raises(Killed):
        launch(workspace(tmp_path, ALL), options(tmp_path))
    while kinds(tmp_path) == ["all state"]:
        with pytest.raises(Killed):
            resume("tiny", options(tmp_path))
    monkeypatch.undo()
    assert resume("tiny", options(tmp_path))
    assert (stored, kinds(tmp_path)) == ([1, 2, 3], ["all"])
    assert digest_of(tmp_path) == digest_of(folder)


def test_a_complete_study_passes_the_checks(folder):
    with opened_to_read(url(folder)) as connection:
        row = reading.get_study(connection, "tiny")
        assert [check.problems for check in verify(connection, row, trusted=True) if check.problems] == []


@pytest.fixture
def copied(folder, tmp_path, monkeypatch):
    """A copy of the study's folder, to be changed, as the current folder."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path))
    change(tmp_path, f"UPDATE hpsearch_studies SET workspace = '{tmp_path}'")
    return tmp_path


def change(folder, statement):
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.long
def test_verify_trains_it_again_by_its_name_and_draws_it_among_the_trials(copied, capsys):
    assert main(["verify", "tiny", "--trial", "final:all"]) == 0
    out = capsys.readouterr().out
    assert "final:all, trained again on all 660 samples for 3 epochs, is the same, bit for bit\n" in out
    assert "the final's winner, up to the epoch that the final chose" in out
    assert "trial final:0, trained again" not in out
    drawn = [main(["verify", "tiny", "--seed", str(seed)]) or capsys.readouterr().out for seed in (0, 7)]
    assert ["final:all, trained again" in each for each in drawn] == [False, True]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE hpsearch_weights SET content = (SELECT content FROM hpsearch_weights WHERE kind = 'best' LIMIT 1) WHERE kind = 'all'", "its parameters differ in '0.bias'"),
        ("UPDATE hpsearch_weights SET content = x'00' WHERE kind = 'all'", "its parameters cannot be read"),
        ("UPDATE hpsearch_weights SET epoch = 1 WHERE kind = 'all'", "it is trial final:0 for 1 epochs, by the final final:0 for 3"),
        ("DELETE FROM hpsearch_weights WHERE kind = 'all'", "its parameters are missing"),
    ],
)  # fmt: skip
def test_verify_finds_what_was_changed_of_it(copied, capsys, statement, said):
    change(copied, statement)
    with opened_to_read(url(copied)) as connection:
        row = reading.get_study(connection, "tiny")
        found = [problem for check in verify(connection, row) for problem in check.problems]
        if stored := stored_whole(connection, row):
            found += whole_differences(Retraining(row, None), stored, "threading")[1]
    assert [line for line in found if said in line], found


@pytest.mark.slow
def test_a_study_that_trains_longer_trains_longer_on_all_samples(tmp_path):
    for folder in ("longer", "so"):
        (tmp_path / folder).mkdir()
    longer = ALL.replace("epochs = 3", "epochs = 5")
    launch(workspace(tmp_path / "longer", ALL), options(tmp_path / "longer"))
    assert resume("tiny", options(tmp_path / "longer"), longer)
    launch(workspace(tmp_path / "so", longer), options(tmp_path / "so"))
    assert digest_of(tmp_path / "longer") == digest_of(tmp_path / "so")


def part(samples, rows):
    return samples.samples[:rows], samples.labels[:rows]


def test_an_estimator_is_what_scikit_learn_fits_on_all_samples(tmp_path, monkeypatch):
    text = TINY.split("[model]")[0] + (
        '[model]\nestimator = "sklearn.linear_model.LogisticRegression"\n[[stage]]\nname = "one"\n'
        "configurations = [{ C = 0.01 }]\n[final]\ndata = { train = 100, all = true }\n"
    )
    launch(workspace(tmp_path, text), options(tmp_path))
    classifier = hpsearch.load("tiny", url(tmp_path)).classifier()
    split = data.open_split(classifier.model.split)
    fitted = LogisticRegression(C=0.01).fit(split.train_x, split.train_y)
    assert np.array_equal(
        classifier.predict_proba(load_digits().data[:200]),
        fitted.predict_proba(classifier.model.standardise(load_digits().data[:200])),
    )
    assert len(split.train_y) == 200 + len(split.test_y)
    with opened_to_read(url(tmp_path)) as connection:
        row = reading.get_study(connection, "tiny")
        stored, again = stored_whole(connection, row), Retraining(row, None)
        assert whole_differences(again, stored, "threading") == (len(split.train_y), [])
        fits = itertools.count(1)
        monkeypatch.setattr(Estimator, "train", lambda self, _: self.estimator.fit(*part(self.data, 60 * next(fits))))
        problems = ["its predictions differ when it is made from what is stored"]
        assert whole_differences(again, stored, "threading")[1][:1] == problems


def test_what_a_schedule_counts_in_updates_stays_as_long_in_epochs():
    schedule = '{ kind = "cyclical", eta_min = 0.01, eta_max = 1.0, half_cycle_updates = 2 }'
    text = TINY.replace("eta = 0.1", f"schedule = {schedule}").replace("epochs = 3", "updates = 12")
    text = text.replace("space.eta = { low = 1e-2, high = 0.5, log = true }\n", "")
    study = parse(text.replace("space.batch_size = [20, 50]\n", "").split('[[stage]]\nname = "fine"')[0], "x")
    given = hpsearch.spec.resolve(study, study.stages[0], {"lambda": 0.1})
    found = whole.whole_configuration(given, 200, 2000).training
    assert (found.epochs, found.updates, found.schedule.half_cycle_updates, found.keep) == (3, None, 20, "last")
    assert Configuration.from_json(json.loads(json.dumps(given.to_json()))) == given


def test_another_word_than_all_is_refused():
    with pytest.raises(InputError, match=r"x: final.data must be .all. or a table, got 'al'"):
        parse(ALL.replace('"all"', '"al"'), "x")
