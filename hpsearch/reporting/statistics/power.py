"""How many images, or seeds, a difference needs to be seen. May import NumPy and SciPy: functions of numbers alone.

docs/report.md gives the rules in words.
"""

import math

from scipy.special import nctdtr, ndtri, stdtrit

from hpsearch.reporting.statistics.comparison import LEVEL

POWER = 0.8
"""How often a difference is to be seen that is there: Cohen's (1988) usual four times in five."""

MOST_SEEDS = 10_000
"""More are not counted exactly."""


def samples_needed(discordant: float, difference: float, level: float = LEVEL, power: float = POWER) -> float:
    """Return how many images McNemar's test needs to see a difference; inf for none (Connor 1987).

    `discordant` is ψ, the share of images that exactly one of two networks gets right, `difference` is δ, how much more
    one gets right than the other, also as a share: n = (z(1−α/2)·√ψ + z(power)·√(ψ − δ²))² / δ².

    >>> round(images_needed(0.2, 0.01))
    15695
    """
    if difference == 0:
        return math.inf
    spread = math.sqrt(max(0.0, discordant - difference**2))
    return ((_z(1 - level / 2) * math.sqrt(discordant) + _z(power) * spread) / difference) ** 2


def difference_seen(discordant: float, samples: int, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest difference that McNemar's test on so many images mostly sees: `images_needed` inverted.

    >>> round(difference_seen(0.2, 15_695), 5)
    0.01
    """
    # n δ² = (a + b√(1 − δ²/ψ))² with a = z(1−α/2)√ψ, b = z(power)√ψ, solved for δ²: a quadratic in √(1 − δ²/ψ).
    a, b = _z(1 - level / 2) * math.sqrt(discordant), _z(power) * math.sqrt(discordant)
    whole = samples * discordant
    root = (-a * b + math.sqrt(max(0.0, (a * b) ** 2 - (b * b + whole) * (a * a - whole)))) / (b * b + whole)
    return math.sqrt(discordant * (1 - max(0.0, root) ** 2))


def seeds_needed(deviation: float, difference: float, level: float = LEVEL, power: float = POWER) -> float:
    """Return how many seeds a paired t test needs to see a difference of means; inf for none or more than 10,000.

    `deviation` is the standard deviation of the differences seed by seed. The power is exact, from the noncentral t.

    >>> seeds_needed(0.01, 0.01)
    10
    """
    if difference == 0:
        return math.inf
    effect = abs(difference) / deviation
    low, high = 1, 2
    while _power_of_t(effect, high, level) < power:
        low, high = high, 2 * high
        if low > MOST_SEEDS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power_of_t(effect, middle, level) >= power else (middle, high)
    return high


def _power_of_t(effect: float, seeds: int, level: float) -> float:
    """Return how often a two-sided paired t test over so many seeds sees a difference of `effect` deviations."""
    bound = float(stdtrit(seeds - 1, 1 - level / 2))
    centre = effect * math.sqrt(seeds)
    return float(1 - nctdtr(seeds - 1, centre, bound) + nctdtr(seeds - 1, centre, -bound))


def _z(share: float) -> float:
    return float(ndtri(share))
