"""The probability that pruning lost the best configuration: an exact bound, and an estimate from a regression model.

docs/report.md describes both, and what simulated searches say of them. May import NumPy and SciPy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, logit

Floats = NDArray[np.float64]

FEWEST = 3
"""The fewest audited configurations for an estimate."""

DRAWS, GROUPS = 400, 1_000
"""Draws of the regression line from its distribution; the most groups of similar configurations pruned at one rung."""

_SLOPE, _WEIGHT = 0.5, 0.5
"""The prior slope of final accuracy on accuracy at a rung, and its weight in observations."""

_MARGIN = 1e-4
"""Accuracies are clipped to so far from 0 and 1, so that their logits are finite."""


@dataclass(frozen=True)
class Outcome:
    """A configuration's accuracy at each rung that it reached, the rung that pruned it, and its final accuracy.

    An audited one has both a rung that would have pruned it and a final accuracy.
    """

    at: Mapping[int, float]
    pruned_at: int | None
    end: float | None


@dataclass(frozen=True)
class Probability:
    """An estimated probability with its 95% interval."""

    estimate: float
    low: float
    high: float


def share_above(above: int, of: int) -> tuple[float, float]:
    """Return the exact 95% interval (Clopper & Pearson 1934) of a share; for `above` = 0, the one-sided bound.

    >>> [round(bound, 3) for bound in share_above(0, 5)], [round(bound, 3) for bound in share_above(2, 5)]
    ([0.0, 0.451], [0.053, 0.853])
    """
    if above == 0:
        return 0.0, 1 - 0.05 ** (1 / of)
    high = 1.0 if above == of else float(betaincinv(above + 1, of - above, 0.975))
    return float(betaincinv(above, of - above + 1, 0.025)), high


def probability_of_loss(configurations: Sequence[Outcome], seed: int = 0) -> Probability | None:
    """Return the probability that any pruned configuration would have ended above all that finished.

    For each rung, the final accuracies of the configurations that reached it are regressed on those at the rung, both
    as logits. The audited represent all that were pruned: their weight is the number of pruned ones over the number
    of audited ones, that of the others is 1. A pruned configuration's final accuracy is predicted by the line plus a
    residual, drawn with these weights, and is at least its accuracy at the rung. The line is drawn 400 times from its
    distribution; the interval is of the resulting probabilities. None with fewer than 3 audited configurations.
    """
    pruned = [each for each in configurations if each.pruned_at is not None]
    ends = [each.end for each in configurations if each.end is not None]
    audited, lost = (sum((each.end is None) == unknown for each in pruned) for unknown in (False, True))
    if audited < FEWEST or not lost:
        return None
    random = np.random.default_rng([seed, len(configurations)])
    best = float(_logit(max(ends)))
    log_all_below = np.zeros(DRAWS)  # the logarithm of the probability that all end below the best
    for rung in sorted({each.pruned_at for each in pruned if each.pruned_at is not None}):
        values = _logit(np.array([each.at[rung] for each in pruned if each.pruned_at == rung and each.end is None]))
        if values.size:
            log_all_below += _log_all_below(best, values, _fit(configurations, rung, len(pruned) / audited), random)
    lost_it = 1 - np.exp(log_all_below)
    mean = float(lost_it.mean())
    low, high = np.percentile(lost_it, [2.5, 97.5])  # near 0 and 1 the mean of so skew a distribution lies outside
    return Probability(mean, min(mean, float(low)), max(mean, float(high)))


@dataclass(frozen=True)
class _Line:
    """A weighted regression line of final accuracies on those at a rung; `effective` is the effective sample size."""

    centre: float
    height: float
    slope: float
    spread: float
    effective: float
    residuals: Floats
    weights: Floats  # they add up to `effective`


def _fit(configurations: Sequence[Outcome], rung: int, weight: float) -> _Line:
    reached = [e for e in configurations if rung in e.at and (e.pruned_at is None or e.pruned_at >= rung)]
    known = [(each.at[rung], each.end, each.pruned_at is not None) for each in reached if each.end is not None]
    x, end = _logit(np.array([at for at, _, _ in known])), _logit(np.array([end for _, end, _ in known]))
    weights = np.array([weight if audited else 1.0 for _, _, audited in known])
    effective = float(weights.sum() ** 2 / (weights**2).sum())  # Kish's (1965) effective sample size
    weights *= effective / weights.sum()
    centre, height = float((weights * x).sum() / effective), float((weights * end).sum() / effective)
    prior = _WEIGHT * (float(np.var(_logit(np.array([each.at[rung] for each in reached])))) + _MARGIN)
    spread = float((weights * (x - centre) ** 2).sum()) + prior
    slope = (float((weights * (x - centre) * (end - height)).sum()) + _SLOPE * prior) / spread
    return _Line(centre, height, slope, spread, effective, end - height - slope * (x - centre), weights)


def _log_all_below(best: float, values: Floats, line: _Line, random: np.random.Generator) -> Floats:
    """Return, per draw of the line, the log of the probability that all pruned at a rung end below the best, (DRAWS,).

    `values` are the logits of their accuracies at the rung.
    """
    squares = float((line.weights * line.residuals**2).sum()) + _MARGIN
    deviation = np.sqrt(squares / random.chisquare(max(line.effective - 1, 0.7), size=DRAWS))
    heights = line.height + deviation / np.sqrt(line.effective) * random.normal(size=DRAWS)
    slopes = line.slope + deviation / np.sqrt(line.spread) * random.normal(size=DRAWS)
    groups = np.array_split(np.sort(values), min(GROUPS, values.size))
    at, sizes = np.array([group.mean() for group in groups]), np.array([group.size for group in groups])
    ends = heights[:, None] + slopes[:, None] * (at - line.centre)
    order = np.argsort(line.residuals)
    share = np.append(0.0, np.cumsum(line.weights[order])) / line.effective
    below = share[np.searchsorted(line.residuals[order], best - ends, side="right")]
    below[:, at > best] = 0.0
    return np.asarray((sizes * np.log(np.clip(below, 1e-12, 1.0))).sum(axis=1), dtype=np.float64)


def _logit(share: float | Floats) -> Floats:
    return np.asarray(logit(np.clip(share, _MARGIN, 1 - _MARGIN)), dtype=np.float64)
