"""Contributions to the metrics of predicted classes, which are functions g(P) of the confusion matrix of shares P.

Another sample of class a that is predicted as b moves P towards its cell, so that its influence is the derivative
∂g/∂P[a, b] less the mean of the derivatives over all samples. May import NumPy and metrics.
"""

import numpy as np

from hpsearch.metrics import Metric
from hpsearch.reporting.statistics.contributions.values import Array, Floats

KINDS = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "matthews_corrcoef", "cohen_kappa")


def of_classes(metric: Metric, truth: Array, predicted: Array, positive: int | None) -> Floats:
    """Return the contributions of predicted classes; `positive` is the class that a binary metric is about."""
    if metric.kind == "accuracy":
        return np.asarray(truth == predicted, np.float64)
    if positive is not None:
        truth, predicted = truth == positive, predicted == positive
    truth, predicted = truth.astype(np.int64), predicted.astype(np.int64)
    number = int(max(truth.max(), predicted.max())) + 1
    cells = truth * max(number, 2) + predicted
    shares = np.bincount(cells, minlength=max(number, 2) ** 2) / len(truth)
    matrix = shares.reshape(max(number, 2), -1)
    if metric.kind in ("f1", "precision", "recall"):
        value, slope = _averaged(metric, matrix, "binary" if positive is not None else metric.average or "macro")
    else:
        value, slope = _BY_KIND[metric.kind](matrix)
    return np.asarray(value + slope.ravel()[cells] - float((slope * matrix).sum()))


def _averaged(metric: Metric, p: Floats, average: str) -> tuple[float, Floats]:
    """The ratio tp/d of each class, averaged, where d has the class's share of labels, of predictions, or both."""
    labels, predictions, right = p.sum(axis=1), p.sum(axis=0), p.diagonal()
    number = len(p)
    if average == "micro":  # all of the three are the accuracy
        return float(right.sum()), np.eye(number)
    of_labels, of_predictions = {"f1": (0.5, 0.5), "precision": (0.0, 1.0), "recall": (1.0, 0.0)}[metric.kind]
    size = of_labels * labels + of_predictions * predictions
    known = size > 0
    inverse = np.where(known, 1 / np.where(known, size, 1.0), 0.0)
    ratio = right * inverse
    if average == "binary":
        weight = np.eye(number)[1]
    elif average == "weighted":
        weight = labels
    else:
        there = (labels > 0) | (predictions > 0)
        weight = there / there.sum()
    # d ratio_c / dP[a, b] = (1[a = b = c] − ratio_c·(of_labels·1[a = c] + of_predictions·1[b = c])) / size_c
    own = weight * inverse
    slope = np.diag(own) - of_labels * (own * ratio)[:, None] - of_predictions * (own * ratio)[None, :]
    if average == "weighted":
        slope += ratio[:, None]  # the weight of a class is its share of the labels
    return float((weight * ratio).sum()), slope


def _balanced_accuracy(p: Floats) -> tuple[float, Floats]:
    """The mean recall of the classes that there are."""
    labels = p.sum(axis=1)
    there = labels > 0
    inverse = np.where(there, 1 / np.where(there, labels, 1.0), 0.0) / there.sum()
    recall = p.diagonal() / np.where(there, labels, 1.0)
    return float(recall[there].mean()), np.diag(inverse) - (inverse * recall)[:, None]


def _matthews(p: Floats) -> tuple[float, Floats]:
    """A/√(B·D) with A = Σp_kk − Σr_k·q_k, B = 1 − Σq_k², D = 1 − Σr_k², of the shares r of labels, q of predictions."""
    r, q = p.sum(axis=1), p.sum(axis=0)
    a = float(p.trace() - r @ q)
    b, d = float(1 - q @ q), float(1 - r @ r)
    if b <= 0 or d <= 0:
        return 0.0, np.zeros_like(p)
    root = np.sqrt(b * d)
    slope = (np.eye(len(p)) - q[:, None] - r[None, :]) / root
    return a / root, slope + a / root * (q[None, :] / b + r[:, None] / d)


def _kappa(p: Floats) -> tuple[float, Floats]:
    """(o − e)/(1 − e) of the share of right predictions o and that expected by chance e = Σr_k·q_k."""
    r, q = p.sum(axis=1), p.sum(axis=0)
    right, chance = float(p.trace()), float(r @ q)
    if chance >= 1:
        return 0.0, np.zeros_like(p)
    by_chance = q[:, None] + r[None, :]
    slope = np.eye(len(p)) / (1 - chance) - by_chance * (1 - right) / (1 - chance) ** 2
    return (right - chance) / (1 - chance), slope


_BY_KIND = {"balanced_accuracy": _balanced_accuracy, "matthews_corrcoef": _matthews, "cohen_kappa": _kappa}
