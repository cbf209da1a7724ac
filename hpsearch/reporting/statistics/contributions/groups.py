"""Contributions to a metric of one's own, by leaving out groups of samples. May import NumPy and metrics."""

from collections.abc import Sequence

import numpy as np

from hpsearch.metrics import Metric, evaluate
from hpsearch.reporting.statistics.contributions.values import Array, Floats

GROUPS = 50
"""So many groups are left out, one after the other: so often the metric is called."""


def by_groups(metric: Metric, truth: Array, prediction: Array, classes: Sequence[str]) -> Floats:
    """Return contributions whose variance divided by n is that of the delete-a-group jackknife (Kott 2001).

    The groups are the same for all networks on the same samples, so that their differences have a variance too. Those
    of samples in one group are equal. Raises MetricError where the metric fails without a group.
    """
    n = len(truth)
    number = min(GROUPS, n)
    group = np.random.default_rng(n).permutation(n) % number
    value = evaluate(metric, truth, prediction, classes=classes)
    without = np.array(
        [evaluate(metric, truth[group != g], prediction[group != g], classes=classes) for g in range(number)]
    )
    # The pseudo-value of a group is the mean of n/number samples, which deviate √(n/number) times as far as it does.
    deviation = (number - 1) * (without.mean() - without)
    return np.asarray(value + deviation[group] * np.sqrt(n / number) - (deviation[group].mean() * np.sqrt(n / number)))
