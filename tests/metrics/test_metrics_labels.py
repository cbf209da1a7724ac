"""What can be known before a launch: a metric that these labels do not have."""

import numpy as np
import pytest
from metrics_data import labelled, perfect_for

from hpsearch.metrics import MetricError, check_labels, evaluate, parse

TWO, THREE = ("healthy", "sick"), ("ape", "bee", "cat")

BAD = [
    ("roc_auc", [1, 1], TWO, "roc_auc needs samples of every class, there is none of 'healthy'"),
    ("roc_auc", [0, 1], THREE, "roc_auc needs samples of every class, there is none of 'cat'"),
    ("roc_auc", [1, 1], THREE, "roc_auc needs samples of every class, there is none of 'ape' and of 1 more"),
    ("average_precision", [0, 2], THREE, "average_precision needs samples of every class, there is none of 'bee'"),
    (
        "average_precision",
        [0, 0],
        TWO,
        "average_precision needs samples of the positive class, there is none of 'sick'",
    ),
    ("f1", [0, 0], TWO, "f1 needs samples of the positive class, there is none of 'sick'"),
    ("recall_binary", [0, 0], TWO, "recall_binary needs samples of the positive class, there is none of 'sick'"),
    ({"kind": "f1", "positive": "sik"}, [0, 1], TWO, "positive must be a class, got 'sik'; did you mean 'sick'?"),
    ({"kind": "f1", "positive": "x"}, [0, 1], TWO, "positive must be a class, got 'x'; known: healthy, sick"),
    ("f1_binary", [0, 1, 2], THREE, 'positive must be given: average = "binary" is of one class, and there are 3'),
    ("top_3_accuracy", [0, 1, 2], THREE, "k must be below the number of classes, 3, got 3"),
    ("top_2_accuracy", [0, 1], TWO, "k must be below the number of classes, 2, got 2"),
    ("cohen_kappa", [1, 1], THREE, "cohen_kappa needs samples of 2 classes, all are of 'bee'"),
    ("log_loss", [0, 0], ("only",), "log_loss needs at least 2 classes, there is only 'only'"),
    ("accuracy", [], TWO, "accuracy needs samples, there are none"),
]


@pytest.mark.parametrize(("given", "labels", "classes", "message"), BAD)
def test_labels_without_such_a_metric_cost_one_line(given, labels, classes, message):
    metric, truth = parse(given), np.array(labels, np.int64)
    with pytest.raises(MetricError) as caught:
        check_labels(metric, truth, classes)
    assert str(caught.value) == message
    with pytest.raises(MetricError) as caught:
        evaluate(metric, truth, perfect_for(metric, truth, len(classes)), classes=classes)
    assert str(caught.value) == message


GOOD = [
    ("log_loss", [1, 1], THREE),
    ("brier", [0, 0], TWO),
    ("accuracy", [0], ("only",)),
    ("balanced_accuracy", [1, 1], THREE),
    ("matthews_corrcoef", [1, 1], TWO),
    ("f1_macro", [1, 1], TWO),
    ("top_2_accuracy", [0, 1], THREE),
    ({"kind": "average_precision", "positive": "bee"}, [0, 1], THREE),
    ({"kind": "precision", "positive": "healthy"}, [0, 0], TWO),
]


@pytest.mark.parametrize(("given", "labels", "classes"), GOOD)
def test_missing_classes_are_accepted_where_the_metric_has_a_value(given, labels, classes):
    metric, truth = parse(given), np.array(labels)
    check_labels(metric, truth, classes)
    assert np.isfinite(evaluate(metric, truth, perfect_for(metric, truth, len(classes)), classes=classes))


def test_r2_needs_two_samples_and_the_others_one():
    one = np.ones((1, 2))
    for name in ("rmse", "mse", "mae", "median_absolute_error", "mape", "pinball_0.5"):
        check_labels(parse(name), one)
        assert evaluate(parse(name), one, one) == 0
    for call in (lambda: check_labels(parse("r2"), one), lambda: evaluate(parse("r2"), one, one)):
        with pytest.raises(MetricError, match="r2 needs at least 2 samples, there is 1"):
            call()


def test_a_class_whose_weights_are_all_0_is_missing():
    y, _, p, _ = labelled(2)
    with pytest.raises(MetricError, match="roc_auc needs samples of every class, there is none of 'sick'"):
        check_labels(parse("roc_auc"), y, TWO, sample_weight=(y == 0).astype(float))
    with pytest.raises(MetricError, match="rmse needs samples, there are none"):
        evaluate(parse("rmse"), p, p, sample_weight=np.zeros(len(p)))


@pytest.mark.parametrize("name", ["loss", "cost"])
def test_what_training_measures_is_not_computed(name):
    check_labels(parse(name), np.array([1, 1]), TWO)
    with pytest.raises(MetricError, match=f"{name} is measured by training, not computed from predictions"):
        evaluate(parse(name), np.array([1, 1]), np.array([1, 1]), classes=TWO)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([-0.2, 1.2], "needs probabilities from 0 to 1, got -0.2"),
        ([1.5, 0.5], "needs probabilities from 0 to 1, got 1.5"),
        ([0.1, 0.7], "needs probabilities that sum to 1 for each sample, got a sum of 0.8"),
    ],
)
@pytest.mark.parametrize("kind", ["log_loss", "brier"])
def test_probabilities_that_are_none_cost_one_line(kind, row, message):
    with pytest.raises(MetricError) as caught:
        evaluate(parse(kind), np.array([0, 1]), np.array([[0.5, 0.5], row]), classes=TWO)
    assert str(caught.value) == f"{kind} {message}"


def test_probabilities_in_half_precision_are_accepted():
    y, _, p, _ = labelled(10)
    half = evaluate(parse("log_loss"), y, p.astype(np.float16), classes=[*"abcdefghij"])
    assert half == pytest.approx(evaluate(parse("log_loss"), y, p, classes=[*"abcdefghij"]), rel=1e-3)
