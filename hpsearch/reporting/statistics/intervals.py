"""Confidence intervals for an accuracy and for a difference of two accuracies. May import NumPy and SciPy."""

import math

from scipy.special import ndtri

Interval = tuple[float, float, float]
"""An estimate, and the lower and upper bound of its 95% interval."""


def wilson_interval(successes: float, samples: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of Wilson (1927) for a proportion: (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n).

    Both may be fractional: a mean over replicates, an effective number of samples.

    >>> low, high = wilson_interval(5173, 10_000)
    >>> f"{low:.4f} {high:.4f}"
    '0.5075 0.5271'
    """
    assert samples > 0, "an accuracy over no samples has no interval"
    share = successes / samples
    z = float(ndtri(0.5 + confidence / 2))
    centre = share + z * z / (2 * samples)
    half = z * math.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2)
    scale = 1 + z * z / samples
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def difference_interval(first: Interval, second: Interval) -> Interval:
    """Return the difference of two independent estimates with its interval, from theirs (Newcombe 1998, method 10).

    >>> "{:.3f} {:.3f} {:.3f}".format(*difference_interval((0.52, 0.50, 0.54), (0.51, 0.50, 0.52)))
    '0.010 -0.012 0.032'
    """
    (one, one_low, one_high), (two, two_low, two_high) = first, second
    below, above = math.hypot(one - one_low, two_high - two), math.hypot(one_high - one, two - two_low)
    return one - two, one - two - below, one - two + above
