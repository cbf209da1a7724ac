"""Tests of a difference between two networks on the same samples, and their adjustment. May import NumPy and SciPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

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
