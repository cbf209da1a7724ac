"""Estimators of scikit-learn are searched by name: pruned, stopped, resumed with the same bits, equal to scikit-learn."""

# ruff: noqa: E501  (a row of a table stays on one line)

import csv

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVC
from tiny import StopAfter, digest_of, options, rows, url, workspace

from hpsearch import data
from hpsearch.api.run import load
from hpsearch.cli import main
from hpsearch.errors import InputError, ModelError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.workers.models import installed, plugin
from hpsearch.workers.models.checked_trainable import seed_of

HEAD = """
name = "mine"

[data]
dataset = { kind = "csv", path = "data.csv", label = "target", test = 100 }
train = 250
validation = 100
"""
CANCER = (
    HEAD
    + """
[model]
estimator = "ESTIMATOR"
"""
)
DIABETES = CANCER.replace("250", "200").replace("train =", 'task = "regression"\ntrain =')
BOOSTING = (
    CANCER.replace("ESTIMATOR", "sklearn.ensemble.HistGradientBoostingClassifier")
    + """
max_leaf_nodes = 4

[training]
epochs = 4

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 4 }
pruner = { kind = "halving", keep = 0.5, rungs = [2] }
space.learning_rate = { low = 0.01, high = 1.0, log = true }

[final]
"""
)
LIST = '[[stage]]\nname = "only"\ntest = true\nconfigurations = ['

PIPELINE = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures


def estimator(degree=1):
    return make_pipeline(PolynomialFeatures(degree), LogisticRegression(max_iter=50))
