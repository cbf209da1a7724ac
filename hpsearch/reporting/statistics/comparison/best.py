"""The comparison of all configurations of a table with its best one, which pays for the best being the maximum.

The best is no given configuration: it is the highest of all, so that the difference of equal ones from it is that of a
range. A configuration is worse if its difference from the best exceeds what the largest difference of any two equal
ones exceeds in 5% of tables. May import NumPy, SciPy and our evidence.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hpsearch.reporting.statistics.comparison.moderated import Floats
from hpsearch.reporting.statistics.comparison.two_way import Difference, Evidence
from hpsearch.reporting.statistics.tests import LEVEL

DRAWS = 1_000
"""The number of tables of equal configurations that are simulated."""

_MOST = 1_200
"""Of more configurations that might be as good as the best, the range of independent ones is used."""

_CELLS = 500_000
"""The most numbers of an array that is made at a time."""

_SAMPLES = 4_096
"""So many samples are multiplied at a time."""

_EDGE = 40
"""So many of the highest and of the lowest are compared first."""


@dataclass(frozen=True)
class AgainstBest:
    """The difference of a configuration's score from the best, with the simultaneous 95% interval of the table."""

    difference: float  # negative where it is below the best
    low: float
    high: float
    p: float  # adjusted over the table
    worse: bool


def compare(evidence: Evidence) -> tuple[Evidence, list[AgainstBest | None]]:
    """Compare all with the best, and again with the variances of the seeds among those that are not worse.

    The second time only if these are clearly smaller; those found worse stay so. Returns the evidence that the verdicts
    rest on, for intervals.
    """
    found = compare_with_best(evidence)
    near = [index for index, each in enumerate(found) if each is None or not each.worse]
    separate = evidence.separated(near) if len(near) < len(found) else evidence
    if separate is evidence:
        return evidence, found
    again = compare_with_best(separate)
    return separate, [one if one and one.worse else other for one, other in zip(found, again, strict=True)]


def compare_with_best(evidence: Evidence, draws: int = DRAWS, seed: int = 0) -> list[AgainstBest | None]:
    """Compare each configuration with the first one, the best; None for the best itself, and where nothing is known.

    The largest studentised difference of any two is simulated under equality with the covariance of the samples, which
    all configurations share, and the variances of the seeds. Its 95% quantile gives the intervals. Configurations that
    are worse are then left out, and the quantile of the others is smaller: so long as that finds any, they are worse
    too (the Model Confidence Set of Hansen, Lunde & Nason 2011, with the range statistic).
    """
    found = [evidence.difference(0, index) if index else None for index in range(len(evidence.runs))]
    known = [index for index, each in enumerate(found) if each is not None]
    if not known:
        return [None] * len(found)
    z = np.array([each.z if each else -np.inf for each in found])
    # By Bonferroni's inequality these are worse whatever the dependence.
    number = len(known) + 1
    certain = -float(ndtri(LEVEL / (number * (number - 1))))
    open_ = [0, *(index for index in known if z[index] <= certain)]
    null = Null(evidence, open_, draws, seed)
    full = null.quantile() if len(open_) == number else max(null.quantile(), _range_quantile(number, draws, seed))
    critical, maxima = full, null.maxima
    full = full or -float(ndtri(LEVEL / 2))  # where all networks agree on every sample
    left = np.ones(len(open_), dtype=np.bool_)
    p = np.zeros(len(found))
    while True:
        at = np.array([_share(maxima, z[index]) for index in open_])
        p[open_] = np.maximum(p[open_], np.where(left, at, 0.0))
        worse = left & (z[open_] > critical)
        worse[0] = False
        if not worse.any():
            break
        left &= ~worse
        maxima = null.without(left)
        critical = float(np.quantile(maxima, 1 - LEVEL))
    tied = {index for index, kept in zip(open_, left, strict=True) if kept}
    least = evidence.bounds.low - evidence.runs[0].mean
    limited = [_against(each, full, p[i], i not in tied) if each else None for i, each in enumerate(found)]
    return [replace(each, low=least) if each and each.low < least else each for each in limited]


def _against(found: Difference, critical: float, p: float, worse: bool) -> AgainstBest:
    half = found.half(critical)
    low, high = -found.value - half, -found.value + half
    high = min(high, 0.0) if worse else max(high, 0.0)
    return AgainstBest(
        -found.value, low, high, float(min(p, LEVEL) if worse else max(p, np.nextafter(LEVEL, 1))), worse
    )


def _share(maxima: NDArray[np.float32], z: float) -> float:
    """Return the share of the simulated maxima that reach a value; beyond them, that of one comparison."""
    share = float(np.count_nonzero(maxima >= z)) / maxima.size
    return share if share > 0 else min(1 / maxima.size, float(ndtr(-z)))


