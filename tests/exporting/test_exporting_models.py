"""Exported models: a classifier, arrays, an ONNX graph; each predicts the classes that the search stored."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from tiny import TINY, options, url, workspace

import hpsearch
from hpsearch import data
from hpsearch.errors import InputError, ModelError, StorageError
from hpsearch.exporting.export import export
from hpsearch.search.launch import launch

OF_LAYERS = (
    "hidden = [8]\n",
    "batch_size = 50\n",
    "space.batch_size = [20, 50]\n",
    "space.lambda = { low = 1e-5, high = 1e-1, log = true }\n",
)
"""Lines of TINY that only a model of layers may use."""
TRIALS = ["final:0", "final:1"]


def stored(results, trial):
    """The classes that the search predicted for the test samples, these samples, raw, and their labels."""
    row = next(row for row in results.frames.rows if f"{row['stage']}:{row['number']}" == trial)
    dataset = data.load("digits")
    return results.frames.predicted(row["id"]), dataset.test_samples, dataset.test_labels


@pytest.mark.parametrize("trial", TRIALS)
def test_a_classifier_predicts_the_classes_that_the_search_stored(results, trial):
    predicted, samples, labels = stored(results, trial)
    classifier = results.classifier(trial)
    assert np.array_equal(classifier.predict(samples), predicted)
    assert classifier.score(samples, labels) == pytest.approx(accuracy_score(labels, predicted))


def test_a_classifier_is_a_scikit_learn_classifier(results):
    classifier, digits = results.classifier(), load_digits()
    probabilities = classifier.predict_proba(digits.data)
    assert classifier.classes_.tolist() == list(range(10))
    assert classifier.class_names_[classifier.predict(digits.data[:1])][0] in "0123456789"
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(probabilities.argmax(axis=1), classifier.decision_function(digits.data).argmax(axis=1))
    for copy in (clone(classifier), pickle.loads(pickle.dumps(classifier))):
        assert np.array_equal(copy.predict_proba(digits.data), probabilities)


def test_a_classifier_takes_images_in_their_shape(results):
    classifier, digits = results.classifier(), load_digits()
    assert np.array_equal(classifier.predict(digits.images[:, None]), classifier.predict(digits.data))
    assert classifier.predict(digits.data[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 63)), "X has 63 features, but Classifier is expecting 64 features as input"),
        (np.zeros(64), "X must be numbers .samples, features., got float64 .64,."),
        ([["a"] * 64], "X must be numbers"),
        (np.full((1, 64), np.nan), "X contains NaN, infinity or a number too large for float32"),
        (np.full((1, 64), 1e300), "X contains NaN, infinity or a number too large for float32"),
    ],
)
def test_a_classifier_refuses_invalid_samples(results, samples, message):
    with pytest.raises(ValueError, match=message):
        results.classifier().predict(samples)


def test_threads_may_share_a_classifier(results):
    classifier, samples = results.classifier(), np.tile(load_digits().data, (10, 1))
    alone = [classifier.predict_proba(samples[k::4]) for k in range(4)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda k: classifier.predict_proba(samples[k % 4 :: 4]), range(40)))
    assert all(np.array_equal(probabilities, alone[k % 4]) for k, probabilities in enumerate(together))


def test_a_classifier_is_not_fitted_again(results):
    with pytest.raises(InputError, match="trial final:0 of study 'tiny' is trained already"):
        results.classifier().fit([], [])


def test_arrays_are_enough_to_score_with_numpy_alone(results, tmp_path):
    predicted, samples, _ = stored(results, "final:0")
    with np.load(results.save(tmp_path / "new" / "best.npz")) as a:
        x = ((samples - a["data.mean"]) / a["data.deviation"]).astype(np.float32) @ a["0.weights"] + a["0.bias"]
        x = (x - a["1.mean"]) / np.sqrt(a["1.variance"] + 1e-5) * a["1.gamma"] + a["1.beta"]
        scores = np.where(x > 0, x, 0.01 * x) @ a["4.weights"] + a["4.bias"]
        assert a["data.classes"].tolist() == [str(i) for i in range(10)]
    assert np.mean(scores.argmax(axis=1) == predicted) > 0.99  # rounding differs, so a tie may be decided otherwise


@pytest.mark.parametrize(
    ("model", "loss"), [("", "cross_entropy"), ('activation = "tanh"', "hinge"), ("hidden = []", "cross_entropy")]
)
def test_onnx_has_the_scores_of_the_classifier(tmp_path, model, loss):
    runtime = pytest.importorskip("onnxruntime")
    text = TINY.split('[[stage]]\nname = "fine"')[0].replace("hidden = [8]", model).replace("trials = 5", "trials = 2")
    launch(workspace(tmp_path, text.replace("eta = 0.1", f'eta = 0.1\nloss = "{loss}"')), options(tmp_path))
    results = hpsearch.load("tiny", url(tmp_path))
    classifier, samples = results.classifier(), load_digits().data.astype(np.float32)
    session = runtime.InferenceSession(export(results.frames, "onnx", str(tmp_path / "m.onnx")).place)
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"samples": samples}), strict=True))
    assert np.allclose(found["scores"], classifier.decision_function(samples), atol=1e-4)
    assert np.mean(found["classes"] == classifier.predict(samples)) > 0.999
    assert hasattr(classifier, "predict_proba") == ("probabilities" in found) == (loss == "cross_entropy")


def test_onnx_has_batch_normalisation_and_leaves_dropout_out(results, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    predicted, samples, _ = stored(results, "final:0")
    session = runtime.InferenceSession(export(results.frames, "onnx", str(tmp_path / "m.onnx")).place)
    wanted = ["classes", "probabilities", "labels"]
    classes, probabilities, labels = session.run(wanted, {"samples": samples.astype(np.float32)})
    assert np.array_equal(labels, classes)  # the digits are named so
    assert np.mean(classes == predicted) > 0.99
    assert np.allclose(probabilities, results.classifier().predict_proba(samples), atol=1e-4)
    assert session.get_modelmeta().custom_metadata_map["trial"] == "final:0"


def test_a_custom_layer_has_no_onnx_equivalent(tmp_path):
    pytest.importorskip("onnx")
    path = workspace(tmp_path, TINY.replace("models/mlp.py", "models/mine.py").replace("hidden = [8]", ""))
    mine = "from hpsearch.nn import Dense, ReLU\n\nclass Mine(ReLU):\n    pass\n\n"
    (tmp_path / "models" / "mine.py").write_text(
        mine + "def build(classes):\n    return [Dense(4), Mine(), Dense(classes)]"
    )
    launch(path, options(tmp_path))
    results = hpsearch.load("tiny", url(tmp_path))
    with pytest.raises(InputError, match="layer 1, a Mine, has no ONNX equivalent"):
        export(results.frames, "onnx", str(tmp_path / "m.onnx"))
    assert not (tmp_path / "m.onnx").exists()
    (tmp_path / "models" / "mine.py").write_text("def build(classes):\n    return []")
    with pytest.raises(
        ModelError, match="the model file has changed since trial final:0 of 'tiny' was trained; restore it"
    ):
        results.classifier()


def test_a_trainable_is_a_classifier_too(tmp_path):
    pytest.importorskip("onnx")
    text = TINY.replace("mlp.py", "lvq.py")
    for line in OF_LAYERS:
        text = text.replace(line, "")
    launch(workspace(tmp_path, text), options(tmp_path))
    results = hpsearch.load("tiny", url(tmp_path))
    for trial in TRIALS:
        predicted, samples, labels = stored(results, trial)
        classifier = pickle.loads(pickle.dumps(results.classifier(trial)))
        assert np.array_equal(classifier.predict(samples), predicted)
        assert classifier.score(samples, labels) > 0.5
    assert not hasattr(classifier, "predict_proba")
    with np.load(results.save(tmp_path / "m.npz")) as arrays:
        assert {"places", "classes", "data.mean"} <= set(arrays)
    with pytest.raises(
        InputError, match="only networks and estimators can be exported to ONNX, and this one is a trainable"
    ):
        export(results.frames, "onnx", str(tmp_path / "m.onnx"))


@pytest.mark.parametrize("trial", ["final:9", "final", "nowhere:0", "", "coarse:x", 3])
def test_an_unknown_trial_is_refused(results, trial):
    with pytest.raises(InputError, match="trial must name one of study 'tiny' as STAGE:NUMBER, got"):
        results.weights(trial)


def test_an_unfinished_study_has_no_model(tmp_path):
    text = TINY.replace("epochs = 3", "epochs = 3000")
    with pytest.raises(KeyboardInterrupt):
        hpsearch.launch(
            workspace(tmp_path, text), storage=url(tmp_path), backend="threading", on_stage=interrupt, workers=1
        )
    results = hpsearch.load("tiny", url(tmp_path))
    for use in (results.classifier, results.weights, lambda: results.best):
        with pytest.raises(StorageError, match="study 'tiny' has no finished trial yet"):
            use()


def interrupt(event):
    raise KeyboardInterrupt
