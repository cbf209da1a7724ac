"""Contributions to the metrics of scores, which go by the order of the samples. May import NumPy and metrics."""

import numpy as np

from hpsearch.metrics import Metric
from hpsearch.reporting.statistics.contributions.values import Array, Floats


def of_scores(metric: Metric, truth: Array, prediction: Array, positive: int | None) -> Floats:
    """Return the contributions of scores (n, C); without a positive class the mean over each against the rest."""
    if metric.kind == "top_k_accuracy":
        return _within_first(metric, truth, prediction)
    one = roc_auc if metric.kind == "roc_auc" else average_precision
    if positive is not None:
        return one(truth == positive, prediction[:, positive])
    each = [one(truth == number, prediction[:, number]) for number in range(prediction.shape[1])]
    return np.asarray(np.mean(each, axis=0))


def _within_first(metric: Metric, truth: Array, prediction: Array) -> Floats:
    """Whether the class is among the k of the highest scores, of equal ones the last, as in scikit-learn."""
    assert metric.k is not None
    own = prediction[np.arange(len(truth)), truth][:, None]
    later = np.arange(prediction.shape[1]) > truth[:, None]
    ahead = np.count_nonzero((prediction > own) | ((prediction == own) & later), axis=1)
    return np.asarray(ahead < metric.k, np.float64)


def roc_auc(right: Array, scores: Array) -> Floats:
    """The placements of DeLong, DeLong & Clarke-Pearson (1988): the share of the other class that is behind (ahead)."""
    n, positives = len(right), int(np.count_nonzero(right))
    order = np.argsort(scores)
    y, ordered = right[order], scores[order]
    first = np.append(True, ordered[1:] != ordered[:-1])  # of equal scores, which count half
    starts, group = np.flatnonzero(first), np.cumsum(first) - 1
    up_to = np.append(0, np.cumsum(y))  # positives among the first k
    ends = np.append(starts[1:], n)
    of_positives = (up_to[starts] + up_to[ends])[group] / 2
    of_negatives = (starts + ends)[group] / 2 - of_positives
    placed = np.where(y, of_negatives / (n - positives), 1 - of_positives / positives)
    value = float(placed[y].mean())
    found = np.empty(n)
    found[order] = value + (placed - value) / np.where(y, positives / n, 1 - positives / n)
    return found


def average_precision(right: Array, scores: Array) -> Floats:
    """The mean precision T(s)/N(s) at the scores s of the positives, with its derivatives by π, T and N.

    N(s) is the share of samples at or above s, T(s) that of positives at or above it, π that of all positives: a sample
    at or above s adds y/N(s) − T(s)/N(s)² to the precision at s.
    """
    n = len(right)
    order = np.argsort(-scores)
    y, ordered = right[order].astype(np.float64), scores[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # of equal scores
    ends = np.flatnonzero(last)
    group = np.cumsum(last) - last
    at_or_above, hits = (ends + 1) / n, np.cumsum(y)[ends] / n
    precision = hits / at_or_above
    positives = np.add.reduceat(y, np.append(0, ends[:-1] + 1)) / n  # in each group of equal scores
    share = y.mean()
    value = float((positives * precision).sum() / share)
    below = (positives / at_or_above)[::-1].cumsum()[::-1]
    by_size = (positives * hits / at_or_above**2)[::-1].cumsum()[::-1]
    found = (y * (precision[group] + below[group] - value) - by_size[group]) / share
    result = np.empty(n)
    result[order] = value + found - found.mean()
    return result
