"""The true scores of many configurations given their measured ones: shrunken, and the probability of being the best.

Empirical Bayes: the distribution of the true scores is estimated from the measured ones. May import NumPy and SciPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

DRAWS = 2_000
"""How often the true scores are drawn from their posterior distribution."""

_Floats = NDArray[np.float64]

_SPREADS = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
"""Standard deviations of the true scores that are considered, as multiples of the noise."""

_SIDES = np.concatenate([[0], *(np.full(len(_SPREADS), side) for side in (0, -1, 1))])
_DEVIATIONS = np.concatenate([[0.0], _SPREADS, _SPREADS, _SPREADS])
"""The components: all true scores equal; normal; only below a common value, half a normal; only above it."""

_EQUAL = 0.2
"""The prior probability that the configurations, but for a few, are equal."""

_SHARES = np.array([1 / 64, 1 / 16, 1 / 4])
"""Shares of the configurations that may come from a second component; besides, one single configuration."""

_CELLS = 1_000_000
"""So many draws are made at a time."""

_CENTRES = 5
"""How many centres of each first component are combined with second ones."""


@dataclass(frozen=True)
class Shrinkage:
    """Given the measured scores: the true scores' means and deviations, and how probably each is the best."""

    mean: _Floats
    deviation: _Floats
    best: _Floats  # the probability that its true score is the highest; equal ones share it
    near: _Floats  # the probability that its true score is at most `rope` below the highest
    log_evidence: float  # of the noise: how probable it makes the measured scores, but for a constant