"""


@pytest.fixture(autouse=True)
def _in_the_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def study(folder, text: str, read=load_breast_cancer):
    """A workspace with a study of a data set of scikit-learn's, written to a CSV file."""
    samples, labels = read(return_X_y=True)
    with open(folder / "data.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*(f"x{i}" for i in range(samples.shape[1])), "target"])
        rows.writerows(
            [*map(repr, map(float, row)), label] for row, label in zip(samples, labels.tolist(), strict=True)
        )
    return workspace(folder, text)


def trained_on(model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The samples and labels that a trial was trained on, as the study standardised them, and the test samples."""
    split = data.open_split(model.split)
    return split.train_x[: split.samples], split.train_y[: split.samples], split.test_x


def raw(folder, task=None) -> np.ndarray:
    """The raw test samples, as the file has them."""
    source = {"kind": "csv", "path": "data.csv", "label": "target", "test": 100}
    return data.load(source, data.data_directory(None), folder, task).test_samples


def seed(model) -> int:
    return seed_of(model.seed, model.point, model.replicate)


@pytest.mark.long
def test_boosting_is_pruned_stopped_and_resumed_with_the_same_digest(tmp_path, monkeypatch):
    (tmp_path / "calm").mkdir()
    calm = study(tmp_path / "calm", BOOSTING)
    study(tmp_path, BOOSTING)
    assert launch(calm, options(tmp_path / "calm")) == ("mine", True)
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    assert launch(tmp_path / "studies" / "tiny.toml", options(tmp_path, 2, watcher=StopAfter(3))) == ("mine", False)
    while not resume("mine", options(tmp_path, watcher=StopAfter(8))):
        pass
    assert digest_of(tmp_path, "mine") == digest_of(tmp_path / "calm", "mine")
    assert "pruned" in {row["state"] for row in rows(tmp_path)}
    found = load("mine", storage=url(tmp_path)).classifier()
    model = found.model
    rounds = int(model.weights["epochs"])
    given = {"max_leaf_nodes": 4, "learning_rate": model.configuration.parameters["learning_rate"]}
    direct = HistGradientBoostingClassifier(max_iter=rounds, early_stopping=False, random_state=seed(model), **given)
    x, y, test = trained_on(model)
    assert found.predict_proba(raw(tmp_path)).tobytes() == direct.fit(x, y).predict_proba(test).tobytes()
    assert found.predict(raw(tmp_path)).tolist() == direct.predict(test).tolist()


FITTED_AT_ONCE = [
    (
        "sklearn.ensemble.RandomForestClassifier",
        "{ n_estimators = 5, max_depth = 'none', class_weight = 'balanced' }",
        "",
        lambda seed: RandomForestClassifier(5, class_weight="balanced", random_state=seed),
    ),
    (
        "sklearn.ensemble.RandomForestClassifier",
        "{ per_epoch = 3 }",
        "epochs = 2",
        lambda seed: RandomForestClassifier(6, random_state=seed),
    ),
    (
        "models/pipeline.py",
        "{ degree = 2, logisticregression__C = 0.1 }",
        "",
        lambda seed: make_pipeline(PolynomialFeatures(2), LogisticRegression(C=0.1, max_iter=50, random_state=seed)),
    ),
    (
        "models/pipeline.py",
        "{ logisticregression.C = 0.1 }",
        "",
        lambda seed: make_pipeline(PolynomialFeatures(1), LogisticRegression(C=0.1, max_iter=50, random_state=seed)),
    ),
    ("sklearn.svm.SVC", "{ C = 3 }", "", lambda seed: SVC(C=3, random_state=seed)),
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "given", "training", "direct"), FITTED_AT_ONCE)
def test_predictions_equal_those_of_scikit_learn_used_directly(tmp_path, name, given, training, direct):
    text = CANCER.replace("ESTIMATOR", name) + f"[training]\nkeep = 'last'\n{training}\n{LIST}{given}]"
    study(tmp_path, text)
    (tmp_path / "models" / "pipeline.py").write_text(PIPELINE)
    launch(tmp_path / "studies" / "tiny.toml", options(tmp_path))
    found = load("mine", storage=url(tmp_path)).classifier()
    model = found.model
    x, y, test = trained_on(model)
    fitted = direct(seed(model)).fit(x, y)
    assert found.predict(raw(tmp_path)).tolist() == fitted.predict(test).tolist()
    if hasattr(fitted, "predict_proba"):
        assert found.predict_proba(raw(tmp_path)).tobytes() == fitted.predict_proba(test).tobytes()
    (trial,) = rows(tmp_path)
    assert trial["test_accuracy"] == np.mean(fitted.predict(test) == data.open_split(model.split).test_y)


def test_a_regressor_equals_scikit_learn_and_needs_no_training_table(tmp_path):
    text = DIABETES.replace("ESTIMATOR", "sklearn.linear_model.Ridge") + LIST + "{ alpha = 2.0 }, { alpha = 0.5 }]"
    launch(study(tmp_path, text, load_diabetes), options(tmp_path))
    found = load("mine", storage=url(tmp_path)).regressor()
    model = found.model
    x, y, test = trained_on(model)
    values = Ridge(model.configuration.parameters["alpha"], random_state=seed(model)).fit(x, y[:, 0]).predict(test)
    expected = values.astype(np.float32).astype(np.float64) * model.target_deviation + model.target_mean
    assert found.predict(raw(tmp_path, "regression")).tobytes() == expected.tobytes()


REFUSED = [
    (
        "sklearn.ensemble.RandomForestClasifier",
        "{}",
        "",
        "sklearn.ensemble has no class RandomForestClasifier; did you mean 'sklearn.ensemble.RandomForestClassifier'?",
    ),
    (
        "sklearn.tree.LogisticRegression",
        "{}",
        "",
        "sklearn.tree has no class LogisticRegression; did you mean 'sklearn.linear_model.LogisticRegression'?",
    ),
    ("sklearn.tre.X", "{}", "", "sklearn has no module tre; did you mean 'tree'?"),
    ("nowhere.Forest", "{}", "", "the package nowhere is not installed; `pip install nowhere`"),
    (
        "Ridge",
        "{}",
        "",
        "must be a class with its module, such as sklearn.ensemble.RandomForestClassifier, or a file (.py); did you mean 'sklearn.linear_model.Ridge'?",
    ),
    (
        "sklearn.preprocessing.StandardScaler",
        "{}",
        "",
        "must be an estimator, with the methods fit, predict, get_params, set_params of scikit-learn's; the class has no predict",
    ),
    (
        "sklearn.cluster.KMeans",
        "{}",
        "",
        "KMeans is neither a classifier nor a regressor, but the study is of a classification; choose a classifier",
    ),
    (
        "sklearn.linear_model.Ridge",
        "{}",
        "",
        'Ridge is a regressor, but the study is of a classification; choose a classifier, or set task = "regression" in [data]',
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "{ max_itr = 5 }",
        "",
        "stage[0].configurations[0].max_itr is not a key of sklearn.linear_model.LogisticRegression; did you mean 'max_iter'?",
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "{ C = -1 }",
        "",
        "The 'C' parameter of LogisticRegression must be a float in the range (0.0, inf]. Got -1 instead.",
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "{ random_state = 1 }",
        "",
        "random_state must not be given; it is the study's seed",
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "{}",
        "epochs = 3",
        "LogisticRegression cannot go on after an epoch, as partial_fit and warm_start let others; [training] epochs must be 1 or left out, got 3",
    ),
    (
        "sklearn.ensemble.RandomForestClassifier",
        "{ n_estimators = 9 }",
        "epochs = 3",
        "n_estimators must not be given with epochs = 3, each of which adds per_epoch of them; set per_epoch",
    ),
    ("sklearn.ensemble.StackingClassifier", "{}", "", "define estimator(…) in a file that returns one"),
    (
        "models/mlp.py",
        "{}",
        "",
        'model.estimator must be given as file = "models/mlp.py", since the file defines build',
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "{ eta = 0.1 }",
        "",
        "stage[0].configurations[0].eta is not used by sklearn.linear_model.LogisticRegression",
    ),
]


@pytest.mark.parametrize(("name", "given", "training", "message"), REFUSED)
def test_what_cannot_be_trained_is_refused_in_one_line_before_anything_is(tmp_path, name, given, training, message):
    text = CANCER.replace("ESTIMATOR", name) + f"[training]\n{training}\n{LIST}{given}]"
    with pytest.raises(InputError) as error:
        launch(study(tmp_path, text), options(tmp_path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "study.db").exists()


@pytest.mark.long
def test_a_study_is_not_resumed_with_another_version_of_the_package(tmp_path, monkeypatch):
    path = study(tmp_path, BOOSTING)
    assert launch(path, options(tmp_path, watcher=StopAfter(2))) == ("mine", False)
    plugin._installed.cache_clear()
    monkeypatch.setattr(plugin, "package_of", lambda _: "scikit-learn 99.0")
    with pytest.raises(ModelError, match=r"scikit-learn [\d.]+ has changed to scikit-learn 99.0 since study 'mine'"):
        resume("mine", options(tmp_path))
    plugin._installed.cache_clear()


def test_a_file_that_returns_an_estimator_belongs_to_the_versions_of_what_it_imports(tmp_path, monkeypatch):
    text = CANCER.replace("ESTIMATOR", "models/pipeline.py")
    path = study(tmp_path, text + LIST + "{ logisticregression__C = 1 }, { logisticregression__C = 2 }]")
    (tmp_path / "models" / "pipeline.py").write_text(PIPELINE)
    assert launch(path, options(tmp_path, watcher=StopAfter(1))) == ("mine", False)
    stopped = load("mine", storage=url(tmp_path))
    stopped.classifier("only:0")
    monkeypatch.setattr(installed, "version", lambda package: "99.0")
    said = r"^\S*models/pipeline.py: scikit-learn [\d.]+ has changed to scikit-learn 99.0 since (study|trial) "
    for use in (lambda: resume("mine", options(tmp_path)), lambda: stopped.classifier("only:0")):
        with pytest.raises(ModelError, match=said):
            use()
    assert resume("mine", options(tmp_path, accept_changes=True))
    monkeypatch.undo()
    assert resume("mine", options(tmp_path))  # it was complete


@pytest.mark.slow
def test_a_study_of_an_estimator_is_verified_and_reported(tmp_path):
    launch(study(tmp_path, BOOSTING), options(tmp_path))
    assert main(["verify", "mine", "--all", "--storage", url(tmp_path)]) == 0
    assert main(["report", "mine", "--storage", url(tmp_path)]) == 0
    page = (tmp_path / "reports" / "mine" / "index.html").read_text("utf-8")
    assert "sklearn.ensemble.HistGradientBoostingClassifier" in page
    assert "scikit-learn" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.linear_model.SGDClassifier",
        "sklearn.svm.SVC",
        "models/pipeline.py",
    ],
)
def test_an_estimator_passes_check(tmp_path, capsys, name):
    workspace(tmp_path)
    (tmp_path / "models" / "pipeline.py").write_text(PIPELINE)
    assert main(["check", name]) == 0
    assert f'all checks pass; use it in a study: estimator = "{name}"' in capsys.readouterr().out
