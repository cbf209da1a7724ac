"""A test of whether a hyperparameter has any influence on the order of the configurations, and the test's power.

It combines three statistics, each of which sees another kind of influence: Spearman's rank correlation a steady rise or
fall, Kruskal and Wallis's sum over groups of values a value or region that is better or worse than others, PED-ANOVA's
divergence what is among the best. May import NumPy, pandas and SciPy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

GROUPS = 4
"""Numeric values are divided into so many groups of equal size."""

STATED = 0.5
"""The rank correlation for which the power is stated."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Influence:
    """p of no influence, not adjusted, and Spearman's rank correlation of values and scores, None of categories."""

    p: float
    correlation: float | None


def influence(
    values: NDArray[np.int64], ordered: bool, scores: Floats, permutations: NDArray[np.int64], divergence: Floats
) -> Influence:
    """Test one hyperparameter by permutation.

    `values` are numbers or the indices of categories, (trials,); `permutations` are rows of indices; `divergence` has a
    further statistic, of the observed order first and then of each permutation. For each statistic, p is its rank among
    all orders; the smallest of the p-values is then ranked in the same way, so that p is exact for any dependence.
    """
    ranks = _ranks(scores)
    every = np.concatenate([ranks[None], ranks[permutations]]) - ranks.mean()
    statistics = [divergence]
    correlation = None
    if ordered:
        centred = _ranks(values) - (values.size + 1) / 2
        products = every @ centred
        statistics.append(np.abs(products))
        size = math.sqrt(float((centred**2).sum() * (every[0] ** 2).sum()))
        correlation = float(products[0]) / size if size else 0.0
    groups = _groups(values) if ordered else values
    member = (groups[:, None] == np.unique(groups)).astype(np.float64)
    statistics.append(((every @ member) ** 2 / member.sum(axis=0)).sum(axis=1))
    # Rounded, so that equal statistics that were added up in another order are equal.
    smallest = np.min([_tail(np.round(each, 9)) for each in statistics], axis=0)
    return Influence(float((smallest <= smallest[0]).mean()), correlation)


def _ranks(values: ArrayLike, ties: Literal["average", "min", "max"] = "average") -> Floats:
    """Return the ranks from 1 as `scipy.stats.rankdata`, but scipy.stats takes half a second to import."""
    return np.asarray(pd.Series(np.asarray(values)).rank(method=ties), dtype=np.float64)


def _tail(statistic: Floats) -> Floats:
    """Return the share of the orders whose statistic is at least as high, (orders,)."""
    return np.asarray(_ranks(-statistic, "max") / statistic.size, dtype=np.float64)


def _groups(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divide numbers into GROUPS groups of about equal size; equal numbers are in the same group."""
    below = _ranks(values, "min") - 1
    return np.asarray(below * GROUPS // values.size, dtype=np.int64)


def power(trials: int, hyperparameters: int, correlation: float = STATED, level: float = 0.05) -> float:
    """Return about the probability that `influence` finds a rank correlation, with Holm's first step.

    By Fisher's z, whose variance for ranks is 1.06/(n − 3) (Fieller, Hartley & Pearson 1957). The combination of three
    statistics counts as two tests, because they go together; a simulation says that this is close.

    >>> [round(power(trials, 2), 2) for trials in (16, 32, 100)]
    [0.28, 0.65, 1.0]
    """
    needed = -float(ndtri(level / (2 * 2 * hyperparameters)))
    return float(ndtr(math.atanh(correlation) * math.sqrt(max(0, trials - 3) / 1.06) - needed))


def trials_needed(hyperparameters: int, wanted: float = 0.8) -> int:
    """Return the number of configurations with which the stated influence is found with a probability of `wanted`."""
    return next(trials for trials in range(4, 10_000) if power(trials, hyperparameters) >= wanted)


def rank_correlation_text(value: float | None) -> str:
    """Write a rank correlation with its sign, None as a dash."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def scores_as_ranks(scores: Sequence[float] | Floats) -> Floats:
    """Return the ranks of scores from 0 to 1: what pruned and failed configurations reached is known by order only."""
    ranks = _ranks(np.asarray(scores, dtype=np.float64)) - 1
    return np.asarray(ranks / max(1, ranks.size - 1), dtype=np.float64)