def shrink(scores: _Floats, deviations: _Floats, draws: int = DRAWS, seed: int = 0, *, rope: float = 0.0) -> Shrinkage:
    """Estimate the true scores behind `scores`, (configurations,), that are measured with noise of `deviations`.

    The true scores are drawn from a common distribution: around a centre μ they are all equal, or normal, or half a
    normal below or above it, and a small share may come from a second such component. All these distributions are
    weighted by how probable they make the measured scores (Stephens 2017 has the components, and maximises instead).
    """
    scale = float(np.median(deviations))
    z, variance = scores / scale, (deviations / scale) ** 2
    centres, log_weights, first, second, shares = _hypotheses(z, variance)
    weights = np.exp(log_weights - log_weights.max())
    evidence = float(log_weights.max() + np.log(weights.sum())) - float(np.log(len(np.unique(centres))))
    generator = np.random.default_rng([seed, len(z)])
    chosen = generator.choice(len(weights), size=draws, p=weights / weights.sum())
    drawn = np.empty((draws, len(z)))
    for rows in np.array_split(np.arange(draws), max(1, draws * len(z) // _CELLS)):
        at = chosen[rows]
        mixture = (first[at], second[at]), shares[at]
        drawn[rows] = centres[at, None] + _draw(generator, z - centres[at, None], variance, *mixture)
    ties = 1e-9 * generator.random(drawn.shape)
    best = np.bincount((drawn + ties).argmax(axis=1), minlength=len(z)) / draws
    near = (drawn >= drawn.max(axis=1, keepdims=True) - rope / scale - 1e-9).mean(axis=0)
    evidence += float(np.log((centres.max() - centres.min()) * scale)) - len(z) * float(np.log(scale))
    return Shrinkage(scale * drawn.mean(axis=0), scale * drawn.std(axis=0), best, near, evidence)


def shrink_over(scores: _Floats, deviations: Sequence[_Floats], draws: int = DRAWS, *, rope: float = 0.0) -> Shrinkage:
    """Return the mean of `shrink` over equally probable noises, weighted by how well each explains the scores."""
    found = [shrink(scores, each, draws, rope=rope) for each in deviations]
    evidence = np.array([each.log_evidence for each in found])
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    mean = weights @ np.stack([each.mean for each in found])
    square = weights @ np.stack([each.deviation**2 + each.mean**2 for each in found])
    deviation = np.sqrt(np.maximum(0.0, square - mean**2))
    best, near = (weights @ np.stack([getattr(each, name) for each in found]) for name in ("best", "near"))
    return Shrinkage(mean, deviation, best, near, float(evidence.max()))


def _hypotheses(z: _Floats, variance: _Floats) -> tuple[_Floats, _Floats, NDArray[np.intp], NDArray[np.intp], _Floats]:
    """Return the hypotheses on the true scores' distribution: centre, log weight, both components, second's share."""
    middle = float(np.median(z))
    step = max(0.1, (float(z.max()) - middle + 2) / 80)
    centres = np.arange(middle - 1, float(z.max()) + 1, step)
    densities = np.stack([_log_densities(z - centre, variance) for centre in centres])  # (centres, z, components)
    alone = densities.sum(axis=1)
    count = len(_DEVIATIONS)
    log_prior = np.log(np.where(_DEVIATIONS == 0, _EQUAL, (1 - _EQUAL) / (count - 1)))
    kept = min(_CENTRES, len(centres))
    best = np.argsort(-alone, axis=0, kind="stable")[:kept]  # (kept, components)
    grid = np.unique(np.append(_SHARES, 1 / len(z))) if len(z) > 2 else np.empty(0)
    found = []
    share = grid[:, None, None, None]
    for one in range(count):
        found.append(_rows(centres, alone[:, one] + log_prior[one], one, one, 0.0))
        if not len(grid):
            continue
        others = np.delete(np.arange(count), one)
        near = densities[best[:, one]]  # (kept, z, components), and below (shares, kept, z, others)
        mixed = np.logaddexp(np.log1p(-share) + near[..., [one]], np.log(share) + near[..., others]).sum(axis=2)
        prior = log_prior[one] - np.log(len(grid) * len(others)) + np.log(len(centres) / kept)
        found.append(_rows(centres[best[:, one]][:, None], mixed + prior, one, others, share[..., 0]))
    centre, log_weights, first, second, shares = np.concatenate(found, axis=1)
    return centre, log_weights, first.astype(np.intp), second.astype(np.intp), shares


def _rows(*columns: Any) -> _Floats:
    """Return hypotheses as an array (columns, hypotheses); single values are repeated."""
    return np.stack(np.broadcast_arrays(*columns)).astype(np.float64).reshape(len(columns), -1)


def _log_densities(distance: _Floats, variance: _Floats) -> _Floats:
    """Return the log density of measured scores at a distance from the centre under each component."""
    return _log_density(distance[:, None], variance[:, None], _DEVIATIONS, _SIDES)


def _log_density(distance: _Floats, variance: _Floats, deviation: _Floats, side: _Floats) -> _Floats:
    """Return the log density of a component and the noise together, but for a constant; half a normal's is skew."""
    total = deviation**2 + variance
    normal = -0.5 * (distance**2 / total + np.log(total))
    half = np.log(2) + log_ndtr(side * distance * deviation / np.sqrt(total * variance))
    return np.asarray(np.where(side == 0, normal, normal + half))


def _draw(
    generator: np.random.Generator,
    distance: _Floats,
    variance: _Floats,
    components: tuple[NDArray[np.intp], NDArray[np.intp]],
    shares: _Floats,
) -> _Floats:
    """Draw the true scores' distances from the centre, (draws, scores), of two components with the second's share."""
    one, two = (
        _log_density(distance, variance, _DEVIATIONS[each][:, None], _SIDES[each][:, None]) for each in components
    )
    with np.errstate(divide="ignore"):
        odds = (np.log(shares) - np.log1p(-shares))[:, None] + two - one
    second = generator.random(distance.shape) < 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
    chosen = np.where(second, components[1][:, None], components[0][:, None])
    deviation, side = _DEVIATIONS[chosen], _SIDES[chosen]
    kept = deviation**2 / (deviation**2 + variance)
    mean, spread = kept * distance, np.sqrt(kept * variance)
    below = np.where(side == 0, 0.0, ndtr(-side * mean / np.where(spread > 0, spread, 1)))  # left out, on its side
    uniform = below + generator.random(chosen.shape) * (1 - below)
    return np.asarray(mean + np.where(side == -1, -1, 1) * spread * ndtri(np.clip(uniform, 1e-300, 1 - 1e-16)))
