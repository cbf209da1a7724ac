"""What pruning lost: the exact bound against SciPy, and on searches whose truth is known."""

import made_pruned
import numpy as np
import pytest
from made_pruned import KINDS
from scipy.stats import binom, binomtest

from hpsearch.reporting.statistics.pruning_loss import FEWEST, audit_needed, regret, share_above


@pytest.mark.parametrize(("above", "of"), [(0, 20), (1, 5), (3, 3), (7, 40)])
def test_the_bound_for_a_share_is_the_exact_one_sided_bound_of_scipy(above, of):
    expected = binomtest(above, of, alternative="less").proportion_ci(0.95, method="exact")
    assert share_above(above, of) == pytest.approx(expected.high)


def test_the_bound_holds_the_share_of_the_pruned_that_would_have_been_better():
    random, held = np.random.default_rng(1), []
    for search in range(400):
        pruned = made_pruned.halving(random, 100, 0.1, KINDS[search % len(KINDS)])
        best = pruned.best[:, -1]
        better = best[pruned.pruned_at > 0] > best[pruned.pruned_at == 0].max()
        audited = pruned.audited[pruned.pruned_at > 0]
        if audited.sum() >= FEWEST:
            held.append(better.mean() <= share_above(int(better[audited].sum()), int(audited.sum())))
    assert np.mean(held) >= 0.95


def test_the_regret_is_the_lead_of_the_best_audited():
    assert regret([0.3, 0.55, 0.52], 0.5) == pytest.approx(0.05)
    assert regret([0.3, 0.5], 0.5) == 0.0


@pytest.mark.parametrize("pruned", [12, 28, 300])
def test_the_audit_that_is_named_gives_enough_in_nine_of_ten_searches(pruned):
    share = audit_needed(pruned)
    assert binom.sf(FEWEST - 1, pruned, share) >= 0.9
    assert binom.sf(FEWEST - 1, pruned, share - 0.02) < 0.9
