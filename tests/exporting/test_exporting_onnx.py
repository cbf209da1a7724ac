"""ONNX graphs of modules, estimators and tables predict what the classifier does; what cannot is said in one line."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_digits
from test_exporting_tables import BOOSTING, NETWORK, frame, launched
from tiny import TINY, options, url, workspace

import hpsearch
from hpsearch.errors import InputError
from hpsearch.exporting.export import export
from hpsearch.search.launch import launch

runtime = pytest.importorskip("onnxruntime")

CODES = ', missing = "keep", categories = "codes"'


def session_of(results, folder):
    """A session of the exported graph, and the Python of its card with the graph's place."""
    done = export(results.frames, "onnx", str(folder / "m.onnx"))
    program = re.search("```python\n(.*?)```", Path(done.card).read_text("utf-8"), re.DOTALL)[1]
    return runtime.InferenceSession(done.place), program.replace('"m.onnx"', repr(done.place))


def searched(folder, model, stage, **changes):
    text = TINY.split("[model]")[0] + f"{model}\n[[stage]]\nname = 'one'\nconfigurations = [{stage}]\n[final]\n"
    for before, after in changes.items():
        text = text.replace(before, after)
    launch(workspace(folder, text), options(folder))
    return hpsearch.load("tiny", url(folder))


@pytest.mark.long
def test_a_module_of_pytorch_has_the_probabilities_of_the_classifier(tmp_path):
    pytest.importorskip("torch")
    training = '[training]\nepochs = 2\nbatch_size = 50\noptimiser = "adam"'
    results = searched(tmp_path, f'[model]\nfile = "models/torch_cnn.py"\ndropout = 0.2\n{training}', "{ eta = 0.01 }")
    session, _ = session_of(results, tmp_path)
    samples = load_digits().data.astype(np.float32)
    scores, probabilities, labels = session.run(["scores", "probabilities", "labels"], {"samples": samples})
    classifier = results.classifier()
    assert np.allclose(scores, classifier.decision_function(samples), atol=1e-4)
    assert np.allclose(probabilities, classifier.predict_proba(samples), atol=1e-5)
    assert np.mean(labels == classifier.predict(samples)) > 0.999
    assert len(session.run(["labels"], {"samples": samples[:1]})[0]) == 1


BOOSTED = "sklearn.ensemble.HistGradientBoostingClassifier"
ESTIMATORS = [
    ("sklearn.linear_model.LogisticRegression", "{ C = 0.1 }"),
    ("sklearn.ensemble.RandomForestClassifier", "{ n_estimators = 5 }"),
    pytest.param(BOOSTED, "{ max_iter = 2, max_leaf_nodes = 3 }", marks=pytest.mark.long),
    pytest.param("sklearn.svm.LinearSVC", "{ C = 0.01 }", marks=pytest.mark.long),  # which has no probabilities
]


@pytest.mark.parametrize(("name", "stage"), ESTIMATORS)
def test_an_estimator_has_the_labels_and_probabilities_of_the_classifier(tmp_path, name, stage):
    pytest.importorskip("skl2onnx", reason="skl2onnx, of the extra onnx, is not installed")
    results = searched(tmp_path, f'[model]\nestimator = "{name}"', stage)
    session, _ = session_of(results, tmp_path)
    samples, classifier = load_digits().data.astype(np.float32), results.classifier()
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"samples": samples}), strict=True))
    assert np.mean(found["labels"] == classifier.predict(samples)) > 0.999
    assert ("probabilities" in found) == hasattr(classifier, "predict_proba") == ("SVC" not in name)
    if "probabilities" in found:
        assert np.allclose(found["probabilities"], classifier.predict_proba(samples), atol=1e-5)


def test_a_regressor_predicts_in_the_unit_of_the_target(tmp_path):
    pytest.importorskip("skl2onnx", reason="skl2onnx, of the extra onnx, is not installed")
    table = load_diabetes(as_frame=True).frame
    table.to_csv(tmp_path / "diabetes.csv", index=False)
    data = '{ kind = "csv", path = "diabetes.csv", label = "target", test = 90 }\ntask = "regression"'
    model = '[model]\nestimator = "sklearn.ensemble.RandomForestRegressor"\n[objective]\nmetric = "rmse"'
    results = searched(tmp_path, model, "{ n_estimators = 5 }", **{'"digits"': data})
    session, program = session_of(results, tmp_path)
    samples = table.drop(columns="target").astype(np.float32)
    (values,) = session.run(["values"], {"samples": samples.to_numpy()})
    assert np.allclose(values[:, 0], results.regressor().predict(samples), rtol=1e-5)
    given = {"X": samples}
    exec(program, given)
    assert np.array_equal(given["values"], values)


