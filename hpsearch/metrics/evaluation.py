"""The value of a metric for given predictions. May import NumPy."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.metrics import classification, own, regression
from hpsearch.metrics.labels import check_computable
from hpsearch.metrics.metric import Metric, MetricError
from hpsearch.metrics.quiet import quiet

Array = npt.NDArray[Any]


def evaluate(
    metric: Metric,
    truth: Array,
    prediction: Array,
    *,
    classes: Sequence[str] = (),
    sample_weight: Array | None = None,
) -> float:
    """Return the metric of a prediction, computed in float64.

    truth: class numbers (n,), or values (n,) or (n, T) in a regression
    prediction: what the metric needs: classes (n,); probabilities or scores (n, C), or (n,) of the second of two
        classes; or values (n,) or (n, T)
    classes: the names of all C classes, in the order of their numbers; none in a regression
    sample_weight: (n,), not negative, or None

    Of scores (n, C), column c ranks the samples by class c. A prediction that is not finite, as of a training that
    diverged, gives NaN, and so does a value that is not finite. Raises MetricError if these labels have no such metric
    (`check_labels`), if probabilities are none, or if a metric of one's own fails.
    """
    if metric.needs == "nothing":
        raise MetricError(f"{metric.name} is measured by training, not computed from predictions")
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    assert _fits(metric, truth, prediction, len(classes))
    if metric.kind == "accuracy" and len(truth) and sample_weight is None:
        return classification.accuracy(truth, prediction, None)
    check_computable(metric, truth, classes, sample_weight)
    if metric.needs != "classes":
        if not np.isfinite(prediction).all():
            return math.nan
        prediction = prediction.astype(np.float64)
    value = _value(metric, truth, prediction, classes, sample_weight)
    return value if math.isfinite(value) else math.nan


def _value(
    metric: Metric, truth: Array, prediction: Array, classes: Sequence[str], sample_weight: Array | None
) -> float:
    if metric.needs == "values":
        truth, prediction = _one_target(truth.astype(np.float64)), _one_target(prediction)
        assert truth.shape == prediction.shape
    if metric.kind == "file":
        return own.call(metric, truth, prediction, sample_weight)
    if metric.kind == "accuracy":
        return classification.accuracy(truth, prediction, sample_weight)
    import sklearn

    with quiet(), sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        if metric.needs == "values":
            return regression.compute(metric, truth, prediction, sample_weight)
        return classification.compute(metric, truth, prediction, classes, sample_weight)


def _fits(metric: Metric, truth: Array, prediction: Array, classes: int) -> bool:
    """Whether the prediction has the shape that the metric needs; values are compared later."""
    if metric.needs == "classes":
        return prediction.shape == truth.shape
    if metric.needs == "values" or (classes == 2 and prediction.ndim == 1):
        return len(prediction) == len(truth)
    return prediction.shape == (len(truth), classes)


def _one_target(values: Array) -> Array:
    """Values (n,) where there is one target, so that nobody subtracts (n, 1) from (n,)."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
