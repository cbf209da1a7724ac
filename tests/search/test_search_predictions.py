"""Trainables that give probabilities, scores or values: their metrics are scikit-learn's, and so are regressions."""

import csv

import numpy as np
import pytest
import sklearn.metrics
from sklearn.linear_model import SGDClassifier, SGDRegressor
from tiny import options, rows, url, workspace

from hpsearch import data, spec
from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.nn.losses import probabilities
from hpsearch.search.launch import launch
from hpsearch.search.preparation import prepare_one
from hpsearch.storage import schema
from hpsearch.trainables import Data
from hpsearch.workers import conformance
from hpsearch.workers.models.checked_trainable import common_seed
from hpsearch.workers.pools.local import SequentialPool

STUDY = """
name = "mine"
data = { dataset = "digits", train = 200, validation = 100 }
model = { file = "models/sgd_classifier.py" }
objective = { metric = "log_loss", also = ["roc_auc", "loss"] }
training = { epochs = 2 }

[[stage]]
name = "only"
configurations = [{ eta = 0.01 }]
test = true
"""

REGRESSOR = """
import numpy as np
from sklearn.linear_model import SGDRegressor

class Trained:
    def __init__(self, data, seed, eta):
        self.data = data
        self.model = SGDRegressor(eta0=eta, learning_rate="constant", shuffle=False, random_state=seed)

    def train(self, epoch):
        order = self.data.order(epoch)
        self.model.partial_fit(self.data.samples[order], self.data.labels[order])

    def predict(self, samples):
        return self.model.predict(samples)

    def save(self):
        return {"coef": self.model.coef_, "intercept": self.model.intercept_, "t": np.array(self.model.t_)}

    def restore(self, state):
        self.model.coef_, self.model.intercept_ = state["coef"], state["intercept"]
        self.model.t_ = float(state["t"])

def make(data, seed, eta=0.01):
    assert data.target_names == ("y",) and data.classes == 0
    return Trained(data, seed, eta)
"""
REGRESSION = (
    STUDY.replace('"digits"', '{ kind = "csv", path = "made.csv", label = "y", test = 50 }, task = "regression"')
    .replace("sgd_classifier", "own")
    .replace('"log_loss", also = ["roc_auc", "loss"]', '"rmse", also = ["r2", "loss"]')
)


@pytest.fixture(autouse=True)
def _in_the_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def own(folder, model: str, text: str = STUDY):
    path = workspace(folder, text.replace("sgd_classifier", "own"))
    (folder / "models" / "own.py").write_text(model, "utf-8")
    return path


