"""Student's t for the mean over replicates: its interval, and the paired t test. May import SciPy."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from hpsearch.storage.records import Goal


@dataclass(frozen=True)
class StudentT:
    """Inference on the mean over replicates, whose variance is `factor` times that of the single values.

    The factor is 1/n for n seeds. For k folds, which share training samples, it is 1/k + n_test/n_train (Nadeau &
    Bengio 2003). The standard deviation is taken as at least `resolution`, the value of one sample: a few accuracies
    can agree exactly by chance, and a deviation of 0 would make every difference significant. `low` and `high` are the
    bounds of the values.
    """

    factor: float
    resolution: float
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, goal: Goal, number: int, samples: int, overlap: float = 0.0) -> "StudentT":
        """Return that of `number` values of an objective, each on `samples` samples; shares lie within 0 and 1."""
        factor = 1 / number + overlap
        if goal.share:
            return cls(factor, 1 / samples if samples else 0.0)
        return cls(factor, 0.0, -math.inf, math.inf)

    def interval(self, values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval for the mean of at least two values, x̄ ± t·s·√factor, within the bounds."""
        mean, error = self._mean_and_error(values)
        half = float(stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
        return max(self.low, mean - half), min(self.high, mean + half)

    def paired_test(self, first: Sequence[float], second: Sequence[float]) -> float:
        """Return the two-sided p-value, not adjusted, of the paired t test over at least two replicates.

        The values of one replicate, that is of one seed or fold, are at the same index of both sequences.
        """
        mean, error = self._mean_and_error([a - b for a, b in zip(first, second, strict=True)])
        if not error:  # without a resolution, and all differences are equal: that is no evidence
            return 1.0
        return 2 * float(stdtr(len(first) - 1, -abs(mean) / error))

    def _mean_and_error(self, values: Sequence[float]) -> tuple[float, float]:
        """Return the mean and its standard error."""
        deviation = max(statistics.stdev(values), self.resolution)
        return statistics.fmean(values), deviation * math.sqrt(self.factor)
