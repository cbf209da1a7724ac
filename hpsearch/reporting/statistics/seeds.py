"""How much an accuracy varies with the seed, beside the samples. May import NumPy and SciPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri


@dataclass(frozen=True)
class SeedVariance:
    """The variance of an accuracy over seeds on any samples, and the degrees of freedom of its estimate."""

    variance: float
    degrees: int
    measured: float | None = None  # that of the accuracies on the samples there were
    of_samples: float = 0.0  # the part of it that more samples would not have

    def likely(self) -> list[float]:
        """Return equally probable values of the true variance, given this estimate.

        The measured variance, with the samples' part, has a scaled inverse χ² distribution.
        """
        measured = self.variance + self.of_samples if self.measured is None else self.measured
        found = measured * self.degrees / chdtri(self.degrees, np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
        return [max(0.0, float(each)) for each in found - self.of_samples]

    @classmethod
    def pooled(cls, groups: Sequence[Sequence[NDArray[np.bool_]]]) -> "SeedVariance | None":
        """Return the variance that seeds add to the samples', pooled over groups of networks that differ in the seed.

        A network is given as which samples it classifies correctly. The measured accuracies of networks on the same n
        samples also differ because each network errs on other samples: that part, the variance between the networks
        within a sample divided by n, is subtracted. None without two networks that differ in the seed alone.
        """
        squares = within = 0.0
        degrees = 0
        for networks in groups:
            if len(networks) < 2:
                continue
            correct = np.stack(networks)
            extra = len(networks) - 1
            squares += extra * float(correct.mean(axis=1).var(ddof=1))
            within += extra * float(correct.var(axis=0, ddof=1).mean()) / correct.shape[1]
            degrees += extra
        if not degrees:
            return None
        return cls(max(0.0, squares - within) / degrees, degrees, squares / degrees, within / degrees)


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