class Null:
    """Deviations of configurations with equal true scores, and their largest studentised differences."""

    def __init__(self, evidence: Evidence, indices: list[int], draws: int, seed: int) -> None:
        """Draw the deviations of some of the configurations."""
        self._draws, self._seed = draws, seed
        self.approximate = len(indices) > _MOST
        if self.approximate:
            self._number = len(indices)
            self.maxima = _range_of(len(indices), draws, seed)
            return
        self._covariance = np.diag([evidence.of_seeds(index) for index in indices])
        rows = _on_same_samples(evidence, indices)
        if rows:
            self._add_samples(evidence, indices, rows)
        # What is studentised has no unit, and those of others would leave the range of single precision.
        _, exponent = math.frexp(self._covariance.diagonal().max())
        self._covariance = np.ldexp(self._covariance, -2 * (exponent // 2))
        drawn = np.random.default_rng(seed).standard_normal((draws, len(indices)), dtype=np.float32)
        self._deviations = drawn @ _root(self._covariance).T.astype(np.float32)
        self.maxima = self._maxima(np.arange(len(indices)))

    def _add_samples(self, evidence: Evidence, indices: list[int], rows: list[int]) -> None:
        """Add the covariance of means over the same samples."""
        shares = np.stack([evidence.runs[indices[row]].shares(evidence.folds) for row in rows])
        shares -= shares.mean(axis=1, keepdims=True)
        scale = 1.0
        if evidence.folds:
            scale = len(evidence.runs[indices[rows[0]]].scores) * evidence.factor(evidence.runs[indices[rows[0]]])
        product = np.zeros((len(rows), len(rows)))
        for some in np.array_split(shares, -(-shares.shape[1] // _SAMPLES), axis=1):
            # In double precision: rounding must not give a difference to networks that have none.
            exact = some.astype(np.float64)
            product += exact @ exact.T
        self._covariance[np.ix_(rows, rows)] += scale * product / shares.shape[1] ** 2

    def quantile(self) -> float:
        """Return the value that the largest studentised difference exceeds in 5% of tables."""
        return float(np.quantile(self.maxima, 1 - LEVEL))

    def without(self, kept: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the largest studentised differences of some of the configurations."""
        if self.approximate:
            return _range_of(int(kept.sum()), self._draws, self._seed)
        return self._maxima(np.flatnonzero(kept))

    def _maxima(self, members: NDArray[np.int64]) -> NDArray[np.float32]:
        if members.size < 2:
            return np.zeros(self._draws, dtype=np.float32)
        covariance = self._covariance[np.ix_(members, members)]
        own = covariance.diagonal()
        squares = own[:, None] + own[None, :] - 2 * covariance
        # Networks that are the same but for rounding have no difference.
        usual = np.where(squares > 1e-9 * own.max(), squares, np.inf)
        inverse = (usual**-0.5).astype(np.float32)
        steepest = inverse.max(axis=1)
        found = np.empty(self._draws, dtype=np.float32)
        drawn = np.ascontiguousarray(self._deviations[:, members])
        if members.size <= 2 * _EDGE:
            step = max(1, _CELLS // members.size**2)
            for start in range(0, self._draws, step):
                some = drawn[start : start + step]
                found[start : start + step] = ((some[:, :, None] - some[:, None, :]) * inverse).max(axis=(1, 2))
            return found
        for index, deviations in enumerate(drawn):
            found[index] = _largest(deviations, inverse, steepest)
        return found


def _largest(
    deviations: NDArray[np.float32], inverse: NDArray[np.float32], steepest: NDArray[np.float32]
) -> np.float32:
    """Return the largest (dᵢ − dⱼ)·inverseᵢⱼ: of the extremes first, then of those that could be larger."""
    order = np.argpartition(deviations, (_EDGE, -_EDGE))
    low, high = order[:_EDGE], order[-_EDGE:]
    most = ((deviations[high, None] - deviations[None, low]) * inverse[high[:, None], low]).max()
    rows = np.flatnonzero((deviations - deviations.min()) * steepest > most)
    columns = np.flatnonzero((deviations.max() - deviations) * steepest > most)
    if rows.size and columns.size:
        rest = (deviations[rows, None] - deviations[None, columns]) * inverse[rows[:, None], columns]
        most = max(most, rest.max())
    return np.float32(most)


def _root(covariance: Floats) -> Floats:
    """Return a matrix whose product with its transpose is the covariance, which may be singular."""
    own = covariance.diagonal()
    slight = 1e-10 * float(own.max()) + 1e-30
    return np.asarray(np.linalg.cholesky(covariance + np.diag(np.full(own.size, slight))))


def _on_same_samples(evidence: Evidence, indices: list[int]) -> list[int]:
    """Return the rows whose networks were evaluated on the same samples as the best's."""
    best = evidence.runs[indices[0]]
    size = best.right[0].size if best.right else 0
    return [
        row
        for row, index in enumerate(indices)
        if size
        and (runs := evidence.runs[index]).right
        and runs.right[0].size == size
        and (not evidence.folds or runs.replicates == best.replicates)
    ]


def _range_of(number: int, draws: int, seed: int) -> NDArray[np.float32]:
    """Return ranges of independent normal values, which bound those of correlated ones, in standard errors."""
    random = np.random.default_rng(seed)
    found = np.empty(draws, dtype=np.float32)
    for index in range(draws):
        values = random.standard_normal(number, dtype=np.float32)
        found[index] = (values.max() - values.min()) / np.float32(np.sqrt(2))
    return found


def _range_quantile(number: int, draws: int, seed: int) -> float:
    return float(np.quantile(_range_of(number, draws, seed), 1 - LEVEL))
