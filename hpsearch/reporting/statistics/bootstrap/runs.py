"""A trial as a choice among epochs: what each validation sample adds to its score at each epoch that may be chosen.

Of the accuracy that is a bit a sample, of another metric a contribution (see `contributions`): on a bootstrap sample
the metric is about the mean of the contributions there, of means exactly so. May import NumPy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUT_OF_REACH = 7.0
"""A configuration so many standard deviations behind the best wins in no bag, and is skipped."""

_UNUSUAL = 4.0
"""Contributions that vary so many times as much as usual are those of a network with a few huge ones."""

_EPOCH_OUT_OF_REACH = 5.0
"""The same of an epoch behind the best one of its trial: there are fewer of them."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Which samples one trial classifies correctly at each epoch that it can be chosen by, np.packbits (epochs, bytes).

    `chosen` is the epoch that it was chosen by.
    """

    correct: NDArray[np.uint8]
    chosen: int = 0

    @classmethod
    def of(cls, correct: NDArray[np.bool_], chosen: int | None = None) -> "Run":
        """Pack the correct predictions (epochs, samples); the chosen epoch is the first of the best, if not given."""
        best = int(correct.sum(axis=1).argmax()) if chosen is None else chosen
        return cls(np.packbits(correct, axis=1), best)

    @property
    def epochs(self) -> int:
        """How many epochs it could be chosen by."""
        return len(self.correct)

    def rows(self, samples: int) -> NDArray[np.uint8]:
        """Return what each sample adds to the score, (epochs, samples)."""
        return np.unpackbits(self.correct, axis=1, count=samples)

    def at_chosen(self, samples: int) -> NDArray[np.uint8]:
        """Return the same at the epoch that it was chosen by, (samples,)."""
        return np.unpackbits(self.correct[self.chosen], count=samples)

    def within_reach(self) -> "Run":
        """Leave out the epochs that are the best in no bag."""
        if len(self.correct) == 1:
            return self
        chosen = self.correct[self.chosen]
        only_chosen = np.bitwise_count(chosen & ~self.correct).sum(axis=1, dtype=np.int64)
        only_other = np.bitwise_count(~chosen & self.correct).sum(axis=1, dtype=np.int64)
        near = only_chosen - only_other <= _EPOCH_OUT_OF_REACH * np.sqrt(only_chosen + only_other)
        near[self.chosen] = True
        return Run(self.correct[near], int(np.count_nonzero(near[: self.chosen])))


@dataclass(frozen=True)
class Valued:
    """The contributions of the samples to the score of one trial at each epoch that it can be chosen by.

    A higher score is better. The rows are (epochs, samples); `chosen` is the epoch that it was chosen by. To a score
    that is `bounded`, below and above, no contribution is huge.
    """

    values: NDArray[np.floating]
    chosen: int = 0
    bounded: bool = False

    @classmethod
    def of(cls, values: NDArray[np.floating], chosen: int | None = None, *, bounded: bool = False) -> "Valued":
        """Take contributions (epochs, samples); the chosen epoch is the first of the best, if not given."""
        best = int(values.mean(axis=1, dtype=np.float64).argmax()) if chosen is None else chosen
        return cls(np.asarray(values, np.float32), best, bounded)

    @property
    def epochs(self) -> int:
        """How many epochs it could be chosen by."""
        return len(self.values)

    def rows(self, _samples: int) -> NDArray[np.floating]:
        """Return what each sample adds to the score, (epochs, samples)."""
        return self.values

    def at_chosen(self, _samples: int) -> NDArray[np.floating]:
        """Return the same at the epoch that it was chosen by, (samples,)."""
        return np.asarray(self.values[self.chosen])

    def within_reach(self) -> "Valued":
        """Leave out the epochs that are the best in no bag."""
        if len(self.values) == 1:
            return self
        chosen = self.values[self.chosen].astype(np.float64)
        behind = chosen - self.values
        spread = np.sqrt(np.square(behind).sum(axis=1))
        if not self.bounded:
            spread = np.minimum(spread, _UNUSUAL * _of_two(chosen))
        near = behind.sum(axis=1) <= _EPOCH_OUT_OF_REACH * spread
        near[self.chosen] = True
        return Valued(self.values[near], int(np.count_nonzero(near[: self.chosen])), self.bounded)


def _of_two(values: Floats) -> float:
    """Return the root of the sum of squared differences of two networks that vary so and have nothing in common."""
    return max(float(np.sqrt(2 * np.square(values - values.mean()).sum())), 1e-9 * float(np.abs(values).sum()))


AnyRun = Run | Valued


def counted(run: AnyRun) -> bool:
    """Whether its score is a share of samples."""
    return isinstance(run, Run)


def _bounded(run: AnyRun) -> bool:
    """Whether no contribution to its score is huge."""
    return isinstance(run, Run) or run.bounded


def score(runs: Sequence[AnyRun], samples: int) -> float:
    """Return the mean score of a configuration's runs at the epochs that they were chosen by."""
    total = sum(float(run.at_chosen(samples).sum(dtype=np.float64)) for run in runs)
    return total / (samples * len(runs))


