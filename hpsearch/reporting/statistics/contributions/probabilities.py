"""Contributions to the means over samples of what is made of probabilities. May import NumPy and metrics."""

import numpy as np

from hpsearch.metrics import Metric
from hpsearch.reporting.statistics.contributions.values import Array, Floats

KINDS = ("log_loss", "brier")


def of_probabilities(metric: Metric, truth: Array, prediction: Array) -> Floats:
    """Return the contributions of probabilities (n, C)."""
    prediction = prediction.astype(np.float64)
    if metric.kind == "brier":
        if prediction.shape[1] == 2:
            return np.asarray((prediction[:, 1] - (truth == 1)) ** 2)
        return np.asarray(((prediction - (truth[:, None] == np.arange(prediction.shape[1]))) ** 2).sum(axis=1))
    chosen = prediction[np.arange(len(truth)), truth] / prediction.sum(axis=1)
    least = float(np.finfo(np.float64).eps)  # as scikit-learn clips them
    return np.asarray(-np.log(np.clip(chosen, least, 1 - least)))
