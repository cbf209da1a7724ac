"""The accuracy of the best of many configurations, corrected for selection bias by the bootstrap (BBC-CV).

May import NumPy and our intervals.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.statistics.intervals import wilson_interval

RESAMPLES = 1_000
"""The number of bootstrap samples."""

FEWEST_SAMPLES = 20
"""With fewer samples there is no correction: too few would be out of the bag."""

_OUT_OF_REACH = 7.0
"""A configuration so many standard deviations behind the best wins in no bag, and is skipped."""

_CELLS = 2_000_000
"""The most numbers of a matrix that are converted to float32 at a time: 8 MB."""


@dataclass(frozen=True)
class BiasCorrection:
    """The accuracy of the configuration with the highest one: as measured, and corrected for selection bias."""

    configurations: int
    samples: int
    raw: float
    corrected: float
    low: float  # the 95% interval of the corrected accuracy
    high: float
    chosen_again: float  # the share of bootstrap samples in which the same configuration is the best

    @property
    def selection_bias(self) -> float:
        """The difference of raw and corrected accuracy, as a share."""
        return self.raw - self.corrected


def correct_selection_bias(
    configurations: Iterable[NDArray[np.uint8]], replicates: int = 1, resamples: int = RESAMPLES, seed: int = 0
) -> BiasCorrection | None:
    """Return the bootstrap bias corrected accuracy (BBC-CV) of Tsamardinos, Greasidou & Borboudakis (2018).

    Each of `configurations`, the best first, is (samples,): how many of its `replicates` predict a sample correctly.
    Each bootstrap sample (a bag) draws the samples with replacement. The configuration with the highest accuracy on the
    bag is chosen, at random among equals, and evaluated on the samples out of the bag, which had no influence on the
    choice. The corrected accuracy is the mean over the bags. The same input gives the same bits, because all sums are
    of whole numbers. None with fewer than 20 samples or two configurations.
    """
    iterator = iter(configurations)
    first = next(iterator, None)
    if first is None or first.size < FEWEST_SAMPLES:
        return None
    bags = _bags(first.size, resamples, seed)
    most = np.full(resamples, -1.0)
    winner = np.zeros(resamples, dtype=np.int64)
    outside = np.zeros(resamples)
    number = candidates = 0
    rest = chain([first], iterator)
    while block := list(islice(rest, max(1, _CELLS // first.size))):
        correct = np.stack(block)
        number += len(correct)
        correct = correct[_can_win(first, correct)].astype(np.float32)
        if len(correct):
            _update_winners(correct, candidates, bags, most, winner, outside)
        candidates += len(correct)
    if number < 2:
        return None
    shares = outside / replicates
    raw, chosen_again = float(first.mean()) / replicates, float(np.mean(winner == 0))
    return BiasCorrection(number, first.size, raw, float(shares.mean()), *_interval(shares, first.size), chosen_again)


def _interval(shares: NDArray[np.float64], samples: int) -> tuple[float, float]:
    """Return the 95% interval of the mean of `shares`, (resamples,), each an accuracy on one bag's left-out samples.

    It is Wilson's interval, which stays within 0 and 1, with the effective sample size that their variance implies. A
    bag leaves out m = n(1 − 1/n)ⁿ of the n samples, and the mean of m drawn from n deviates √(n/m − 1) = 1.31 times as
    far from the mean of all n as that one deviates from the true value, so the variance is divided by n/m − 1.
    """
    left_out = samples * (1 - 1 / samples) ** samples
    variance = float(shares.var()) / (samples / left_out - 1)
    corrected = float(shares.mean())
    effective = corrected * (1 - corrected) / variance if variance > 0 else float(samples)
    return wilson_interval(corrected * effective, effective)


def _can_win(best: NDArray[np.uint8], correct: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which of a block of configurations, (configurations, samples), can be ahead of the best in any bag."""
    behind = best.astype(np.int16) - correct
    return np.asarray(behind.sum(axis=1) <= _OUT_OF_REACH * np.sqrt((behind.astype(np.int32) ** 2).sum(axis=1)))


def _bags(samples: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each bag has each sample: (resamples, samples)."""
    generator = np.random.default_rng([seed, samples])
    bags = np.empty((resamples, samples), dtype=np.uint8)
    for bag in bags:
        bag[:] = np.bincount(generator.integers(0, samples, size=samples), minlength=samples)
    return bags


def _update_winners(
    correct: NDArray[np.float32],
    number: int,
    bags: NDArray[np.uint8],
    most: NDArray[np.float64],
    winner: NDArray[np.int64],
    outside: NDArray[np.float64],
) -> None:
    """Update each bag's winner with one block of configurations, the first of which has the index `number`."""
    generator = np.random.default_rng([len(bags), number])
    rows = max(1, _CELLS // correct.shape[1])
    for start in range(0, len(bags), rows):
        held = bags[start : start + rows]
        # Scores are whole numbers, so a random fraction added to each decides between equal ones only.
        fractions = 0.99 * generator.random((len(correct), len(held)), dtype=np.float32)
        scores = correct @ held.astype(np.float32).T + fractions
        best = scores.argmax(axis=0)
        highest = scores[best, np.arange(len(held))]
        better = np.flatnonzero(highest > most[start : start + rows])
        most[start + better], winner[start + better] = highest[better], number + best[better]
        out_of_bag = held[better] == 0
        outside[start + better] = np.einsum("ij,ij->i", correct[best[better]], out_of_bag) / out_of_bag.sum(axis=1)
