"""The model of the evidence: the score of a configuration, a seed and a sample, with a variance of each.

A configuration's mean deviates from its true score because other samples would have been easier or harder, and because
other seeds would have given other networks. The first part does not shrink with more seeds on the same samples. May
import NumPy, SciPy, and our intervals and moderated variances.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr, stdtrit

from hpsearch.reporting.statistics.bootstrap.runs import usual_range
from hpsearch.reporting.statistics.comparison.moderated import (
    Floats,
    Moderated,
    clearly_smaller,
    moderate,
    moderate_separately,
    variances_of,
)
from hpsearch.reporting.statistics.comparison.quantiles import exact, normal_of, quantile, satterthwaite, skewed
from hpsearch.reporting.statistics.comparison.runs import Runs, near_the_best
from hpsearch.reporting.statistics.intervals import SHARE, Bounds, wilson_interval

LEAST = 10.0
"""A configuration as good as the best has a seed deviation of at most so many times that of those near it: assumed."""

_FEWEST = 4
"""Fewer degrees of freedom of those near the best do not bound the variance of the others."""


@dataclass(frozen=True)
class Difference:
    """The difference of two configurations' scores, its variance, and how sure it is that the first is higher.

    `z` is the standard normal value that has the same one-sided p-value.
    """

    value: float
    variance: float
    freedom: float
    z: float
    bound: float = math.inf  # of the variance if the two were equally good

    @property
    def p(self) -> float:
        """The two-sided p-value of this difference alone."""
        return float(2 * ndtr(-abs(self.z)))

    def half(self, critical: float) -> float:
        """Return half the width of the interval of so many standard normal deviations, where the quantile is t's."""
        own = quantile(critical, self.freedom) * math.sqrt(self.variance)
        return min(own, critical * math.sqrt(self.bound))


