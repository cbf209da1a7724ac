"""Tests of a difference between two networks on the same samples, and their adjustment. May import NumPy and SciPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, stdtr

LEVEL = 0.05
"""The significance level: the highest probability, over a whole table, of any false claim of a difference."""


def mcnemar_exact(only_first: ArrayLike, only_second: ArrayLike) -> NDArray[np.float64]:
    """Return two-sided p-values of McNemar's (1947) test in its exact form.

    `only_first` and `only_second` are the numbers of samples that only the one network predicts correctly: arrays of
    one shape, which is that of the result. Under the null hypothesis each such sample is a fair coin; p is the binomial
    probability of a split at least as uneven, 1 where there is no such sample.
    """
    first, second = np.asarray(only_first), np.asarray(only_second)
    tail = bdtr(np.minimum(first, second), first + second, 0.5)
    return np.asarray(np.minimum(1.0, 2.0 * tail), dtype=np.float64)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Holm's (1979) step-down method, in the given order.

    The i-th smallest of m is multiplied by m − i + 1; none may be smaller than the one before it, or above 1. The
    probability of any adjusted p below 5% in a table without differences is at most 5%, for every dependence.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


def tied(p: float) -> bool:
    """Whether the two sides of a comparison are not statistically distinguishable, by its adjusted p-value."""
    return p > LEVEL


def of_means(first: ArrayLike, second: ArrayLike, *, paired: bool) -> float:
    """Return the two-sided p that two networks' mean contributions are equal, by the paired or by Welch's t test."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if paired:
        gaps = one - other
        gap, variance, freedom = float(gaps.mean()), float(gaps.var(ddof=1)) / gaps.size, gaps.size - 1.0
    else:
        gap = float(one.mean() - other.mean())
        parts = np.array([one.var(ddof=1) / one.size, other.var(ddof=1) / other.size])
        variance = float(parts.sum())
        freedom = variance**2 / float((parts**2 / [one.size - 1, other.size - 1]).sum()) if variance else 1.0
    return 2 * float(stdtr(freedom, -abs(gap) / variance**0.5)) if variance else 1.0
