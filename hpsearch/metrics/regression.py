"""Metrics of values, computed by scikit-learn; several targets count equally, as is its default. May import NumPy."""

from typing import Any

import numpy.typing as npt

from hpsearch.metrics.metric import Metric

Array = npt.NDArray[Any]

_NAMES = {
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "median_absolute_error": "median_absolute_error",
    "r2": "r2_score",
    "mape": "mean_absolute_percentage_error",
    "pinball": "mean_pinball_loss",
}


def compute(metric: Metric, truth: Array, values: Array, weight: Array | None) -> float:
    """Compute a metric of regression from truth and finite values, both (n,) or (n, T), with weight (n,) or None."""
    from sklearn import metrics

    options = {} if metric.alpha is None else {"alpha": metric.alpha}
    return float(getattr(metrics, _NAMES[metric.kind])(truth, values, sample_weight=weight, **options))
