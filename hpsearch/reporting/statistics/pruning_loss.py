"""What pruning may have lost, from the audited, a random sample of the pruned: an exact bound, and the regret.

docs/report.md says why there is no more: models of what the others would have reached do not hold. May import SciPy.
"""

import math
from collections.abc import Sequence

from scipy.special import betaincinv

FEWEST = 5
"""The fewest audited configurations from which anything is said."""


def share_above(above: int, of: int) -> float:
    """Return the exact one-sided 95% bound (Clopper & Pearson 1934) of the share of all the pruned.

    `above` of the `of` audited ended above the best that was not pruned.

    >>> [round(share_above(*each), 3) for each in ((0, 5), (2, 5), (5, 5))]
    [0.451, 0.811, 1.0]
    """
    return 1.0 if above == of else float(betaincinv(above + 1, of - above, 0.95))


def regret(audited: Sequence[float], survivor: float) -> float:
    """Return by how much the best audited score is above the best that was not pruned; 0 if it is not.

    >>> round(regret([0.3, 0.52], 0.5), 3), regret([0.3], 0.5)
    (0.02, 0.0)
    """
    return max(0.0, max(audited) - survivor)


def audit_needed(pruned: int) -> float:
    """Return the `audit` that trains at least FEWEST of so many pruned ones to the end with a probability of 90%.

    >>> audit_needed(28), audit_needed(100), audit_needed(3)
    (0.27, 0.08, 1.0)
    """
    if pruned <= FEWEST:
        return 1.0
    return math.ceil(100 * float(betaincinv(FEWEST, pruned - FEWEST + 1, 0.9))) / 100
