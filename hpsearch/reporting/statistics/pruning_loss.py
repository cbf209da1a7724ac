"""How likely pruning lost the best: a bound that needs no model, and a model of how the cut would have gone on.

May import NumPy and SciPy: functions of numbers, which know nothing of studies or tables. docs/report.md gives the
rules in words, and what simulated searches say of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, logit

Floats = NDArray[np.float64]

FEWEST = 3
"""With fewer audited configurations there is no model."""

DRAWS, GROUPS = 400, 1_000
"""Draws of the model's lines; groups of neighbours among the configurations that were cut at one rung."""

_SLOPE, _WEIGHT = 0.5, 0.5
"""What is assumed of how the end follows the accuracy at a rung, and with how many observations' weight."""

_MARGIN = 1e-4
"""Accuracies count as at least so far from 0 and 1, so that their logits are finite."""


@dataclass(frozen=True)
class Went:
    """A configuration that came to rungs: its accuracy at each, where it was cut, and how it ended, None if that is unknown.

    An audited one was cut and has an end.
    """

    at: Mapping[int, float]
    cut: int | None
    end: float | None


@dataclass(frozen=True)
class Chance:
    """A probability with its 95% interval."""

    share: float
    low: float
    high: float


def share_above(above: int, of: int) -> tuple[float, float]:
    """Return the exact 95% interval (Clopper & Pearson 1934) of a share; where none was above, the one-sided bound.

    >>> [round(bound, 3) for bound in share_above(0, 5)], [round(bound, 3) for bound in share_above(2, 5)]
    ([0.0, 0.451], [0.053, 0.853])
    """
    if above == 0:
        return 0.0, 1 - 0.05 ** (1 / of)
    high = 1.0 if above == of else float(betaincinv(above + 1, of - above, 0.975))
    return float(betaincinv(above, of - above + 1, 0.025)), high


def chance_of_loss(configurations: Sequence[Went], seed: int = 0) -> Chance | None:
    """Return the chance that one that was cut would have ended above all that finished.

    At each rung the ends of all that came to it are regressed on their accuracies there, both as logits. Who was cut
    and audited stands for all that were cut: its weight is their number over that of the audited, where others have 1.
    An end is the line's height plus a residual, drawn with these weights, but no less than the accuracy at the cut.
    The line is drawn 400 times from its distribution; the interval is of the chances that these give. None with fewer
    than 3 audited configurations.
    """
    cut = [each for each in configurations if each.cut is not None]
    ends = [each.end for each in configurations if each.end is not None]
    audited, lost = (sum((each.end is None) == unknown for each in cut) for unknown in (False, True))
    if audited < FEWEST or not lost:
        return None
    random = np.random.default_rng([seed, len(configurations)])
    best = float(_logit(max(ends)))
    all_below = np.zeros(DRAWS)  # the logarithm of the chance that all end below the best
    for rung in sorted({each.cut for each in cut if each.cut is not None}):
        values = _logit(np.array([each.at[rung] for each in cut if each.cut == rung and each.end is None]))
        if values.size:
            all_below += _chance_below(best, values, _fit(configurations, rung, len(cut) / audited), random)
    lost_it = 1 - np.exp(all_below)
    mean = float(lost_it.mean())
    low, high = np.percentile(lost_it, [2.5, 97.5])  # near 0 and 1 the mean of so skew a distribution lies outside
    return Chance(mean, min(mean, float(low)), max(mean, float(high)))


@dataclass(frozen=True)
class _Line:
    """A weighted line through the ends of those that came to a rung; `worth` is how many observations it rests on."""

    centre: float
    height: float
    slope: float
    spread: float
    worth: float
    residuals: Floats
    weights: Floats  # they add up to `worth`


def _fit(configurations: Sequence[Went], rung: int, stands_for: float) -> _Line:
    came = [each for each in configurations if rung in each.at and (each.cut is None or each.cut >= rung)]
    known = [(each.at[rung], each.end, each.cut is not None) for each in came if each.end is not None]
    x, end = _logit(np.array([at for at, _, _ in known])), _logit(np.array([end for _, end, _ in known]))
    weights = np.array([stands_for if cut else 1.0 for _, _, cut in known])
    worth = float(weights.sum() ** 2 / (weights**2).sum())  # Kish's (1965) effective number
    weights *= worth / weights.sum()
    centre, height = float((weights * x).sum() / worth), float((weights * end).sum() / worth)
    assumed = _WEIGHT * (float(np.var(_logit(np.array([each.at[rung] for each in came])))) + _MARGIN)
    spread = float((weights * (x - centre) ** 2).sum()) + assumed
    slope = (float((weights * (x - centre) * (end - height)).sum()) + _SLOPE * assumed) / spread
    return _Line(centre, height, slope, spread, worth, end - height - slope * (x - centre), weights)


def _chance_below(best: float, values: Floats, line: _Line, random: np.random.Generator) -> Floats:
    """Return for each drawn line the logarithm of the chance that all that were cut at a rung end below the best."""
    squares = float((line.weights * line.residuals**2).sum()) + _MARGIN
    deviation = np.sqrt(squares / random.chisquare(max(line.worth - 1, 0.7), size=DRAWS))
    heights = line.height + deviation / np.sqrt(line.worth) * random.normal(size=DRAWS)
    slopes = line.slope + deviation / np.sqrt(line.spread) * random.normal(size=DRAWS)
    groups = np.array_split(np.sort(values), min(GROUPS, values.size))
    at, sizes = np.array([group.mean() for group in groups]), np.array([group.size for group in groups])
    ends = heights[:, None] + slopes[:, None] * (at - line.centre)
    order = np.argsort(line.residuals)
    share = np.append(0.0, np.cumsum(line.weights[order])) / line.worth
    below = share[np.searchsorted(line.residuals[order], best - ends, side="right")]
    below[:, at > best] = 0.0
    return np.asarray((sizes * np.log(np.clip(below, 1e-12, 1.0))).sum(axis=1), dtype=np.float64)


def _logit(share: float | Floats) -> Floats:
    return np.asarray(logit(np.clip(share, _MARGIN, 1 - _MARGIN)), dtype=np.float64)