def regression(folder):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((350, 4))
    y = 1_000 + 300 * (x @ [1, -2, 0.5, 0]) + 50 * rng.standard_normal(350)
    with (folder / "made.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "c", "d", "y"], *np.column_stack([x, y]).tolist()])
    return own(folder, REGRESSOR, REGRESSION)


def split_of(path):
    study = spec.read(path)
    dataset = data.load(study.data.dataset, None, path.parent.parent, study.data.task)
    return data.open_split(prepare_one(study, dataset, study.stages[0], 0))


def recorded(folder, epoch=2):
    return {row["metric"]: row["validation"] for row in rows(folder, schema.measurements) if row["epoch"] == epoch}


def test_probabilities_have_the_metrics_that_scikit_learn_computes_of_them(tmp_path):
    path = workspace(tmp_path, STUDY)
    launch(path, options(tmp_path))
    split, (trial,) = split_of(path), rows(tmp_path)
    again = SGDClassifier(loss="log_loss", alpha=0.0, eta0=0.01, learning_rate="constant", shuffle=False)
    shared = Data(split.train_x, split.train_y, 10, split.image_shape, common_seed(0, 0))
    truth, curve = split.validation_y, rows(tmp_path, schema.curves)
    kept = {row["epoch"]: row["outputs"] for row in rows(tmp_path, schema.predictions) if row["split"] == "validation"}
    assert kept.keys() == {1, 2}
    for epoch in (1, 2):
        order = shared.order(epoch)
        again.partial_fit(split.train_x[order], split.train_y[order], classes=np.arange(10))
        shares, found = again.predict_proba(split.validation_x), recorded(tmp_path, epoch)
        stored = probabilities(np.frombuffer(kept[epoch], np.float32).reshape(-1, 10))
        for each in (shares, stored):
            loss, area = (
                sklearn.metrics.log_loss(truth, each),
                sklearn.metrics.roc_auc_score(truth, each, multi_class="ovr"),
            )
            assert found["log_loss"] == pytest.approx(loss, rel=1e-6)
            assert found["roc_auc"] == pytest.approx(area, abs=1e-6)
        assert curve[epoch - 1]["validation_loss"] == pytest.approx(found["log_loss"], rel=1e-6)
        assert curve[epoch - 1]["validation_accuracy"] == np.mean(shares.argmax(axis=1) == truth)
    assert trial["test_value"] > 0


@pytest.mark.usefixtures("shared_processes")
def test_a_regression_is_scikit_learn_s_on_the_standardised_targets_in_their_own_unit(tmp_path):
    path = regression(tmp_path)
    launch(path, options(tmp_path))
    split = split_of(path)
    assert split.train_y.mean() == pytest.approx(0, abs=1e-6)
    again = SGDRegressor(eta0=0.01, learning_rate="constant", shuffle=False)
    shared = Data(split.train_x, split.train_y[:, 0], 0, split.image_shape, common_seed(0, 0))
    for epoch in (1, 2):
        order = shared.order(epoch)
        again.partial_fit(split.train_x[order], split.train_y[order, 0])
    values = again.predict(split.validation_x) * split.target_deviation + split.target_mean
    truth, found = split.validation_targets[:, 0], recorded(tmp_path)
    assert found["rmse"] == pytest.approx(sklearn.metrics.root_mean_squared_error(truth, values), rel=1e-5)
    assert found["r2"] == pytest.approx(sklearn.metrics.r2_score(truth, values), rel=1e-5)
    assert found["rmse"] < 0.3 * truth.std()
    assert main(["verify", "mine", "--all", "--storage", url(tmp_path)]) == 0


def test_the_check_of_a_model_file_covers_regressions(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(conformance, "LokyPool", lambda workers: SequentialPool())  # a process takes seconds to start
    regression(tmp_path)
    table = '{ kind = "csv", path = "made.csv", label = "y", test = 50 }'
    assert main(["check", "models/own.py", "--task", "regression", "--dataset", table]) == 0
    out = capsys.readouterr().out
    assert "rmse" in out
    assert "all checks pass" in out


FUNCTIONS = """
import numpy as np

def train_epoch(state, data, epoch, rng, eta):
    return {"means": np.stack([data.samples[data.labels == c].mean(axis=0) for c in range(10)])}

def predict(state, samples):
    return (-((samples[:, None] - state["means"]) ** 2).mean(axis=2)).RETURNED
"""


def test_scores_are_enough_for_the_area_under_the_curve_and_classes_are_not(tmp_path):
    text = STUDY.replace('"log_loss", also = ["roc_auc", "loss"]', '"roc_auc"')
    scores, classes = tmp_path / "scores", tmp_path / "classes"
    for folder in (scores, classes):
        folder.mkdir()
    launch(own(scores, FUNCTIONS.replace("RETURNED", "astype(float)"), text), options(scores))
    assert rows(scores)[0]["value"] > 0.9
    with pytest.raises(Exception, match=r"predict must return scores \(100, 10\) as floats, which the study's metrics"):
        launch(own(classes, FUNCTIONS.replace("RETURNED", "argmax(axis=1)"), text), options(classes))


def test_metrics_of_what_is_not_given_are_refused_in_one_line(tmp_path):
    with pytest.raises(
        InputError, match=r"objective.metric log_loss needs probabilities, which models/own.py does not"
    ):
        launch(own(tmp_path, FUNCTIONS.replace("RETURNED", "astype(float)")), options(tmp_path))
    assert not (tmp_path / "study.db").exists()


def test_probabilities_that_are_none_fail_the_trial_in_one_line(tmp_path):
    for change, words in (
        ("* 2", "predict_proba must return probabilities that add up to 1, returned a row of 2"),
        ("- 0.1", "predict_proba must return probabilities from 0 to 1, returned -0.1"),
        ("[:, :5]", "predict_proba must return probabilities (100, 10) as floats, returned float64 (100, 5)"),
        ("* np.nan", "the training cost became NaN in epoch 1"),
    ):
        model = FUNCTIONS.replace("def predict", "def predict_proba").split("    return (-(")[0]
        model += f"    return np.eye(10)[np.zeros(len(samples), int)] {change}\n"
        folder = tmp_path / f"{len(words)}"
        folder.mkdir()
        with pytest.raises(Exception, match="only") as failed:
            launch(own(folder, model), options(folder))
        assert words in str(failed.value) + str(rows(folder)[0]["reason"])
