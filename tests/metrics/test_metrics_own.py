"""Metrics of one's own: what a file may define and return, and one line for everything else."""

import hashlib
import math
import pickle

import numpy as np
import pytest
from metrics_data import labelled, names, valued
from sklearn.metrics import fbeta_score

from hpsearch.metrics import MetricError, check_labels, evaluate, load, parse

UP = 'direction = "maximize"\n'
PROFIT = UP + "def metric(labels, predictions):\n    return ((labels == predictions) * (1 + labels)).mean()\n"


def made(tmp_path, text, task="classification", **table):
    (tmp_path / "metrics").mkdir(exist_ok=True)
    (tmp_path / "metrics" / "profit.py").write_text(text, "utf-8")
    return load(parse({"file": "metrics/profit.py", **table}), tmp_path, task)


def returning(what):
    return f"import numpy as np\n{UP}def metric(labels, predictions):\n    return {what}\n"


def test_a_file_is_a_metric(tmp_path):
    metric = made(tmp_path, PROFIT, direction="maximize")
    assert (metric.name, metric.kind, metric.direction, metric.sign) == ("profit", "file", "maximize", 1)
    assert (metric.needs, metric.tasks, metric.share) == ("classes", ("classification",), False)
    assert metric.source.hash == hashlib.sha256(PROFIT.encode()).hexdigest()
    y, c, _, _ = labelled(3)
    check_labels(metric, y, names(3))
    assert evaluate(metric, y, c, classes=names(3)) == ((y == c) * (1 + y)).mean()


def test_a_metric_goes_by_the_text_of_its_file(tmp_path):
    metric = pickle.loads(pickle.dumps(made(tmp_path, PROFIT)))
    (tmp_path / "metrics" / "profit.py").write_text("raise SystemExit", "utf-8")
    y, c, _, _ = labelled(3)
    assert evaluate(metric, y, c, classes=names(3)) == ((y == c) * (1 + y)).mean()
    assert metric != made(tmp_path, PROFIT + "\n")


@pytest.mark.parametrize("targets", [None, 1, 3])
def test_in_a_regression_it_gets_values(tmp_path, targets):
    text = 'direction = "minimize"\ndef metric(labels, predictions):\n    return abs(labels - predictions).max()\n'
    metric = made(tmp_path, text, "regression")
    truth, values, _ = valued(targets)
    check_labels(metric, truth)
    assert (metric.needs, metric.sign) == ("values", -1)
    assert evaluate(metric, truth, values) == np.abs(truth - values).max()
    if targets == 1:
        assert evaluate(metric, truth[:, 0], values) == np.abs(truth - values).max()


@pytest.mark.parametrize("needs", ["probabilities", "scores"])
def test_it_may_need_one_column_a_class(tmp_path, needs):
    text = f'import numpy as np\nneeds = "{needs}"\n' + returning("-np.log(predictions[:, labels.max()]).mean()")
    metric = made(tmp_path, text)
    y, _, p, _ = labelled(3)
    check_labels(metric, y, names(3))
    assert metric.needs == needs
    assert evaluate(metric, y, p.astype(np.float32), classes=names(3)) == pytest.approx(
        -np.log(p[:, 2]).mean(), rel=1e-6
    )


def test_it_may_take_sample_weights(tmp_path):
    text = (
        UP + "def metric(labels, predictions, sample_weights):\n    return sample_weights[labels == predictions].sum()"
    )
    metric = made(tmp_path, text)
    y, c, _, w = labelled(3)
    assert evaluate(metric, y, c, classes=names(3)) == (y == c).sum()
    assert evaluate(metric, y, c, classes=names(3), sample_weight=w) == w[y == c].sum()


def test_it_may_be_made_of_a_function_of_scikit_learn(tmp_path):
    text = f"from functools import partial\nfrom sklearn.metrics import fbeta_score\n{UP}"
    metric = made(tmp_path, text + 'metric = partial(fbeta_score, beta=2, average="macro")\n')
    y, c, _, w = labelled(3)
    by_hand = fbeta_score(y, c, beta=2, average="macro", sample_weight=w)
    assert evaluate(metric, y, c, classes=names(3), sample_weight=w) == by_hand


def test_weights_that_it_does_not_take_cost_one_line(tmp_path):
    y, c, _, w = labelled(3)
    with pytest.raises(MetricError) as caught:
        evaluate(made(tmp_path, PROFIT), y, c, classes=names(3), sample_weight=w)
    assert str(caught.value) == "metrics/profit.py: metric must take sample_weights, which this study has"


def test_it_cannot_change_the_labels(tmp_path):
    text = UP + "def metric(labels, predictions):\n    labels[:] = 0\n    predictions[:] = 0\n    return 1\n"
    y, c, _, _ = labelled(3)
    before = y.copy(), c.copy()
    assert evaluate(made(tmp_path, text), y, c, classes=names(3)) == 1.0
    assert np.array_equal(y, before[0])
    assert np.array_equal(c, before[1])


