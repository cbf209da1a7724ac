"""How far probabilities are to be believed: bins of confidence, calibration error, Brier score. May import NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Confidences are grouped into so many intervals of equal length."""


@dataclass(frozen=True)
class Reliability:
    """The expected calibration error, the Brier score, and of each bin that is not empty what the diagram shows."""

    ece: float  # Σ share of the samples · |accuracy − mean confidence|
    brier: float  # mean of Σ (probability − truth)² over the classes: 0 to 2
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    samples: tuple[int, ...]


def reliability(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Reliability:
    """Return it of probabilities (samples, classes) and true classes (samples,), of the class with the highest one."""
    highest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((highest * BINS).astype(np.int64), BINS - 1)
    number = np.bincount(place, minlength=BINS)
    filled = number > 0
    confidence, accuracy = (
        np.bincount(place, weights=each, minlength=BINS)[filled] / number[filled]
        for each in (highest, right.astype(np.float64))
    )
    ece = float((number[filled] * np.abs(accuracy - confidence)).sum() / labels.size)
    truth = np.arange(probabilities.shape[1]) == labels[:, None]
    brier = float(((probabilities - truth) ** 2).sum(axis=1).mean())
    return Reliability(ece, brier, tuple(confidence.tolist()), tuple(accuracy.tolist()), tuple(number[filled].tolist()))
