"""`Study(data=(X, y))`: arrays and DataFrames, kept in the user's cache under their hash."""

import numpy as np
import pandas as pd
import pytest

from hpsearch import Study
from hpsearch.data import load
from hpsearch.errors import InputError
from hpsearch.exporting.predictions.labels import labels_of
from hpsearch.spec import parse

MODEL = {"estimator": "sklearn.tree.DecisionTreeClassifier"}
STAGES = [{"name": "only", "sampler": {"kind": "random", "trials": 2}, "space": {"max_depth": [2, 3]}}]
X, Y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 2


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def data_of(study):
    return parse(study.text, "x").data


def test_arrays_are_the_dataset_of_a_study_and_equal_ones_are_one_file(tmp_path):
    data = data_of(Study("a", data=(X, Y), model=MODEL, stages=STAGES))
    dataset = load(data.dataset, task=data.task_given)
    assert (data.train, data.held_out, len(dataset.test_labels)) == (60, 20, 20)
    rows = {row.tobytes() for row in (*dataset.samples, *dataset.test_samples)}
    assert rows == {row.tobytes() for row in X}
    assert data_of(Study("b", data=(X.copy(), Y), model=MODEL, stages=STAGES)).dataset == data.dataset
    assert len(list(tmp_path.rglob("*.npz"))) == 1


def test_truth_values_stay_truth_values():
    data = data_of(Study("a", data=(X, Y == 1), model=MODEL, stages=STAGES))
    assert load(data.dataset, task=data.task_given).classes == ("False", "True")
    assert labels_of(("False", "True")).tolist() == [False, True]


def test_a_frame_keeps_its_columns_categories_and_gaps(tmp_path):
    frame = pd.DataFrame(X, columns=list("abc")).assign(town=["Oslo", None] * 50, zip=pd.Categorical(Y + 100))
    labels = pd.Series(np.where(Y, "yes", "no"), name="bought")
    given = {"dataset": (frame, labels), "train": 50, "validation": 20}
    data = data_of(Study("a", data=given, model=MODEL, stages=STAGES))
    assert data.dataset["test"] == 30
    dataset = load(data.dataset, task=data.task_given)
    assert dataset.classes == ("no", "yes")
    kinds = {each.name: (each.kind, each.missing) for each in dataset.columns.columns}
    assert kinds["town"] == ("category", True)
    assert kinds["zip"] == ("category", False)
    assert {*dataset.samples[:, 0], *dataset.test_samples[:, 0]} == {*X[:, 0]}  # to the last bit


def test_a_frames_columns_are_kept_or_dropped_as_those_of_a_table():
    frame = pd.DataFrame(X, columns=list("abc")).assign(id=range(100))

    def columns(**more):
        data = data_of(Study("a", data={"dataset": (frame, Y), **more}, model=MODEL, stages=STAGES))
        assert (data.train, data.held_out) == (60, 20)
        dataset = load(data.dataset, task=data.task_given)
        return [each.name for each in dataset.columns.columns], [leak.column for leak in dataset.leaks]

    assert columns() == (["a", "b", "c", "id"], ["id"])
    assert columns(keep=["id"]) == (["a", "b", "c", "id"], [])
    assert columns(drop=["id", "b"]) == (["a", "c"], [])


def test_a_frame_of_targets_is_a_regression_of_several():
    frame, targets = pd.DataFrame(X, columns=list("abc")), pd.DataFrame(X[:, :2] * 2, columns=["a", "y"])
    model = {"estimator": "sklearn.tree.DecisionTreeRegressor"}
    data = data_of(Study("a", data=(frame, targets), model=model, stages=STAGES))
    assert (data.task, data.dataset["label"]) == ("regression", ("a_", "y"))
    dataset = load(data.dataset, task=data.task_given)
    assert dataset.targets == ("a_", "y")
    assert [each.name for each in dataset.columns.columns] == ["a", "b", "c"]


def test_labels_of_fractions_are_a_regression():
    data = data_of(Study("a", data=(X, X[:, 0] * 2), model={"estimator": "sklearn.linear_model.Ridge"}, stages=STAGES))
    assert data.task == "regression"


def test_what_is_no_data_costs_one_line():
    for given, rule in (
        ({"dataset": (X, Y), "train": 80, "validation": 20}, "must leave samples to test on"),
        ((X, Y[:99]), "must have as many labels as samples, got 100 and 99"),
        ({"dataset": (X, Y), "drop": ["id"]}, "data.drop is a key of a DataFrame's columns, got ndarray"),
        ((np.where(X > 2, np.nan, X), Y), "X must be finite numbers in an array; in a DataFrame missing values are"),
        ((X.astype(object), Y), "X must be numbers, or a DataFrame, is an array of objects"),
    ):
        with pytest.raises(InputError, match=rule):
            Study("a", data=given, model=MODEL, stages=STAGES)
