"""The variance between a configuration's replicates, moderated over the configurations of a table (Smyth 2004).

Two or three replicates say little of a variance, and those of a whole table say much. May import NumPy and SciPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, fdtrc, polygamma

Floats = NDArray[np.float64]

_OUTLIER = 0.0005
"""The probability that so many of equal variances would be found larger than the others."""

_BEYOND = 2.0
"""An outlier is so many times above the bound: where all variances differ a little, there are none."""

_FEWEST = 4
"""Fewer degrees of freedom are not moderated separately."""

_DRAWS = 4_000
"""The number of tables of equal variances that are simulated, fewer of large tables."""

_CLEARLY = 0.002
"""The probability that equal variances are found to differ clearly, by the variance of their logarithms."""


@dataclass(frozen=True)
class Moderated:
    """The variance of each configuration's replicates with its degrees of freedom, and what the configurations share.

    `prior` is the variance that the configurations have in common, without those whose variance is clearly larger.
    """

    variances: Floats
    freedom: Floats
    prior: float


def moderate(variances: ArrayLike, freedom: ArrayLike) -> Moderated | None:
    """Return moderated variances; None where no configuration has a second replicate.

    `freedom` are the degrees of freedom of the variances, 0 where there is no second replicate. Where all are equal but
    for chance, each is replaced by their mean. Where they clearly differ, each is drawn to the others as far as their
    spread suggests. One that is an outlier, as that of a configuration that diverges with some seeds, stays as it is,
    and has no influence on the others.
    """
    s2, d = np.asarray(variances, dtype=np.float64), np.asarray(freedom, dtype=np.float64)
    known = d > 0
    if not known.any():
        return None
    kept = _without_outliers(s2, d)
    total = float(d[kept].sum())
    pooled = float((s2[kept] * d[kept]).sum()) / total
    prior_d, prior = _prior(s2[kept], d[kept], pooled)
    if np.isinf(prior_d):
        found, of_found = np.full(s2.size, prior), np.full(s2.size, total)
    else:
        found = (prior_d * prior + d * np.where(known, s2, 0.0)) / (prior_d + d)
        of_found = np.minimum(prior_d + d, total)
    outliers = known & ~kept
    return Moderated(np.where(outliers, s2, found), np.where(outliers, d, of_found), prior)


def clearly_smaller(variances: ArrayLike, freedom: ArrayLike, some: Sequence[int]) -> bool:
    """Return whether the variances of some configurations are smaller than those of the others, by an F test at 1%."""
    s2, d = np.asarray(variances, dtype=np.float64), np.asarray(freedom, dtype=np.float64)
    chosen = np.isin(np.arange(s2.size), some)
    mine, others = float(d[chosen].sum()), float(d[~chosen].sum())
    if min(mine, others) < _FEWEST:
        return False
    ratio = (s2 * d)[~chosen].sum() / others / max((s2 * d)[chosen].sum() / mine, 1e-300)
    return float(fdtrc(others, mine, ratio)) < 0.01


def moderate_separately(variances: ArrayLike, freedom: ArrayLike, some: Sequence[int]) -> Moderated | None:
    """Return variances moderated within some configurations and within the others; the prior is that of the first."""
    s2, d = np.asarray(variances, dtype=np.float64), np.asarray(freedom, dtype=np.float64)
    chosen = np.isin(np.arange(s2.size), some)
    first, second = moderate(s2[chosen], d[chosen]), moderate(s2[~chosen], d[~chosen])
    if first is None or second is None:
        return moderate(s2, d)
    found, of_found = np.empty_like(s2), np.empty_like(d)
    found[chosen], found[~chosen] = first.variances, second.variances
    of_found[chosen], of_found[~chosen] = first.freedom, second.freedom
    return Moderated(found, of_found, first.prior)


def _without_outliers(s2: Floats, d: Floats) -> NDArray[np.bool_]:
    """Return which variances may be pooled, without those that are clearly larger than the others.

    The m-th largest is compared with the mean of all smaller ones, and the largest m for which their ratio is larger
    than in nearly all tables of equal variances is the number of outliers (Rosner's generalised ESD procedure, with
    simulated bounds). So several outliers do not hide each other.
    """
    known = np.flatnonzero(d > 0)
    most = known.size // 2
    kept = d > 0
    if not most:
        return kept
    order = known[np.argsort(s2[known], kind="stable")]
    larger = np.flatnonzero(_ratios(s2[order][None, :], d[order], most)[0] > _BEYOND * _bounds(tuple(d[order]), most))
    if larger.size:
        kept[order[order.size - 1 - larger[-1] :]] = False
    return kept


@lru_cache(maxsize=64)
def _bounds(freedom: tuple[float, ...], most: int) -> Floats:
    """Return what the ratios exceed in few tables of equal variances with these degrees of freedom."""
    d = np.array(freedom)
    null = np.random.default_rng(0).chisquare(d, size=(max(200, min(_DRAWS, 1_000_000 // d.size)), d.size)) / d
    return np.asarray(np.quantile(_ratios(np.sort(null, axis=1), d, most), 1 - _OUTLIER, axis=0))


def _ratios(s2: Floats, d: Floats, most: int) -> Floats:
    """Return the m-th largest of sorted variances over the mean of the smaller ones, for m = 1 … most."""
    sums = np.cumsum(s2 * d, axis=1) / np.cumsum(d)
    return np.asarray(s2[:, ::-1][:, :most] / np.maximum(sums[:, -2 : -2 - most : -1], 1e-300))


def _prior(s2: Floats, d: Floats, pooled: float) -> tuple[float, float]:
    """Return the degrees of freedom and the variance of Smyth's prior, from the mean and variance of log s².

    The degrees of freedom are infinite unless the variances clearly differ.
    """
    if s2.size < 3 or pooled <= 0:
        return np.inf, pooled
    if _spread(s2[None, :] / pooled, d)[0] <= _usual_spread(tuple(d)):
        return np.inf, pooled
    return squeezed(s2, d)


@lru_cache(maxsize=64)
def _usual_spread(freedom: tuple[float, ...]) -> float:
    """Return the spread that few tables of equal variances with these degrees of freedom exceed."""
    d = np.array(freedom)
    null = np.random.default_rng(0).chisquare(d, size=(max(1_000, min(_DRAWS, 1_000_000 // d.size)), d.size)) / d
    means = (null * d).sum(axis=1, keepdims=True) / d.sum()
    return float(np.quantile(_spread(null / means, d), 1 - _CLEARLY))


def _spread(ratios: Floats, d: Floats) -> Floats:
    """Return the variance of the logarithms of variances over their mean, less what differs by degrees of freedom."""
    e = np.log(np.maximum(ratios, 1e-2)) - digamma(d / 2) + np.log(d / 2)
    return np.asarray(e.var(axis=1, ddof=1))


def squeezed(variances: ArrayLike, freedom: ArrayLike) -> tuple[float, float]:
    """Return the degrees of freedom and the variance of the prior, as limma's `fitFDist` does (Smyth 2004, eq. 6)."""
    s2, d = np.asarray(variances, dtype=np.float64), np.asarray(freedom, dtype=np.float64)
    s2 = np.maximum(s2, 1e-5 * np.median(s2))
    e = np.log(np.maximum(s2, 1e-300)) - digamma(d / 2) + np.log(d / 2)
    excess = float(e.var(ddof=1) - polygamma(1, d / 2).mean())
    if excess <= 0:
        return np.inf, float(s2.mean())
    prior_d = 2 * trigamma_inverse(excess)
    return prior_d, float(np.exp(e.mean() + digamma(prior_d / 2) - np.log(prior_d / 2)))


def trigamma_inverse(value: float) -> float:
    """Return the x with trigamma(x) = value, by Newton's method on 1/trigamma, which is convex (Smyth 2004, appendix).

    >>> round(float(polygamma(1, trigamma_inverse(0.7))), 9)
    0.7
    """
    x = 0.5 + 1 / value
    for _ in range(50):
        at = float(polygamma(1, x))
        step = at * (1 - at / value) / float(polygamma(2, x))
        x += step
        if -step < 1e-9 * x:
            break
    return x


def variances_of(groups: Sequence[Sequence[float]]) -> tuple[Floats, Floats]:
    """Return the variance of each group with its degrees of freedom; 0 and 0 of a single value."""
    several = [np.asarray(group, dtype=np.float64) for group in groups]
    found = [(float(group.var(ddof=1)), group.size - 1) if group.size > 1 else (0.0, 0) for group in several]
    s2, d = np.array(found, dtype=np.float64).reshape(-1, 2).T
    return s2, d
