"""The best score that a random search of so many configurations is expected to find. May import NumPy and SciPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln

_Floats = NDArray[np.float64]

LEVEL = 0.95

_STEPS = 16
"""Of the bisection on a logarithmic scale: the level is met within about 1e-4."""


@dataclass(frozen=True)
class ExpectedBest:
    """For a number of configurations: the expected best score, the median of the best, and the band of the median."""

    configurations: int
    mean: float
    median: float
    low: float  # −inf or inf where so few configurations do not bound it
    high: float


def expected_best(scores: Sequence[float], numbers: Sequence[int], level: float = LEVEL) -> list[ExpectedBest]:
    """Return what the best of so many random configurations scores, from the scores of N random ones; higher is better.

    The mean is that of Dodge et al. (2019): the best of n drawn from the N with replacement, Σ x₍ᵢ₎·((i/N)ⁿ −
    ((i−1)/N)ⁿ). The median of the best of n is the quantile ½^(1/n) of one score. Its band is exact for any continuous
    distribution, for all numbers at once (Lourie, Cho & He 2024): with that probability the whole distribution function
    lies within the band of `ld_band`. It is about the scores as measured, whose noise is part of the best.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    total = len(ordered)
    lower, upper = ld_band(total, level)
    ranks = np.arange(total + 1) / total
    found = []
    for number in numbers:
        mean = float(ordered @ np.diff(ranks**number))
        quantile = 0.5 ** (1 / number)
        # F is at most upper[i] below the (i+1)-th score, and at least lower[i] from the i-th on.
        low = np.searchsorted(upper, quantile)
        high = np.searchsorted(lower, quantile)
        found.append(
            ExpectedBest(
                number,
                mean,
                float(ordered[min(total - 1, int(np.ceil(quantile * total - 1e-9)) - 1)]),
                float(ordered[low - 1]) if low > 0 else -np.inf,
                float(ordered[high - 1]) if high <= total else np.inf,
            )
        )
    return found


def ld_band(total: int, level: float = LEVEL) -> tuple[_Floats, _Floats]:
    """Return bounds of a distribution function after each of `total` scores, and before the first: (total + 1,) each.

    From the i-th score to the next it is within lower[i] and upper[i], for all i at once with probability `level`:
    the equal-tailed intervals of the order statistics' beta distributions (Learned-Miller & DeStefano 2008), all with
    the tail that gives the joint level, found by bisection.
    """
    small, large = (1 - level) / (2 * total), (1 - level) / 2
    for _ in range(_STEPS):
        tail = float(np.sqrt(small * large))
        below, above = _order_statistics(total, tail)
        small, large = (tail, large) if band_probability(below, above) >= level else (small, tail)
    below, above = _order_statistics(total, small)
    return np.append(0.0, below), np.append(above, 1.0)


def _order_statistics(total: int, tail: float) -> tuple[_Floats, _Floats]:
    """Return the quantiles `tail` and 1 − `tail` of each order statistic of `total` uniform numbers."""
    rank = np.arange(1.0, total + 1)
    below, above = (betaincinv(rank, total + 1 - rank, each) for each in (tail, 1 - tail))
    return np.asarray(below, dtype=np.float64), np.asarray(above, dtype=np.float64)


def band_probability(below: _Floats, above: _Floats) -> float:
    """Return the probability that the i-th smallest of n uniform numbers is within below[i] and above[i], for all i.

    How many of them are up to an edge is a Markov chain, and as that of a Poisson process given n in all its steps are
    convolutions (Moscovich & Nadler 2017): up to t there are at least as many as have above[i] ≤ t, and at most as many
    as have below[i] < t.
    """
    total = len(below)
    edges = np.unique(np.concatenate([below, above, [1.0]]))
    fewest = np.searchsorted(above, edges, side="right")
    most = np.searchsorted(below, edges, side="left")
    state, start, last = np.ones(1), 0, 0.0  # the probabilities of start, start + 1, … numbers so far
    for edge, few, many in zip(edges, fewest, most, strict=True):
        low, high = max(int(few), start), int(many)
        if low > high:
            return 0.0
        more = np.arange(high - start + 1)
        rate = total * (edge - last)
        steps = np.exp(more * np.log(rate) - rate - gammaln(more + 1)) if rate > 0 else (more == 0).astype(float)
        state = np.convolve(state, steps)[low - start : high - start + 1]
        start, last = low, float(edge)
    at_all = np.exp(total * np.log(total) - total - gammaln(total + 1))
    return float(state[total - start] / at_all) if 0 <= total - start < len(state) else 0.0
