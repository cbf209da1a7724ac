"""The networks of a configuration, and which configurations are near the best. May import NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAR = 5.0
"""A configuration so many standard errors behind the best is far from it."""


@dataclass(frozen=True)
class Runs:
    """The networks of one configuration: a score for each seed or fold, higher being better.

    `right` has for each of them which validation samples it classifies correctly, or of another metric what each sample
    contributes to the score; () where that is not known.
    """

    scores: tuple[float, ...]
    right: tuple[NDArray[np.bool_] | NDArray[np.floating], ...] = ()
    replicates: tuple[int, ...] = ()  # which folds these are

    @property
    def mean(self) -> float:
        """The mean score."""
        return sum(self.scores) / len(self.scores)

    @property
    def counted(self) -> bool:
        """Whether the score is a share of samples, for which exact tests exist."""
        return bool(self.right) and self.right[0].dtype == np.bool_

    def shares(self, folds: bool) -> NDArray[np.floating]:
        """Return the share of seeds that classify each sample correctly; of folds the samples one after the other.

        Of another metric these are the means of the contributions.
        """
        kind = np.result_type(np.float32, *self.right)
        if folds:
            return np.concatenate(self.right).astype(kind)
        found = self.right[0].astype(kind)
        for each in self.right[1:]:
            found += each
        return found / np.float32(len(self.right))


def near_the_best(shares: Sequence[NDArray[np.floating] | None], best: int = 0) -> list[int]:
    """Return which configurations the samples alone do not show to be worse than the best one, itself among them.

    `shares` has of each what a sample contributes to its mean score, None where that is not known. Those on other
    samples than the best's are not near.
    """
    first = shares[best]
    if first is None:
        return []
    near = []
    for place, share in enumerate(shares):
        if share is not None and share.size == first.size:
            behind = first - share
            if behind.mean() <= FAR * behind.std() / np.sqrt(behind.size):
                near.append(place)
    return near