def strange(rows):
    """Rows of the table with gaps, a town that training never saw, and another spelling of a missing one."""
    odd = pd.DataFrame({"town": ["Paris", None, "N/A", "Oslo"], "age": [None, 30.5, 41.0, None]})
    return pd.concat([rows[["town", "age"]], odd], ignore_index=True)


@pytest.mark.parametrize(("parts", "more"), [(NETWORK, ""), (NETWORK, ', categories = "codes"'), (BOOSTING, CODES)])
def test_a_table_with_categories_and_gaps_goes_in_column_by_column(tmp_path, monkeypatch, parts, more):
    if parts is BOOSTING:
        pytest.importorskip("skl2onnx", reason="skl2onnx, of the extra onnx, is not installed")
    results = launched(tmp_path, monkeypatch, parts, more)
    session, program = session_of(results, tmp_path)
    assert [(each.name, each.type) for each in session.get_inputs()] == [
        ("town", "tensor(string)"),
        ("age", "tensor(double)"),
    ]
    given, classifier = {"X": strange(frame())}, results.classifier()
    exec(program.replace('(labels,) = session.run(["labels"]', "found = session.run(None"), given)
    names = [each.name for each in session.get_outputs()]
    found = dict(zip(names, given["found"], strict=True))
    assert np.allclose(found["probabilities"], classifier.predict_proba(given["X"]), atol=1e-5)
    assert found["labels"].tolist() == classifier.predict(given["X"]).tolist()


def test_dates_and_truth_values_go_in_as_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace(tmp_path)
    rng = np.random.default_rng(1)
    days, sunny = rng.integers(18_000, 19_000, 200), rng.random(200) < 0.5
    dates = (np.datetime64("1970-01-01") + days).astype(str)
    pd.DataFrame({"when": dates, "sunny": sunny, "y": days > 18_500}).to_csv("days.csv", index=False)
    data = '{ kind = "csv", path = "days.csv", label = "y", test = 40 }'
    model = '[model]\nfile = "models/softmax.py"\n[training]\nepochs = 3\nbatch_size = 20'
    changes = {'"digits"': data, "train = 200": "train = 100", "validation = 100": "validation = 40"}
    results = searched(tmp_path, model, "{ eta = 0.5 }", **changes)
    session, program = session_of(results, tmp_path)
    given = {"X": pd.DataFrame({"when": dates, "sunny": sunny})}
    exec(program, given)
    expected = results.classifier().predict(pd.DataFrame({"when": dates, "sunny": sunny}))
    assert given["labels"].tolist() == expected.tolist()
    assert [each.type for each in session.get_inputs()] == ["tensor(double)", "tensor(double)"]


def test_without_the_converters_package_one_line_names_it(tmp_path, monkeypatch):
    from hpsearch.exporting.onnx import estimators

    results = searched(tmp_path, '[model]\nestimator = "sklearn.linear_model.LogisticRegression"', "{ C = 0.1 }")
    monkeypatch.setattr(estimators, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs skl2onnx, which is not installed: pip install 'hpsearch\[onnx\]'"):
        export(results.frames, "onnx", str(tmp_path / "m.onnx"))


def test_what_cannot_be_converted_or_would_predict_otherwise_is_refused_in_one_line(tmp_path, monkeypatch):
    pytest.importorskip("skl2onnx", reason="skl2onnx, of the extra onnx, is not installed")
    from hpsearch.exporting.onnx import estimators

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text(
        "from sklearn.linear_model import RidgeClassifier\n\n"
        "class Mine(RidgeClassifier):\n    pass\n\ndef estimator(plain: bool = True):\n"
        "    return RidgeClassifier() if plain else Mine()\n"
    )
    results = searched(tmp_path, '[model]\nestimator = "models/mine.py"', "{ plain = false }, { plain = true }")
    refused = r"cannot export Mine to ONNX \(it has no conversion of that\); --format joblib has the whole model"
    with pytest.raises(InputError, match=refused):
        export(results.frames, "onnx", str(tmp_path / "m.onnx"), "one:0")
    monkeypatch.setattr(estimators, "_different", lambda *given: 0.5)
    with pytest.raises(InputError, match="predicts otherwise for 50% of the training samples"):
        export(results.frames, "onnx", str(tmp_path / "m.onnx"), "one:1")
