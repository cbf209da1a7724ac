"""What the best of many configurations is worth, once its score no longer profits from having been chosen for that score.

May import NumPy and our statistics: functions of which images each configuration gets right, which know nothing of studies
or tables. docs/report.md gives the rules in words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.statistics.comparison import wilson_interval

RESAMPLES = 1_000
"""How often the choice is repeated on resampled images."""

FEWEST_SAMPLES = 20
"""Fewer are not resampled: too few would be left out of a bag to score its winner on."""

_HOPELESS = 7.0
"""A configuration that would have to be luckier than so many standard deviations in a bag to beat the best wins in none."""

_CELLS = 2_000_000
"""So many numbers of a matrix are expanded to float32 at a time: 8 MB."""


@dataclass(frozen=True)
class Chosen:
    """The winner of a choice by accuracy: its accuracy as measured, and as a fresh sample of images would show it."""

    configurations: int
    samples: int
    raw: float
    corrected: float
    low: float  # its 95% interval
    high: float
    again: float  # the share of resamples in which the same configuration wins

    @property
    def selection_bias(self) -> float:
        """How much of the raw accuracy is due to the choice, as a share."""
        return self.raw - self.corrected


def correct_for_choosing(
    configurations: Iterable[NDArray[np.uint8]], replicates: int = 1, resamples: int = RESAMPLES, seed: int = 0
) -> Chosen | None:
    """Return the bootstrap bias corrected accuracy (BBC-CV) of Tsamardinos, Greasidou & Borboudakis (2018).

    Each of `configurations`, the best first, is (images,): how many of its `replicates` get an image right; all on the same
    images. In every resample the images are drawn with replacement, the configuration with the highest accuracy on that bag
    is chosen, of equals one at random, and scored on the images that the bag lacks, which had no part in its choice.
    The mean of these scores is the corrected accuracy. The same input gives the same bits: all sums are of whole
    numbers. None where there are too few images, or fewer than two configurations to choose from.
    """
    iterator = iter(configurations)
    first = next(iterator, None)
    if first is None or first.size < FEWEST_SAMPLES:
        return None
    bags = _bags(first.size, resamples, seed)
    most = np.full(resamples, -1.0)
    winner = np.zeros(resamples, dtype=np.int64)
    outside = np.zeros(resamples)
    number = contested = 0
    rest = chain([first], iterator)
    while block := list(islice(rest, max(1, _CELLS // first.size))):
        right = np.stack(block)
        number += len(right)
        right = right[_has_a_chance(first, right)].astype(np.float32)
        if len(right):
            _contest(right, contested, bags, most, winner, outside)
        contested += len(right)
    if number < 2:
        return None
    shares = outside / replicates
    raw, again = float(first.mean()) / replicates, float(np.mean(winner == 0))
    return Chosen(number, first.size, raw, float(shares.mean()), *_interval(shares, first.size), again)


def _interval(shares: NDArray[np.float64], samples: int) -> tuple[float, float]:
    """Return the 95% interval of the mean of `shares`, (resamples,), each scored on what one bag left out.

    Its width is their spread; its shape is Wilson's, which stays within 0 and 1 where percentiles do badly. A bag
    leaves out m = n(1 − 1/n)ⁿ of the n images, and the mean of so many drawn from n strays √(n/m − 1) = 1.31 times as
    far from the mean of all n as that one strays from the truth: percentiles taken as they are would be too wide.
    """
    left = samples * (1 - 1 / samples) ** samples
    variance = float(shares.var()) / (samples / left - 1)
    corrected = float(shares.mean())
    worth = corrected * (1 - corrected) / variance if variance > 0 else float(samples)
    return wilson_interval(corrected * worth, worth)


def _has_a_chance(best: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which of a block of configurations, (configurations, images), could be ahead of the best in any bag."""
    behind = best.astype(np.int16) - right
    return np.asarray(behind.sum(axis=1) <= _HOPELESS * np.sqrt((behind.astype(np.int32) ** 2).sum(axis=1)))


def _bags(samples: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each bag holds each image: (resamples, images)."""
    generator = np.random.default_rng([seed, samples])
    bags = np.empty((resamples, samples), dtype=np.uint8)
    for bag in bags:
        bag[:] = np.bincount(generator.integers(0, samples, size=samples), minlength=samples)
    return bags


def _contest(
    right: NDArray[np.float32],
    number: int,
    bags: NDArray[np.uint8],
    most: NDArray[np.float64],
    winner: NDArray[np.int64],
    outside: NDArray[np.float64],
) -> None:
    """Let the configurations of one block, whose first is the number-th, challenge the winner of each bag so far."""
    generator = np.random.default_rng([len(bags), number])
    rows = max(1, _CELLS // right.shape[1])
    for start in range(0, len(bags), rows):
        held = bags[start : start + rows]
        # Scores are whole numbers: a random fraction added to each decides between equals, and between no others.
        scores = right @ held.astype(np.float32).T + 0.99 * generator.random((len(right), len(held)), dtype=np.float32)
        best = scores.argmax(axis=0)
        highest = scores[best, np.arange(len(held))]
        better = np.flatnonzero(highest > most[start : start + rows])
        most[start + better], winner[start + better] = highest[better], number + best[better]
        absent = held[better] == 0
        outside[start + better] = np.einsum("ij,ij->i", right[best[better]], absent) / absent.sum(axis=1)
