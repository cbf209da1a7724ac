"""Contributions to the metrics of a regression; several targets count equally. May import NumPy and metrics."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import Metric

Array = NDArray[Any]
Floats = NDArray[np.float64]

KINDS = ("rmse", "mse", "mae", "median_absolute_error", "r2", "mape", "pinball")


def of_values(metric: Metric, truth: Array, prediction: Array) -> Floats:
    """Return the contributions of values (n,) or (n, T)."""
    y = truth.astype(np.float64).reshape(len(truth), -1)
    error = y - prediction.astype(np.float64).reshape(len(truth), -1)
    return np.asarray(_BY_KIND[metric.kind](metric, y, error).mean(axis=1))


def _rmse(_metric: Metric, _y: Floats, error: Floats) -> Floats:
    """√m of the mean square m: d√m = (e² − m)/(2√m)."""
    squares = error**2
    mean = squares.mean(axis=0)
    root = np.sqrt(mean)
    return np.asarray(root + (squares - mean) / np.where(root > 0, 2 * root, 1.0))


def _r2(_metric: Metric, y: Floats, error: Floats) -> Floats:
    """1 − m/v of the mean square m and the variance v of the targets: its derivative is −dm/v + m·dv/v²."""
    squares, spread = error**2, (y - y.mean(axis=0)) ** 2
    mean, variance = squares.mean(axis=0), spread.mean(axis=0)
    known = variance > 0
    v = np.where(known, variance, 1.0)
    found = 1 - mean / v - (squares - mean) / v + mean * (spread - variance) / v**2
    return np.where(known, found, np.where(mean > 0, 0.0, 1.0))  # a constant target, as scikit-learn has it


def _median(_metric: Metric, _y: Floats, error: Floats) -> Floats:
    """The median m: (1[|e| > m] − ½)/f(m).

    The density f is the slope of the quantiles around the median, over the width of Hall & Sheather (1988).
    """
    size = np.abs(error)
    median = np.median(size, axis=0)
    width = min(0.45, 0.97 * len(size) ** (-1 / 3))
    low, high = np.quantile(size, [0.5 - width, 0.5 + width], axis=0)
    above = (size > median) + 0.5 * (size == median)
    return np.asarray(median + (above - above.mean(axis=0)) * (high - low) / (2 * width))


def _mape(_metric: Metric, y: Floats, error: Floats) -> Floats:
    return np.asarray(np.abs(error) / np.maximum(np.abs(y), np.finfo(np.float64).eps))


def _pinball(metric: Metric, _y: Floats, error: Floats) -> Floats:
    assert metric.alpha is not None
    return np.where(error >= 0, metric.alpha * error, (metric.alpha - 1) * error)


_BY_KIND = {
    "rmse": _rmse,
    "mse": lambda _metric, _y, error: error**2,
    "mae": lambda _metric, _y, error: np.abs(error),
    "median_absolute_error": _median,
    "r2": _r2,
    "mape": _mape,
    "pinball": _pinball,
}
