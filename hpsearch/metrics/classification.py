"""Metrics of classes, probabilities and scores, computed by scikit-learn. May import NumPy.

In all of them `truth` and predicted `classes` are class numbers (n,), `weight` is (n,) or None.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.metrics.labels import positive_class
from hpsearch.metrics.metric import Metric, MetricError

Array = npt.NDArray[Any]

SUM_TOLERANCE = 1e-3
"""How far a sample's probabilities may be from a sum of 1: so far are those that were rounded to half precision."""


def accuracy(truth: Array, predicted: Array, weight: Array | None) -> float:
    """The (weighted) share of samples whose class is right, without scikit-learn."""
    right = predicted == truth
    return float(np.mean(right) if weight is None else np.average(right, weights=weight))


def compute(metric: Metric, truth: Array, prediction: Array, classes: Sequence[str], weight: Array | None) -> float:
    """Compute a metric of classification but accuracy, from labels that `check_labels` accepts.

    prediction: finite; classes (n,), probabilities or scores (n, C), or (n,) of the second of two classes
    """
    positive = positive_class(metric, tuple(classes))
    if metric.needs == "classes":
        return _of_classes(metric, truth, prediction, positive, weight)
    if metric.needs == "probabilities":
        _check_probabilities(metric, prediction)
        return _of_probabilities(metric, truth, prediction, len(classes), weight)
    return _of_scores(metric, truth, prediction, len(classes), positive, weight)


def _of_classes(metric: Metric, truth: Array, predicted: Array, positive: int | None, weight: Array | None) -> float:
    from sklearn import metrics

    names = {
        "balanced_accuracy": "balanced_accuracy_score",
        "cohen_kappa": "cohen_kappa_score",
        "matthews_corrcoef": "matthews_corrcoef",
        "f1": "f1_score",
        "precision": "precision_score",
        "recall": "recall_score",
    }
    options: dict[str, Any] = {}
    if positive is not None:  # of any number of classes
        truth, predicted = (truth == positive).astype(np.int64), (predicted == positive).astype(np.int64)
        options = {"average": "binary", "zero_division": 0.0}
    elif metric.kind in ("f1", "precision", "recall"):
        options = {"average": metric.average or "macro", "zero_division": 0.0}
    return float(getattr(metrics, names[metric.kind])(truth, predicted, sample_weight=weight, **options))


def _of_probabilities(metric: Metric, truth: Array, prediction: Array, classes: int, weight: Array | None) -> float:
    from sklearn import metrics

    if metric.kind == "log_loss":
        return float(metrics.log_loss(truth, prediction, sample_weight=weight, labels=np.arange(classes)))
    if classes == 2:
        return float(metrics.brier_score_loss(truth, _column(prediction, 1), sample_weight=weight))
    squares = (prediction - (truth[:, None] == np.arange(classes))) ** 2  # scikit-learn has this from 1.7 on
    return float(np.average(squares.sum(axis=1), weights=weight))


def _of_scores(
    metric: Metric, truth: Array, prediction: Array, classes: int, positive: int | None, weight: Array | None
) -> float:
    from sklearn import metrics

    if metric.kind == "top_k_accuracy":
        numbers = np.arange(classes)
        return float(metrics.top_k_accuracy_score(truth, prediction, k=metric.k, labels=numbers, sample_weight=weight))
    score = metrics.roc_auc_score if metric.kind == "roc_auc" else metrics.average_precision_score
    if positive is None:  # one against the rest
        return float(score(truth[:, None] == np.arange(classes), prediction, average="macro", sample_weight=weight))
    return float(score((truth == positive).astype(np.int64), _column(prediction, positive), sample_weight=weight))


def _column(prediction: Array, number: int) -> Array:
    """The probabilities or scores (n,) of a class; a prediction (n,) is of the second of two classes."""
    if prediction.ndim == 2:
        return prediction[:, number]
    return prediction if number == 1 else -prediction


def _check_probabilities(metric: Metric, prediction: Array) -> None:
    for bad in (prediction.min(), prediction.max()):
        if not 0 <= bad <= 1:
            raise MetricError(f"{metric.name} needs probabilities from 0 to 1, got {bad:g}")
    if prediction.ndim == 2:
        sums = prediction.sum(axis=1)
        worst = sums[np.abs(sums - 1).argmax()]
        if abs(worst - 1) > SUM_TOLERANCE:
            raise MetricError(
                f"{metric.name} needs probabilities that sum to 1 for each sample, got a sum of {worst:g}"
            )
