"""How much an accuracy varies with the seed, beside the samples. May import NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SeedVariance:
    """The variance of an accuracy over seeds on any samples, and the degrees of freedom of its estimate."""

    variance: float
    degrees: int

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
        return cls(max(0.0, squares - within) / degrees, degrees) if degrees else None


def pool(first: SeedVariance | None, second: SeedVariance | None) -> SeedVariance | None:
    """Return both estimates as one, each weighted by its degrees of freedom."""
    if first is None or second is None:
        return first or second
    degrees = first.degrees + second.degrees
    weighted = first.degrees * first.variance + second.degrees * second.variance
    return SeedVariance(weighted / degrees, degrees)
