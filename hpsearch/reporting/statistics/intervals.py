"""Confidence intervals for an accuracy, other bounded scores, and a difference of two. May import NumPy and SciPy."""

import math
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Bounds:
    """The lowest and the highest score that a metric can have; infinite where there is none."""

    low: float = -math.inf
    high: float = math.inf

    @property
    def both(self) -> bool:
        """Whether there are both, as of a share of samples."""
        return math.isfinite(self.high - self.low)

    @property
    def width(self) -> float:
        """The distance between them."""
        return self.high - self.low

    def most_variance(self, mean: float) -> float:
        """Return the largest variance that values within both bounds can have (Bhatia & Davis 2000)."""
        return max(0.0, (mean - self.low) * (self.high - mean))

    def clip(self, low: float, high: float) -> tuple[float, float]:
        """Cut an interval to possible scores."""
        return max(self.low, low), min(self.high, high)

    def interval(self, mean: float, variance: float, samples: float, confidence: float = 0.95) -> tuple[float, float]:
        """Return Wilson's interval between both bounds, with the effective sample size that the variance implies.

        Where all samples contribute alike it is that of `samples`, so that a perfect score is not certain.
        """
        effective = self.most_variance(mean) / variance if variance > 0 else 0.0
        effective = max(1.0, effective or float(samples))
        share = min(1.0, max(0.0, (mean - self.low) / self.width))
        low, high = wilson_interval(share * effective, effective, confidence)
        return self.low + low * self.width, self.low + high * self.width


SHARE = Bounds(0.0, 1.0)
"""The bounds of a share of samples."""


def difference_interval(first: Interval, second: Interval) -> Interval:
    """Return the difference of two independent estimates with its interval, from theirs (Newcombe 1998, method 10).

    >>> "{:.3f} {:.3f} {:.3f}".format(*difference_interval((0.52, 0.50, 0.54), (0.51, 0.50, 0.52)))
    '0.010 -0.012 0.032'
    """
    (one, one_low, one_high), (two, two_low, two_high) = first, second
    below, above = math.hypot(one - one_low, two_high - two), math.hypot(one_high - one, two - two_low)
    return one - two, one - two - below, one - two + above