def sums(runs: Sequence[AnyRun], samples: int, *, folds: bool) -> Floats:
    """Return what each sample adds to the score over all runs, at the epochs that they were chosen by."""
    each = [run.at_chosen(samples) for run in runs]
    return np.asarray(np.concatenate(each) if folds else np.sum(each, axis=0, dtype=np.float64), dtype=np.float64)


def reachable(configurations: Sequence[Sequence[AnyRun]], samples: int, *, folds: bool) -> list[int]:
    """Return the places of the configurations that can be ahead of the first, the best, in any bag.

    A network of which a few contributions are huge would be ahead in each bag without these. The search did not choose
    it, and the one that it chose is no worse for that: it is left out.
    """
    best = sums(configurations[0], samples, folds=folds)
    gap, spread = np.zeros(len(configurations)), np.zeros(len(configurations))
    for place, runs in enumerate(configurations[1:], start=1):
        behind = best - sums(runs, samples, folds=folds)
        gap[place], spread[place] = behind.sum(), np.sqrt(np.square(behind).sum())
    if not _bounded(configurations[0][0]):
        spread = np.minimum(spread, _UNUSUAL * _of_two(best))
    return np.flatnonzero(gap <= OUT_OF_REACH * spread).tolist()


def usual_range(contributions: Iterable[NDArray[Any]]) -> float:
    """Return by how much the contributions of samples to a score usually differ: the median over networks.

    Those to a perfect score are all equal and do not count; where all are perfect it is 1, as of a share of samples.
    """
    ranges = [float(np.ptp(each)) for each in contributions]
    return float(np.median([each for each in ranges if each > 0] or [1.0]))


def noise(configurations: Sequence[Sequence[AnyRun]], samples: int, *, folds: bool) -> Floats:
    """Return the standard deviation of each configuration's score beside what all of them have in common.

    Those that vary much more than usual, as a network whose errors are huge does, are no part of what is in common.
    """
    runs, size = len(configurations[0]), samples * (len(configurations[0]) if folds else 1)
    best = sums(configurations[0], samples, folds=folds)
    usual = np.ones(len(configurations), np.bool_)
    if not _bounded(configurations[0][0]):
        spread = np.array([(sums(each, samples, folds=folds) - best).std() for each in configurations])
        usual = spread <= _UNUSUAL * np.median(spread)
    number = int(usual.sum())
    total = np.zeros(size)
    for each in (each for each, kept in zip(configurations, usual, strict=True) if kept):
        total += sums(each, samples, folds=folds)
    found = np.empty(len(configurations))
    for place, each in enumerate(configurations):
        residual = sums(each, samples, folds=folds) - total / number
        found[place] = residual.var() * (number / max(1, number - 1) if usual[place] else 1.0)
    least = 0.5 / size  # half a sample that one of two classifies correctly
    if not _bounded(configurations[0][0]):
        least = max(least * float(best.var()), (1e-9 * (float(np.abs(best).max()) or 1.0)) ** 2)
    elif not counted(configurations[0][0]):
        # A perfect score varies as much as others: that no sample lowers it is chance.
        size_of_one = usual_range(run.at_chosen(samples) for each in configurations for run in each)
        least = max(least * size_of_one**2, float(np.median(found)))
    return np.asarray(np.sqrt(np.maximum(found, least) / size) / (1 if folds else runs))
