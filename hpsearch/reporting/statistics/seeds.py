"""How much a score varies with the seed, beside the samples. May import NumPy, SciPy, moderated variances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from hpsearch.reporting.statistics.comparison.moderated import clearly_smaller
from hpsearch.reporting.statistics.comparison.runs import near_the_best

Samples = NDArray[np.bool_] | NDArray[np.floating]


@dataclass(frozen=True)
class SeedVariance:
    """The variance of a score over seeds on any samples, and the degrees of freedom of its estimate."""

    variance: float
    degrees: int
    measured: float | None = None  # that of the scores on the samples there were
    of_samples: float = 0.0  # the part of it that more samples would not have

    def likely(self) -> list[float]:
        """Return equally probable values of the true variance, given this estimate.

        The measured variance, with the samples' part, has a scaled inverse χ² distribution.
        """
        measured = self.variance + self.of_samples if self.measured is None else self.measured
        found = measured * self.degrees / chdtri(self.degrees, np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
        return [max(0.0, float(each)) for each in found - self.of_samples]

    @classmethod
    def pooled(cls, groups: Sequence[Sequence[Samples]]) -> "SeedVariance | None":
        """Return the variance that seeds add to the samples', pooled over groups of networks that differ in the seed.

        A network is given as which samples it classifies correctly, or what these contribute to its score. The scores
        of networks on the same n samples also differ because each network errs on other samples: that part, the
        variance between the networks within a sample divided by n, is subtracted. Where training is slow or unstable
        seeds often differ more: those far from the best are left out if the variance of those near it is clearly
        smaller. None without two networks that differ in the seed alone.
        """
        several: list[NDArray[Any]] = [np.stack(networks) for networks in groups if len(networks) > 1]
        if not several:
            return None
        degrees = np.array([len(correct) - 1 for correct in several])
        squares = np.array([correct.mean(axis=1, dtype=np.float64).var(ddof=1) for correct in several])
        within = np.array(
            [correct.var(axis=0, ddof=1, dtype=np.float64).mean() / correct.shape[1] for correct in several]
        )
        shares = [correct.mean(axis=0, dtype=np.float64) for correct in several]
        near = near_the_best(shares, int(np.argmax([share.mean() for share in shares])))
        if clearly_smaller(squares, degrees, near):
            degrees, squares, within = degrees[near], squares[near], within[near]
        total = int(degrees.sum())
        measured, of_samples = (float((degrees * each).sum()) / total for each in (squares, within))
        return cls(max(0.0, measured - of_samples), total, measured, of_samples)


def pool(first: SeedVariance | None, second: SeedVariance | None) -> SeedVariance | None:
    """Return both estimates as one, each weighted by its degrees of freedom."""
    if first is None or second is None:
        return first or second
    degrees = first.degrees + second.degrees

    def mean(one: float, two: float) -> float:
        return (first.degrees * one + second.degrees * two) / degrees

    of_samples = mean(first.of_samples, second.of_samples)
    measured = mean(
        *(each.variance + each.of_samples if each.measured is None else each.measured for each in (first, second))
    )
    return SeedVariance(max(0.0, measured - of_samples), degrees, measured, of_samples)
