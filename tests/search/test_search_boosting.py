"""LightGBM's and XGBoost's wrappers by name: trees as epochs, pruned, killed, resumed, predicted with."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from tiny import StopAfter, digest_of, options, rows, url, workspace

from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.spec import is_training_key
from hpsearch.trainables import Data
from hpsearch.workers.models.estimators import Estimator, names_of

WRAPPERS = ["lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor", "xgboost.XGBClassifier", "xgboost.XGBRegressor"]

STUDY = """
name = "trees"

[data]
dataset = {{ kind = "csv", path = "table.csv", label = "target", test = 60 }}
task = "{task}"
train = 200
validation = 80

[objective]
metric = "{metric}"

[model]
estimator = "{name}"
verbosity = {quiet}
subsample = 0.5
per_epoch = 2

[training]
epochs = 6

[[stage]]
name = "coarse"
sampler = {{ kind = "random", trials = 6 }}
pruner = {{ kind = "halving", keep = 0.5, rungs = [2, 4] }}
space.learning_rate = {{ low = 0.05, high = 0.5, log = true }}
space.max_depth = [2, 4]

[final]
replicates = 2
"""


def class_of(name):
    package, _, last = name.partition(".")
    found = pytest.importorskip(package, reason=f"{package} is not installed")
    return getattr(found, last)


def made(folder, name):
    is_classifier = name.endswith("Classifier")
    table = (load_breast_cancer if is_classifier else load_diabetes)(as_frame=True).frame
    table.columns = [column.replace(" ", "_") for column in table.columns]
    table.to_csv(folder / "table.csv", index=False)
    task, metric = ("classification", "log_loss") if is_classifier else ("regression", "rmse")
    quiet = 0 if name.startswith("xgboost") else -1
    return workspace(folder, STUDY.format(name=name, task=task, metric=metric, quiet=quiet), "trees.toml")


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_is_pruned_and_stopped_and_resumed_to_the_same_digest(tmp_path, monkeypatch, name):
    class_of(name)
    for folder in ("whole", "stopped"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        watcher = {"watcher": StopAfter(7)} if folder == "stopped" else {}
        launch(made(tmp_path / folder, name), options(tmp_path / folder, **watcher))
    assert resume("trees", options(tmp_path / "stopped"))
    assert digest_of(tmp_path / "whole", "trees") == digest_of(tmp_path / "stopped", "trees")
    trials = rows(tmp_path / "whole")
    assert {trial["state"] for trial in trials} == {"complete", "pruned"}
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path / "stopped"))
    assert main(["verify", "trees", "--trial", "final:0"]) == 0


@pytest.mark.parametrize("name", WRAPPERS)
def test_its_predictions_are_those_of_the_library_that_goes_on_from_its_own_trees(name):
    wrapper, (x, y) = class_of(name), load_breast_cancer(return_X_y=True)
    of_classes = name.endswith("Classifier")
    x, labels = x.astype(np.float32), y if of_classes else x[:, 0].astype(np.float32)
    data = Data(x, labels, 2 if of_classes else 0, (1, 1, 30), 0, ("a", "b") if of_classes else ())
    given = {"subsample": 0.5, "verbosity": -1 if name.startswith("lightgbm") else 0}
    ours = Estimator(wrapper(), data, 7, given | {"per_epoch": 2}, 3)
    again = Estimator(wrapper(), data, 7, given | {"per_epoch": 2}, 3)
    theirs, before = None, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in (1, 2, 3):
            ours.train(epoch)
            theirs = wrapper(n_estimators=2, random_state=6 + epoch, n_jobs=1, **given).fit(x, labels, **before)
            before = (
                {"init_model": theirs.booster_} if name.startswith("lightgbm") else {"xgb_model": theirs.get_booster()}
            )
        again.restore(ours.save())
        method = "predict_proba" if of_classes else "predict"
        expected = getattr(theirs, method)(x)
        assert np.array_equal(getattr(ours, method)(x), expected)
        assert np.array_equal(getattr(again, method)(x), expected)
    trees = (
        ours.estimator.booster_.num_trees()
        if name.startswith("lightgbm")
        else ours.estimator.get_booster().num_boosted_rounds()
    )
    assert trees == 6


def test_lightgbms_own_parameters_are_names_but_for_those_that_are_set_for_it():
    names = names_of(class_of("lightgbm.LGBMClassifier")())
    assert {"verbose", "verbosity", "max_bin", "extra_trees", "path_smooth", "num_leaves", "per_epoch"} <= {*names}
    assert not {"seed", "num_threads", "bagging_seed", "num_iterations", "data", "output_model", "lambda_l1"} & {*names}
    assert len(names) == len({*names})
    assert not any(map(is_training_key, {*names} - {"class_weight"}))
