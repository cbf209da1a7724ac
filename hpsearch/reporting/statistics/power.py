"""Statistical power: how many samples, or seeds, a test needs to detect a difference. May import NumPy, SciPy."""

import math

import numpy as np
from scipy.special import nctdtr, ndtri, stdtrit

from hpsearch.reporting.statistics.tests import LEVEL

POWER = 0.8
"""The probability of detecting a true difference: the usual 80% of Cohen (1988)."""

_RESAMPLES = 2_000
"""How many bootstrap samples a range rests on."""

MAX_SEEDS = 10_000
"""A larger number of seeds is given as infinite."""


def samples_needed(discordant: float, difference: float, level: float = LEVEL, power: float = POWER) -> float:
    """Return the number of samples with which McNemar's test detects a difference (Connor 1987); inf for none.

    `discordant` is ψ, the share of samples that exactly one of two networks predicts correctly; `difference` is δ, the
    difference of their accuracies: n = (z(1−α/2)·√ψ + z(power)·√(ψ − δ²))² / δ².

    >>> round(samples_needed(0.2, 0.01))
    15695
    """
    if difference == 0:
        return math.inf
    spread = math.sqrt(max(0.0, discordant - difference**2))
    return ((_z(1 - level / 2) * math.sqrt(discordant) + _z(power) * spread) / difference) ** 2


def samples_needed_range(only_best: int, only_other: int, samples: int, seed: int = 0) -> tuple[float, float]:
    """Return the 5% and 95% quantiles of `samples_needed` over bootstrap samples; inf where one shows no difference.

    `only_best` and `only_other` are how many of the samples only the best and only the other classifies correctly.
    """
    shares = [only_best / samples, only_other / samples, (samples - only_best - only_other) / samples]
    counts = np.random.default_rng([seed, samples]).multinomial(samples, shares, size=_RESAMPLES)
    differences, discordant = (counts[:, 0] - counts[:, 1]) / samples, (counts[:, 0] + counts[:, 1]) / samples
    found = [samples_needed(*pair) if pair[1] > 0 else math.inf for pair in zip(discordant, differences, strict=True)]
    low, high = np.quantile(found, [0.05, 0.95], method="inverted_cdf")
    return float(low), float(high)


def seeds_needed_range(deviation: float, difference: float, seeds: int, seed: int = 0) -> tuple[float, float]:
    """Return the 5% and 95% quantiles of `seeds_needed`, given `deviation` and `difference` of `seeds` seeds.

    Both are drawn from their distribution: the variance from the scaled inverse χ², the mean from the normal.
    """
    generator = np.random.default_rng([seed, seeds])
    deviations = deviation * np.sqrt((seeds - 1) / generator.chisquare(seeds - 1, size=_RESAMPLES))
    differences = difference + deviations / math.sqrt(seeds) * generator.normal(size=_RESAMPLES)
    low, high = (float(each) for each in np.quantile(differences / deviations, [0.05, 0.95], method="inverted_cdf"))
    return seeds_needed(1.0, max(0.0, high)), seeds_needed(1.0, max(0.0, low))


def detectable_difference(discordant: float, samples: int, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest difference that McNemar's test on `samples` samples detects: `samples_needed` inverted.

    >>> round(detectable_difference(0.2, 15_695), 5)
    0.01
    """
    # n δ² = (a + b√(1 − δ²/ψ))² with a = z(1−α/2)√ψ, b = z(power)√ψ, solved for δ²: a quadratic in √(1 − δ²/ψ).
    a, b = _z(1 - level / 2) * math.sqrt(discordant), _z(power) * math.sqrt(discordant)
    total = samples * discordant
    root = (-a * b + math.sqrt(max(0.0, (a * b) ** 2 - (b * b + total) * (a * a - total)))) / (b * b + total)
    return math.sqrt(discordant * (1 - max(0.0, root) ** 2))


def seeds_needed(deviation: float, difference: float, level: float = LEVEL, power: float = POWER) -> float:
    """Return the number of seeds with which a paired t test detects a difference of means; inf for over 10,000.

    `deviation` is the standard deviation of the differences, seed by seed. The power is exact, from the noncentral t
    distribution.

    >>> seeds_needed(0.01, 0.01)
    10
    """
    if difference == 0:
        return math.inf
    effect = abs(difference) / deviation
    low, high = 1, 2
    while _power_of_t(effect, high, level) < power:
        low, high = high, 2 * high
        if low > MAX_SEEDS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power_of_t(effect, middle, level) >= power else (middle, high)
    return high


def _power_of_t(effect: float, seeds: int, level: float) -> float:
    """Return the power of a two-sided paired t test over `seeds` seeds for a difference of `effect` deviations."""
    bound = float(stdtrit(seeds - 1, 1 - level / 2))
    centre = effect * math.sqrt(seeds)
    return float(1 - nctdtr(seeds - 1, centre, bound) + nctdtr(seeds - 1, centre, -bound))


def _z(probability: float) -> float:
    return float(ndtri(probability))
