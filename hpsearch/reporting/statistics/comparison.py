"""How sure a ranking is: intervals for an accuracy, tests between networks on the same images, seeds or folds.

May import NumPy and SciPy: functions of counts and of boolean arrays, which know nothing of studies or tables.
docs/report.md gives the rules in words.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri, stdtr, stdtrit

LEVEL = 0.05
"""Chance that we allow, over a whole table, of calling any trial worse than the best when it is not."""


def wilson_interval(successes: float, samples: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of Wilson (1927) for a proportion: (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n).

    Both may be fractional, as the mean over replicates is, or the number of images that an estimate is worth.

    >>> low, high = wilson_interval(5173, 10_000)
    >>> f"{low:.4f} {high:.4f}"
    '0.5075 0.5271'
    """
    assert samples > 0, "an accuracy over no images has no interval"
    share = successes / samples
    z = float(ndtri(0.5 + confidence / 2))
    centre = share + z * z / (2 * samples)
    half = z * math.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2)
    scale = 1 + z * z / samples
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


Interval = tuple[float, float, float]
"""An estimate, and the lower and upper bound of its 95% interval."""


def difference_interval(first: Interval, second: Interval) -> Interval:
    """Return the difference of two independent estimates with its interval, from theirs (Newcombe 1998, method 10).

    >>> "{:.3f} {:.3f} {:.3f}".format(*difference_interval((0.52, 0.50, 0.54), (0.51, 0.50, 0.52)))
    '0.010 -0.012 0.032'
    """
    (one, one_low, one_high), (two, two_low, two_high) = first, second
    below, above = math.hypot(one - one_low, two_high - two), math.hypot(one_high - one, two - two_low)
    return one - two, one - two - below, one - two + above


def mcnemar_exact(only_first: ArrayLike, only_second: ArrayLike) -> NDArray[np.float64]:
    """Return two-sided p-values of McNemar's (1947) test in its exact form.

    Of the images that exactly one of two networks gets right, `only_first` and `only_second` are how many each gets
    right: arrays of one shape, the result's. Without a difference each such image is a fair coin; p is the binomial
    chance of a split at least as uneven, 1 where there is no such image.
    """
    first, second = np.asarray(only_first), np.asarray(only_second)
    tail = bdtr(np.minimum(first, second), first + second, 0.5)
    return np.asarray(np.minimum(1.0, 2.0 * tail), dtype=np.float64)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Holm's (1979) step-down method, in the order given.

    The i-th smallest of m is multiplied by m − i + 1; none may be smaller than the one before it, or above 1. Calling
    those below 5% different errs anywhere in the table with at most 5% chance, whatever their dependence.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


@dataclass(frozen=True)
class Comparison:
    """One trial against the best of its table."""

    only_best: int  # images that only the best gets right
    only_this: int  # images that only this one gets right
    p: float  # exact McNemar, adjusted over the table by Holm

    @property
    def tied(self) -> bool:
        """Whether this trial cannot be told from the best."""
        return tied(self.p)


def tied(p: float) -> bool:
    """Whether an adjusted p-value leaves open which of two is better."""
    return p > LEVEL


def compare_with_best(best: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> list[Comparison]:
    """Compare each of `others` with `best`; all are boolean arrays (images,): which images each gets right."""
    only_best = np.array([np.count_nonzero(best & ~other) for other in others], dtype=np.int64)
    only_this = np.array([np.count_nonzero(other & ~best) for other in others], dtype=np.int64)
    adjusted = holm(mcnemar_exact(only_best, only_this))
    rows = zip(only_best.tolist(), only_this.tolist(), adjusted.tolist(), strict=True)
    return [Comparison(b, c, p) for b, c, p in rows]


@dataclass(frozen=True)
class Spread:
    """How the mean over replicates varies: its variance is `factor` times that of the single values.

    1/n for n seeds. For k folds, which share training images, 1/k + n_test/n_train (Nadeau & Bengio 2003). No standard
    deviation counts as less than `resolution`, what one image is worth: a few accuracies can agree to the image by
    chance, which is no proof that they always will.
    """

    factor: float
    resolution: float

    def interval(self, values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
        """Return Student's interval for the mean of at least two shares, x̄ ± t·s·√factor, within 0 and 1."""
        mean, error = self._error(values)
        half = float(stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
        return max(0.0, mean - half), min(1.0, mean + half)

    def compare(self, first: Sequence[float], second: Sequence[float]) -> float:
        """Compare two configurations by a paired t test over at least two replicates; return its two-sided p, not adjusted.

        The values of one replicate, that is of one seed or fold, stand at the same place in both sequences.
        """
        mean, error = self._error([a - b for a, b in zip(first, second, strict=True)])
        return 2 * float(stdtr(len(first) - 1, -abs(mean) / error))

    def _error(self, values: Sequence[float]) -> tuple[float, float]:
        """Return the mean and its standard error."""
        deviation = max(statistics.stdev(values), self.resolution)
        return statistics.fmean(values), deviation * math.sqrt(self.factor)
