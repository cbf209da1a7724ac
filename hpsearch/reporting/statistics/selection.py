"""The accuracy of the best of many configurations and epochs, corrected for selection bias by the bootstrap (BBC-CV).

May import NumPy and our statistics.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.statistics.bags import DRAWN, Bags
from hpsearch.reporting.statistics.intervals import wilson_interval

RESAMPLES = 1_000
"""The number of bootstrap samples, fewer of very many predictions."""

FEWEST_SAMPLES = 20
"""With fewer samples there is no correction: too few would be out of the bag."""

_OUT_OF_REACH = 7.0
"""A configuration so many standard deviations behind the best wins in no bag, and is skipped."""

_EPOCH_OUT_OF_REACH = 5.0
"""The same of an epoch behind the best one of its trial: there are fewer of them."""


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


@dataclass(frozen=True)
class Configurations:
    """The configurations that could have been chosen, those out of reach left out."""

    index: NDArray[np.intp]  # their places among all
    scores: NDArray[np.float64]  # their accuracies, corrected for the choice of their own epochs
    noise: NDArray[np.float64]  # the standard deviations that the samples give to differences of these


@dataclass(frozen=True)
class BiasCorrection:
    """The accuracy of the configuration with the highest one: as measured, and corrected for selection bias."""

    configurations: int
    epochs: int  # the most that a trial of them could have been chosen by
    samples: int
    raw: float
    corrected: float
    low: float  # the 95% interval of the corrected accuracy
    high: float
    of_epochs: float  # the part of the selection bias that comes from the choice of the epoch
    chosen_again: float  # the share of bootstrap samples in which the same configuration is the best
    resamples: int
    within_reach: Configurations = field(compare=False)

    @property
    def selection_bias(self) -> float:
        """The difference of raw and corrected accuracy, as a share."""
        return self.raw - self.corrected


def correct_selection_bias(
    configurations: Sequence[Sequence[Run]],
    samples: int,
    *,
    folds: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BiasCorrection | None:
    """Return the bootstrap bias corrected accuracy (BBC-CV) of Tsamardinos, Greasidou & Borboudakis (2018).

    `configurations`, the best first, each have a run per seed on the same `samples`; or one per fold, with so many
    samples of its own. Each bootstrap sample (a bag) draws samples with replacement. On it each run chooses its epoch,
    then the configuration with the highest accuracy is chosen, at random among equals, and evaluated on the
    samples out of the bag, which had no influence on either choice. The corrected accuracy is the mean over the bags;
    what the bags do to the first configuration at its own epochs, whose accuracy is known, is subtracted. None with
    fewer than 20 samples or two configurations.
    """
    parts = len(configurations[0]) if configurations else 1
    every = samples * parts if folds else samples
    if len(configurations) < 2 or every < FEWEST_SAMPLES:
        return None
    epochs = max(len(run.correct) for runs in configurations for run in runs)
    best = configurations[0]
    near = reachable(configurations, samples, folds=folds)
    kept = [[within_reach(run) for run in configurations[index]] for index in near]
    bags = Bags.draw(samples, parts if folds else 1, [each for runs in kept for each in runs], resamples, seed)
    raw = _accuracy(best, samples)
    chosen = _Choice(bags)
    of_epochs, known = np.empty(len(kept)), np.zeros(0)
    for place, (free, fixed) in enumerate(bags.evaluate(kept, runs_share_samples=not folds)):
        chosen.offer(place, free.inside + _ties(bags, place), free.outside)
        of_epochs[place] = float((fixed.outside - free.outside).mean())
        if place == 0:
            known = fixed.outside
    corrected = min(1.0, max(0.0, raw + float((chosen.outside - known).mean())))
    low, high = _interval(corrected, chosen.outside, every)
    scores = np.array([_accuracy(configurations[index], samples) for index in near]) - of_epochs
    noise = _noise([configurations[index] for index in near], samples, folds=folds)
    return BiasCorrection(
        configurations=len(configurations),
        epochs=epochs,
        samples=every,
        raw=raw,
        corrected=corrected,
        low=low,
        high=high,
        of_epochs=float(of_epochs[chosen.winner].mean()),
        chosen_again=float(np.mean(chosen.winner == 0)),
        resamples=bags.number,
        within_reach=Configurations(np.array(near), scores, noise),
    )


class _Choice:
    """The best configuration of each bag, of those offered so far."""

    def __init__(self, bags: Bags) -> None:
        self._most = np.full(bags.number, -1.0)
        self.winner = np.zeros(bags.number, dtype=np.int64)
        self.outside = np.zeros(bags.number)  # its accuracy on the samples left out

    def offer(self, place: int, inside: NDArray[np.float64], outside: NDArray[np.float64]) -> None:
        better = inside > self._most
        self._most[better], self.winner[better], self.outside[better] = inside[better], place, outside[better]


def _ties(bags: Bags, place: int) -> NDArray[np.float64]:
    """Return what decides between equal configurations: scores are whole numbers, so it decides nothing else."""
    return 0.99 * np.random.default_rng([bags.number, place]).random(bags.number)


def _interval(corrected: float, shares: NDArray[np.float64], samples: int) -> tuple[float, float]:
    """Return the 95% interval of the corrected accuracy, from the `shares` of the bags' left-out samples.

    It is Wilson's interval, which stays within 0 and 1, with the effective sample size that their variance implies. A
    bag leaves out m = n(1 − 1/n)^(2n) of the n samples, and the mean of m drawn from n deviates √(n/m − 1) times as far
    from the mean of all n as that one deviates from the true value, so the variance is divided by n/m − 1.
    """
    left_out = samples * (1 - 1 / samples) ** (DRAWN * samples)
    variance = float(shares.var()) / (samples / left_out - 1)
    effective = corrected * (1 - corrected) / variance if variance > 0 else float(samples)
    return wilson_interval(corrected * effective, max(1.0, effective))


def _accuracy(runs: Sequence[Run], samples: int) -> float:
    right = sum(int(np.bitwise_count(run.correct[run.chosen]).sum()) for run in runs)
    return right / (samples * len(runs))


def reachable(configurations: Sequence[Sequence[Run]], samples: int, *, folds: bool) -> list[int]:
    """Return the places of the configurations that can be ahead of the first, the best, in any bag."""
    best, near = _counts(configurations[0], samples, folds=folds), []
    for place, runs in enumerate(configurations):
        behind = best - _counts(runs, samples, folds=folds)
        if behind.sum() <= _OUT_OF_REACH * np.sqrt(np.square(behind, dtype=np.int32).sum()):
            near.append(place)
    return near


def _counts(runs: Sequence[Run], samples: int, *, folds: bool) -> NDArray[np.int16]:
    """Return how many runs classify each sample correctly at the epochs they were chosen by."""
    right = [np.unpackbits(run.correct[run.chosen], count=samples) for run in runs]
    return np.asarray(np.concatenate(right) if folds else np.sum(right, axis=0), dtype=np.int16)


def within_reach(run: Run) -> Run:
    """Leave out the epochs of a run that are the best in no bag."""
    if len(run.correct) == 1:
        return run
    chosen = run.correct[run.chosen]
    only_chosen = np.bitwise_count(chosen & ~run.correct).sum(axis=1, dtype=np.int64)
    only_other = np.bitwise_count(~chosen & run.correct).sum(axis=1, dtype=np.int64)
    near = only_chosen - only_other <= _EPOCH_OUT_OF_REACH * np.sqrt(only_chosen + only_other)
    near[run.chosen] = True
    return Run(run.correct[near], int(np.count_nonzero(near[: run.chosen])))


def _noise(configurations: Sequence[Sequence[Run]], samples: int, *, folds: bool) -> NDArray[np.float64]:
    """Return the standard deviation of each configuration's accuracy beside what all of them have in common."""
    runs, number = len(configurations[0]), len(configurations)
    size = samples * (runs if folds else 1)
    total = np.zeros(size)
    for each in configurations:
        total += _counts(each, samples, folds=folds)
    found = np.empty(number)
    for place, each in enumerate(configurations):
        residual = _counts(each, samples, folds=folds) - total / number
        found[place] = residual.var() * number / max(1, number - 1)
    least = 0.5 / size  # half a sample that one of two classifies correctly
    return np.asarray(np.sqrt(np.maximum(found, least) / size) / (1 if folds else runs))