@pytest.mark.parametrize("what", ["3", "np.float32(3)", "np.array(3)", "np.array(3.0)", "np.int8(3)"])
def test_a_number_may_be_of_any_type(tmp_path, what):
    found = evaluate(made(tmp_path, returning(what)), np.arange(2), np.arange(2), classes=names(2))
    assert found == 3.0
    assert type(found) is float


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("float('nan')", "must return a finite number for finite predictions, returned nan"),
        ("-np.inf", "must return a finite number for finite predictions, returned -inf"),
        ("np.float64(0) / 0", "must return a finite number for finite predictions, returned nan"),
        ("-1e39", "must return a finite number for finite predictions, none beyond 1e+38, returned -1e+39"),
        ("'0.5'", "must return a number, returned '0.5'"),
        ("1j", "must return a number, returned 1j"),
        ("np.complex64(1)", "must return a number, returned np.complex64(1+0j)"),
        ("None", "must return a number, returned None"),
        ("True", "must return a number, returned True"),
        ("labels == predictions", "must return a number, returned an array bool (2,)"),
        ("np.ones(1)", "must return a number, returned an array float64 (1,)"),
        ("[0.5]", "must return a number, returned [0.5]"),
        ("[[1], 2]", "must return a number, returned [[1], 2]"),
        ("10 ** 400", "must return a number, returned 1000"),
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
        ("exit(3)", "raised SystemExit: 3"),
        ("int('a\\nb')", "raised ValueError: invalid literal for int() with base 10: 'a\\nb'"),
    ],
)
def test_what_is_no_finite_number_costs_one_line(tmp_path, what, message):
    metric, labels = made(tmp_path, returning(what)), np.arange(2)
    for call in (lambda: check_labels(metric, labels, names(2)), lambda: evaluate(metric, labels, labels)):
        with pytest.raises(MetricError) as caught:
            call()
        assert str(caught.value).startswith(f"metrics/profit.py: metric {message}")
        assert "\n" not in str(caught.value)


def test_a_prediction_that_diverged_gives_nan_without_a_call(tmp_path):
    metric = made(tmp_path, returning("1 / 0"), "regression")
    assert math.isnan(evaluate(metric, np.arange(2.0), np.array([1, np.nan])))


RULE = "metric must be metric(labels, predictions) or metric(labels, predictions, sample_weights), got metric"
METRIC = "def metric(labels, predictions):\n    return 1\n"
BAD = [
    ("raise RuntimeError('a\\nb')", "the metric's file cannot be imported (RuntimeError: a b)"),
    ("exit(1)", "the metric's file cannot be imported (SystemExit: 1)"),
    ("def metric(", "the metric's file cannot be imported (SyntaxError: "),
    (UP, "must define the function metric(labels, predictions), found none"),
    (UP + "metric = 3", "must define the function metric(labels, predictions), found 3"),
    (METRIC, 'must define direction = "maximize" or "minimize", found none'),
    (METRIC + 'direction = "up"', 'must define direction = "maximize" or "minimize", found \'up\''),
    (METRIC + "direction = []", 'must define direction = "maximize" or "minimize", found []'),
    (UP + "def metric(labels): ...", f"{RULE}(labels)"),
    (UP + "def metric(labels, predictions, prices): ...", f"{RULE}(labels, predictions, prices)"),
    (UP + "def metric(*, labels, predictions): ...", f"{RULE}(*, labels, predictions)"),
    (
        METRIC + UP + 'needs = "values"',
        'needs must be "classes" or "probabilities" or "scores" in a classification, got \'values\'',
    ),
    (METRIC + UP + "needs = 3", 'needs must be "classes" or "probabilities" or "scores" in a classification, got 3'),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text for text, _ in BAD])
def test_a_file_that_defines_no_metric_costs_one_line(tmp_path, text, message):
    with pytest.raises(MetricError) as caught:
        made(tmp_path, text)
    assert str(caught.value).startswith(f"metrics/profit.py: {message}")
    assert "\n" not in str(caught.value)


def test_in_a_regression_it_needs_values(tmp_path):
    with pytest.raises(MetricError) as caught:
        made(tmp_path, METRIC + UP + 'needs = "scores"', "regression")
    assert str(caught.value) == "metrics/profit.py: needs must be \"values\" in a regression, got 'scores'"


def test_the_study_file_must_not_contradict_the_file(tmp_path):
    with pytest.raises(MetricError) as caught:
        made(tmp_path, PROFIT, direction="minimize")
    assert str(caught.value) == 'direction must be "maximize", as metrics/profit.py says, got "minimize"'


def test_a_file_that_cannot_be_read_costs_one_line(tmp_path):
    made(tmp_path, PROFIT)
    (tmp_path / "metrics" / "folder.py").mkdir()
    (tmp_path / "metrics" / "latin.py").write_bytes(b"# \xe9")
    for name, message in {
        "proft": "the metric's file does not exist; did you mean 'profit.py'?",
        "folder": "must be a metric's file, but is a folder",
        "latin": "the metric's file cannot be read (UnicodeDecodeError: ",
        "a\0b": "the metric's file cannot be read (ValueError: ",
    }.items():
        with pytest.raises(MetricError) as caught:
            load(parse({"file": f"metrics/{name}.py"}), tmp_path, "classification")
        assert str(caught.value).startswith(f"metrics/{name}.py: {message}")