@dataclass(frozen=True)
class Evidence:
    """The evidence on the configurations of one table, the best first.

    `overlap` is n_test/n_train of folds, which share training samples (Nadeau & Bengio 2003), and None for seeds.
    `bounds` are those of a score. `samples` is the number that each is evaluated on, 0 if unknown.
    """

    runs: tuple[Runs, ...]
    samples: int
    overlap: float | None = None
    bounds: Bounds = SHARE
    near: tuple[int, ...] = ()  # those whose variance between seeds is moderated separately from that of the others

    @property
    def folds(self) -> bool:
        """Whether the replicates are folds, each with samples of its own."""
        return self.overlap is not None

    @cached_property
    def seeds(self) -> Moderated | None:
        """The moderated variance between a configuration's networks; None where none has a second one."""
        s2, d = self._of_networks
        found = moderate_separately(s2, d, self.near) if self.near else moderate(s2, d)
        if found is None:
            return None
        return Moderated(np.maximum(found.variances, self._least), found.freedom, max(found.prior, self._least))

    @property
    def _least(self) -> float:
        """The least variance between networks: a few shares can agree by chance."""
        return (self.bounds.width / self.samples) ** 2 if self.bounds.both and self.samples else 0.0

    @cached_property
    def _of_networks(self) -> tuple[Floats, Floats]:
        groups = _without_fold_effects(self.runs) if self.folds else [each.scores for each in self.runs]
        s2, d = variances_of(groups)
        if self.folds and len(self.runs) > 1:  # taking the folds' own effect out costs degrees of freedom
            lost = (len(self.runs) - 1) / len(self.runs)
            s2, d = s2 / lost, d * lost
        return s2, d

    def separated(self, near: Sequence[int]) -> "Evidence":
        """Return the evidence with the variances of some moderated separately, if they are clearly smaller.

        Far from the best, where training is slow or unstable, seeds often differ more.
        """
        return replace(self, near=tuple(near)) if clearly_smaller(*self._of_networks, near) else self

    @cached_property
    def within(self) -> Floats:
        """The variance between networks that follows from single samples alone, by configuration: Σ r(1 − r)/n².

        Of another metric r(1 − r) is the variance of a sample's contributions.

        A network that classifies other samples correctly has another score on them even if its true score is equal.
        """
        return np.array([self._within(each) for each in self.runs])

    def _within(self, runs: Runs) -> float:
        number = len(runs.right)
        if self.folds or number < 2:
            return 0.0
        if not runs.counted:
            return float(np.var(runs.right, axis=0, ddof=1, dtype=np.float64).mean()) / runs.right[0].size
        shares = runs.shares(False)
        return float((shares * (1 - shares)).mean()) * number / (number - 1) / shares.size

    @cached_property
    def _rare(self) -> float:
        """Two squares of what one sample can change: (n + 2)² times the variance of a difference that none shows."""
        if self.runs[0].counted:
            return 2.0
        return 2 * usual_range(right for runs in self.runs for right in runs.right) ** 2

    @cached_property
    def _usual(self) -> float:
        """The median of `within`, for configurations with one seed."""
        several = self.within[self.within > 0]
        return float(np.median(several)) if several.size else 0.0

    def factor(self, runs: Runs) -> float:
        """Return the variance of the mean over a configuration's networks in units of that of one."""
        return 1 / len(runs.scores) + (self.overlap or 0.0)

    def of_seeds(self, index: int) -> float:
        """Return the variance of a configuration's mean over other seeds, without what single samples explain."""
        if self.seeds is None:
            return 0.0
        return self._beyond(float(self.seeds.variances[index]), self.runs[index], float(self.within[index]))

    def _beyond(self, variance: float, runs: Runs, within: float) -> float:
        explained = within if len(runs.right) > 1 else self._usual if runs.right else 0.0
        return max(0.0, variance - explained) * self.factor(runs)

    def interval(self, index: int, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the interval of a configuration's score, over other samples and other seeds where these are known.

        Without a second seed in the table it is for one network, of an accuracy Wilson's. None where nothing is known.
        """
        seeds = self.seeds
        own = (0.0, 1.0) if seeds is None else (float(seeds.variances[index]), float(seeds.freedom[index]))
        return self._interval(self.runs[index], *own, confidence)

    def interval_of(self, runs: Runs, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the same of a configuration that is not in the table, with the variance that the others share."""
        seeds = self.seeds
        own = (0.0, 1.0) if seeds is None else (seeds.prior, float(seeds.freedom.max()))
        return self._interval(runs, *own, confidence)

    def _interval(self, runs: Runs, seeded: float, freedom: float, confidence: float) -> tuple[float, float] | None:
        upper = 0.5 + confidence / 2
        if not runs.right:
            if self.seeds is None:
                return None
            half = float(stdtrit(freedom, upper)) * math.sqrt(seeded * self.factor(runs))
            low, high = runs.mean - half, runs.mean + half
            return self.bounds.clip(low, high)
        shares = runs.shares(self.folds)
        total = shares.size
        if self.seeds is None and runs.counted:
            return wilson_interval(runs.mean * total, total, confidence)
        sampled = float(shares.var(ddof=1, dtype=None if runs.counted else np.float64)) / total if total > 1 else 0.0
        if self.folds:
            variance = max(sampled * len(runs.scores), seeded) * self.factor(runs)
        else:
            variance = sampled + self._beyond(seeded, runs, self._within(runs))
        parts = [(seeded * self.factor(runs), freedom)] if self.seeds is not None else []
        if not runs.counted:
            parts.append((sampled, total - 1.0))
        t = float(stdtrit(satterthwaite(variance, parts), upper))
        if self.bounds.both:
            return self.bounds.interval(runs.mean, variance, total, 2 * float(ndtr(t)) - 1)
        below, above = skewed(t, shares, min(1.0, sampled / variance) if variance > 0 else 1.0)
        deviation = math.sqrt(variance)
        return self.bounds.clip(runs.mean - below * deviation, runs.mean + above * deviation)

    def difference(self, first: int, second: int) -> Difference | None:
        """Return the difference of two configurations' scores; None where there is no evidence on its variance."""
        one, two, seeds = self.runs[first], self.runs[second], self.seeds
        same = bool(one.right and two.right) and (not self.folds or one.replicates == two.replicates)
        same = same and one.right[0].size == two.right[0].size
        if not same and (seeds is None or (not self.folds and bool(one.right) != bool(two.right))):
            return None
        value, sampled, least = one.mean - two.mean, 0.0, 0.0
        z = np.inf
        if same:
            gaps = one.shares(self.folds) - two.shares(self.folds)
            total = gaps.size
            sampled = float(gaps.var() if one.counted else gaps.var(ddof=1, dtype=np.float64)) / total
            # On other samples they may differ: the variance of Bonett & Price (2012) where they differ on none.
            if self.bounds.both and np.count_nonzero(gaps) < 2:
                sampled = max(sampled, self._rare / (total + 2) ** 2)
            if one.counted:
                least = 1 / total  # continuity: one sample
                z = exact(gaps) if len(one.scores) == len(two.scores) == 1 or self.folds else np.inf
        elif self.folds and one.replicates != two.replicates:
            value = self._over_common(one, two)
        variance = self._between(first, second, sampled)
        if variance == 0:
            return Difference(value, 0.0, np.inf, 0.0)
        parts = [(sampled, gaps.size - 1.0)] if same and not one.counted else []
        if seeds is not None:
            pair = [(float(seeds.variances[i]), self.runs[i], float(seeds.freedom[i])) for i in (first, second)]
            parts += [(each * self.factor(runs), d) for each, runs, d in pair]
        freedom = satterthwaite(variance, parts)
        # Where nearly all of the variance is that of few samples, one sample less must not decide.
        size = abs(value) - (least if z == np.inf else 0.0)
        own = normal_of(size / math.sqrt(variance), freedom)
        bound = math.inf if self._bound is None else self._between(first, second, sampled, self._bound)
        own = max(own, size / math.sqrt(bound))
        return Difference(value, variance, freedom, math.copysign(max(min(own, z), 0.0), value), bound)

    def _between(self, first: int, second: int, sampled: float, bound: float | None = None) -> float:
        """Return the variance of a difference: from the variances of the seeds, or from a bound on them."""
        if self.seeds is None:
            return sampled
        variances = [float(self.seeds.variances[i]) for i in (first, second)]
        if bound is not None:  # the best is among those that it is derived from
            variances = [min(variances[0], bound), bound]
        pair = [(self.runs[i], variance, i) for i, variance in zip((first, second), variances, strict=True)]
        if self.folds:
            factors = [self.factor(runs) for runs, *_ in pair]
            return max(sampled * len(pair[0][0].scores) * factors[0], sum(each for _, each, _ in pair) * max(factors))
        return sampled + sum(self._beyond(variance, runs, float(self.within[i])) for runs, variance, i in pair)

    @cached_property
    def _bound(self) -> float | None:
        """The largest variance between the networks of a configuration if that is as good as the best.

        It is then among those near the best, whose seeds often differ less than those of slow or unstable training. A
        score within 0 and 1 with the mean of the best, m, has a variance of at most m(1 − m).
        """
        if self.seeds is None:
            return None
        usual = min(self.seeds.prior, self._usual_near_the_best)
        bound = LEAST**2 * usual
        if self.bounds.both:
            bound = min(bound, max(self.bounds.most_variance(self.runs[0].mean), usual))
        return bound

    @cached_property
    def _usual_near_the_best(self) -> float:
        """The variance that those share which the samples alone do not show to be worse; infinite if unknown."""
        s2, d = self._of_networks
        near = near_the_best([each.shares(self.folds) if each.right else None for each in self.runs])
        found = moderate(s2[near], d[near]) if d[near].sum() >= _FEWEST else None
        return math.inf if found is None else max(found.prior, self._least)

    def _over_common(self, one: Runs, two: Runs) -> float:
        ones, twos = (dict(zip(runs.replicates, runs.scores, strict=True)) for runs in (one, two))
        both = ones.keys() & twos.keys()
        return sum(ones[each] - twos[each] for each in both) / len(both) if both else one.mean - two.mean


def _without_fold_effects(runs: Sequence[Runs]) -> list[list[float]]:
    """Return the scores less the effect that a fold has on all configurations: the median of their deviations."""
    deviations: dict[int, list[float]] = {}
    for each in runs:
        for fold, score in zip(each.replicates, each.scores, strict=True):
            deviations.setdefault(fold, []).append(score - each.mean)
    effect = {fold: float(np.median(values)) for fold, values in deviations.items()}
    return [
        [score - effect[fold] for fold, score in zip(each.replicates, each.scores, strict=True)]
        if len(runs) > 1
        else list(each.scores)
        for each in runs
    ]
