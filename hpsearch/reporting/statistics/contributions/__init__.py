"""What each sample contributes to a metric, so that metrics other than means have a sampling variance.

A contribution has the mean of the metric's value, and the variance of the metric is about that of the contributions
divided by n. Of a mean it is the sample's own value; of another smooth metric the value plus the influence function
(infinitesimal jackknife, Efron 1982); of an area under the ROC curve DeLong's placements. May import NumPy and metrics.
"""

from collections.abc import Sequence

import numpy as np

from hpsearch.metrics import Metric
from hpsearch.metrics.labels import positive_class
from hpsearch.reporting.statistics.contributions import confusion, probabilities, ranks, values
from hpsearch.reporting.statistics.contributions.groups import by_groups
from hpsearch.reporting.statistics.contributions.values import Array, Floats
from hpsearch.reporting.statistics.intervals import SHARE, Bounds

MEANS = ("accuracy", "top_k_accuracy", "log_loss", "brier", "mse", "mae", "mape", "pinball")
"""The kinds whose value is the mean of the samples' values, so that on other samples it is exactly the mean there."""

_BOUNDS = {
    **dict.fromkeys(("f1", "roc_auc", "average_precision"), SHARE),  # though they are not shown in percent
    **dict.fromkeys(("matthews_corrcoef", "cohen_kappa"), Bounds(-1.0, 1.0)),
    "r2": Bounds(high=1.0),
}


def bounds(metric: Metric) -> Bounds:
    """Return the lowest and the highest score of a metric: of an error, which is never negative, the value times −1."""
    if metric.share:
        return SHARE
    error = metric.kind != "file" and metric.direction == "minimize"
    return Bounds(high=0.0) if error else _BOUNDS.get(metric.kind, Bounds())


def contributions(metric: Metric, truth: Array, prediction: Array, classes: Sequence[str] = ()) -> Floats:
    """Return what each sample contributes to a metric, (n,), in the metric's own direction.

    The arguments are those of `hpsearch.metrics.evaluate`; predictions must be finite.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    positive = positive_class(metric, tuple(classes)) if classes and metric.source is None else None
    if metric.kind == "file":
        return by_groups(metric, truth, prediction, classes)
    if metric.kind in values.KINDS:
        return values.of_values(metric, truth, prediction)
    if metric.kind in confusion.KINDS:
        return confusion.of_classes(metric, truth, prediction, positive)
    if prediction.ndim == 1:  # of the second of two classes
        prediction = np.stack([1 - prediction if metric.needs == "probabilities" else -prediction, prediction], axis=1)
    if metric.kind in probabilities.KINDS:
        return probabilities.of_probabilities(metric, truth, prediction)
    return ranks.of_scores(metric, truth, prediction, positive)
