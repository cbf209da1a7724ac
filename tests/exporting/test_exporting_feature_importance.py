"""Permutation importance of a table's columns: as scikit-learn has it, seeded, and said in the report."""

import re
import shutil

import pytest
from sklearn.inspection import permutation_importance
from test_exporting_tables import BOOSTING, NETWORK, launched
from tiny import url

from hpsearch.cli.report.write import write_report
from hpsearch.data import open_split
from hpsearch.exporting import feature_importance as module
from hpsearch.exporting.feature_importance import feature_importance
from hpsearch.exporting.trained_model import first_finished, load_model


def importance_of(results):
    found = feature_importance(results.frames)
    assert found.missing == ""
    return found, {each.column: each for each in found.columns}


def test_the_importance_of_a_column_is_that_of_scikit_learn(iris):
    results, _, _ = iris
    found, columns = importance_of(results)
    assert (found.trial, found.samples, found.repeats, found.goal.metric) == ("final:0", 30, 10, "accuracy")
    split = open_split(load_model(results.frames, first_finished(results.frames)).split)
    raw = split.validation_x * split.deviation + split.mean
    classifier = results.classifier("final:0")
    labels = classifier.classes_[split.validation_y]
    theirs = permutation_importance(classifier, raw, labels, n_repeats=200, random_state=0)
    assert found.value == pytest.approx(classifier.score(raw, labels))
    for name, mean, deviation in zip(
        ["a b", "c", "d", "e"], theirs.importances_mean, theirs.importances_std, strict=True
    ):
        assert columns[name].mean == pytest.approx(mean, abs=4 * deviation / 10**0.5 + 1e-9)
        assert columns[name].deviation == pytest.approx(deviation, rel=0.8, abs=0.02)


def test_it_is_the_same_again(iris):
    results, _, _ = iris
    assert feature_importance(results.frames) == feature_importance(results.frames)


@pytest.mark.parametrize(
    "parts", [NETWORK, pytest.param(BOOSTING, marks=pytest.mark.long)], ids=["network", "boosting"]
)
def test_the_features_of_a_category_are_permuted_together(tmp_path, monkeypatch, parts):
    _, columns = importance_of(launched(tmp_path, monkeypatch, parts, ""))
    assert [*columns] == ["town", "age"]
    assert columns["town"].mean > 0.2 > abs(columns["age"].mean)


def test_it_is_computed_once_for_a_model_and_again_where_what_was_kept_is_damaged(iris, monkeypatch, tmp_path):
    results, _, _ = iris
    monkeypatch.setattr(module, "importance_directory", lambda: tmp_path)
    found = feature_importance(results.frames)
    (kept,) = tmp_path.iterdir()
    with monkeypatch.context() as context:
        context.setattr(module, "_computed", None)
        assert feature_importance(results.frames) == found
    kept.write_text("{}")
    assert feature_importance(results.frames) == found
    assert kept.read_text() != "{}"


def test_a_slow_model_has_fewer_repeats_and_a_very_slow_one_none(iris, monkeypatch, tmp_path):
    results, _, _ = iris
    folders = iter([tmp_path / "one", tmp_path / "other"])
    monkeypatch.setattr(module, "importance_directory", lambda: next(folders))
    clock = iter([0.0, 2.5, 0.0, 10.0])  # of ten repeats at once
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    assert feature_importance(results.frames).repeats == 5
    assert feature_importance(results.frames).missing == (
        "predicting 30 samples takes 1 s, and 3 times 4 columns were to be predicted"
    )


@pytest.mark.long
def test_the_report_of_a_table_has_it_and_says_why_where_it_has_none(tmp_path, monkeypatch):
    launched(tmp_path, monkeypatch, NETWORK, "")
    page = write_report("towns", url(tmp_path), tmp_path / "reports").read_text()
    section = re.search(r'<section id="features">(.*?)</section>', page, re.DOTALL)[1]
    assert re.search(r"Of final:0, whose accuracy on .*60.* validation samples is", section)
    assert [*re.findall(r'<tr><td class="text">(.*?)</td>', section)] == ["town", "age"]
    shutil.move(tmp_path / "towns.csv", tmp_path / "gone.csv")
    page = write_report("towns", url(tmp_path), tmp_path / "reports").read_text()
    assert re.search(r'<section id="features">.*?Not known: .*towns.csv', page, re.DOTALL)
