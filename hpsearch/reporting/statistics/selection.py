"""The score of the best of many configurations and epochs, corrected for selection bias by the bootstrap (BBC-CV).

May import NumPy, SciPy and our statistics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hpsearch.reporting.statistics.bootstrap.bags import DRAWN, Bags
from hpsearch.reporting.statistics.bootstrap.runs import (
    AnyRun,
    Run,
    Valued,
    counted,
    noise,
    reachable,
    score,
    sums,
    usual_range,
)
from hpsearch.reporting.statistics.comparison.quantiles import skewed
from hpsearch.reporting.statistics.intervals import SHARE, Bounds

__all__ = ["BiasCorrection", "Configurations", "Run", "Valued", "correct_selection_bias"]

RESAMPLES = 1_000
"""The number of bootstrap samples, fewer of very many predictions."""

FEWEST_SAMPLES = 20
"""With fewer samples there is no correction: too few would be out of the bag."""


@dataclass(frozen=True)
class Configurations:
    """The configurations that could have been chosen, those out of reach left out."""

    index: NDArray[np.intp]  # their places among all
    scores: NDArray[np.float64]  # their scores, corrected for the choice of their own epochs
    noise: NDArray[np.float64]  # the standard deviations that the samples give to differences of these


@dataclass(frozen=True)
class BiasCorrection:
    """The score of the configuration with the highest one: as measured, and corrected for selection bias.

    A higher score is better: of a metric that is minimised it is the metric times −1.
    """

    configurations: int
    epochs: int  # the most that a trial of them could have been chosen by
    samples: int
    raw: float
    corrected: float
    low: float  # the 95% interval of the corrected score
    high: float
    of_epochs: float  # the part of the selection bias that comes from the choice of the epoch
    chosen_again: float  # the share of bootstrap samples in which the same configuration is the best
    resamples: int
    within_reach: Configurations = field(compare=False)
    bounds: Bounds = SHARE  # of a score

    @property
    def selection_bias(self) -> float:
        """The difference of raw and corrected score."""
        return self.raw - self.corrected

    @property
    def half_widths(self) -> tuple[float, float]:
        """How far the bounds of the interval are from the corrected score."""
        return self.corrected - self.low, self.high - self.corrected


def correct_selection_bias(
    configurations: Sequence[Sequence[AnyRun]],
    samples: int,
    *,
    folds: bool = False,
    bounds: Bounds = SHARE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BiasCorrection | None:
    """Return the bootstrap bias corrected score (BBC-CV) of Tsamardinos, Greasidou & Borboudakis (2018).

    `configurations`, the best first, each have a run per seed on the same `samples`; or one per fold, with so many
    samples of its own. Each bootstrap sample (a bag) draws samples with replacement. On it each run chooses its epoch,
    then the configuration with the highest score is chosen, at random among equals, and evaluated on the
    samples out of the bag, which had no influence on either choice. The corrected score is the mean over the bags;
    what the bags do to the first configuration at its own epochs, whose score is known, is subtracted. `bounds`
    are those of a score. None with fewer than 20 samples or two configurations.
    """
    parts = len(configurations[0]) if configurations else 1
    every = samples * parts if folds else samples
    if len(configurations) < 2 or every < FEWEST_SAMPLES:
        return None
    epochs = max(run.epochs for runs in configurations for run in runs)
    best = configurations[0]
    near = reachable(configurations, samples, folds=folds)
    kept = [[run.within_reach() for run in configurations[index]] for index in near]
    bags = Bags.draw(samples, parts if folds else 1, [each for runs in kept for each in runs], resamples, seed)
    raw = score(best, samples)
    chosen = _Choice(bags)
    of_epochs, known = np.empty(len(kept)), np.zeros(0)
    slight = 0.99  # what decides between equal scores is less than one sample changes
    if not counted(best[0]):
        size = usual_range(run.at_chosen(samples) for runs in kept for run in runs)
        slight = 1e-6 * math.sqrt(DRAWN * every) * size
    # Of contributions only the differences from the best score matter, which single precision has better.
    offset = 0.0 if counted(best[0]) else raw
    found = bags.evaluate(kept, runs_share_samples=not folds, offset=offset, highest=bounds.high)
    for place, (free, fixed) in enumerate(found):
        if place == 0:
            known = fixed.outside
        chosen.offer(place, free.inside + slight * _ties(bags, place), free.outside)
        of_epochs[place] = float((fixed.outside - free.outside).mean())
    corrected = raw + float((chosen.outside - known).mean())
    corrected, _ = bounds.clip(corrected, corrected)
    own = sums(best, samples, folds=folds) / (1 if folds else len(best))
    own = own.astype(np.result_type(np.float32, best[0].at_chosen(samples)))
    low, high = _interval(corrected, chosen.outside, every, own, bounds)
    scores = np.array([score(configurations[index], samples) for index in near]) - of_epochs
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
        within_reach=Configurations(
            np.array(near), scores, noise([configurations[index] for index in near], samples, folds=folds)
        ),
        bounds=bounds,
    )


class _Choice:
    """The best configuration of each bag, of those offered so far."""

    def __init__(self, bags: Bags) -> None:
        self._most = np.full(bags.number, -np.inf)
        self.winner = np.zeros(bags.number, dtype=np.int64)
        self.outside = np.zeros(bags.number)  # its score on the samples left out

    def offer(self, place: int, inside: NDArray[np.float64], outside: NDArray[np.float64]) -> None:
        better = inside > self._most
        self._most[better], self.winner[better], self.outside[better] = inside[better], place, outside[better]


def _ties(bags: Bags, place: int) -> NDArray[np.float64]:
    """Return what decides between equal configurations, from 0 to 1."""
    return np.random.default_rng([bags.number, place]).random(bags.number)


def _interval(
    corrected: float, outside: NDArray[np.float64], samples: int, own: NDArray[np.floating], bounds: Bounds
) -> tuple[float, float]:
    """Return the 95% interval of the corrected score, from the scores on the bags' left-out samples.

    A bag leaves out m = n(1 − 1/n)^(2n) of the n samples, and the mean of m drawn from n deviates √(n/m − 1) times as
    far from the mean of all n as that one deviates from the true value, so the variance is divided by n/m − 1. Of
    scores between two bounds it is Wilson's interval, which stays there, with the effective sample size that this
    variance implies. Of others it is that of Student's t, moved by the skewness of the best one's `own` contributions.
    """
    left_out = samples * (1 - 1 / samples) ** (DRAWN * samples)
    variance = float(outside.var()) / (samples / left_out - 1)
    if bounds.both:
        return bounds.interval(corrected, variance, samples)
    below, above = skewed(float(stdtrit(samples - 1, 0.975)), own)
    return bounds.clip(corrected - below * math.sqrt(variance), corrected + above * math.sqrt(variance))
