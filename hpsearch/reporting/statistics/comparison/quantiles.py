"""Quantiles of Student's t, of skewed means and of McNemar's exact test. May import NumPy and SciPy."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtr, ndtri, stdtr, stdtrit

_MOST_SKEWED = 0.6
"""The skewness of a mean is taken as at most so large: of few samples it is not known better."""


def satterthwaite(variance: float, parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a variance of which parts are estimated, each given with its own.

    The parts are taken as wrong in the same direction, as they are where both come from one pooled variance.
    """
    uncertain = sum(part / math.sqrt(freedom) for part, freedom in parts) ** 2
    return max(variance**2 / uncertain, min(freedom for _, freedom in parts)) if uncertain else math.inf


def normal_of(t: float, freedom: float) -> float:
    """Return the standard normal value with the upper tail probability of Student's t."""
    if math.isinf(freedom) or t <= 0:
        return float(t)
    return float(min(t, -ndtri(max(stdtr(freedom, -t), 1e-300))))


def quantile(z: float, freedom: float) -> float:
    """Return the value of Student's t with the upper tail probability of a standard normal value."""
    return z if math.isinf(freedom) else -float(stdtrit(freedom, float(ndtr(-z))))


def exact(gaps: NDArray[np.float32]) -> float:
    """Return the standard normal value of McNemar's exact test, one-sided, of networks' differences by sample."""
    first, second = int((gaps > 0).sum()), int((gaps < 0).sum())
    p = float(bdtr(min(first, second), first + second, 0.5)) if first + second else 1.0
    return float(-ndtri(p)) if 0 < p < 1 else (np.inf if p == 0 else 0.0)


def skewed(t: float, values: NDArray[np.float32], part: float = 1.0) -> tuple[float, float]:
    """Return by how many standard errors the bounds of an interval lie below and above a mean, which is skewed.

    `t` is the quantile that a symmetric mean has, and `part` the share of its variance that comes from these values.
    The cubic transformation of Hall (1992) takes out the skewness κ of the mean: the quantile becomes
    (3/κ)·((1 + κ·(t − κ/6))^⅓ − 1).
    """
    deviations = values.astype(np.float64) - float(values.mean(dtype=np.float64))
    variance = float(np.square(deviations).mean())
    if not variance:
        return t, t
    skewness = float((deviations**3).mean()) / variance**1.5 * part**1.5 / math.sqrt(values.size)
    k = min(max(skewness, -_MOST_SKEWED), _MOST_SKEWED)
    if abs(k) < 1e-6:
        return t, t
    below, above = (3 / k * (np.cbrt(1 + k * (each - k / 6)) - 1) for each in (t, -t))
    return float(below), float(-above)
