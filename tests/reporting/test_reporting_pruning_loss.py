"""What pruning lost: the exact bound against SciPy, and the model on searches whose truth is known."""

import made_pruned
import numpy as np
import pytest
from made_pruned import KINDS
from scipy.stats import binomtest

from hpsearch.reporting.statistics.pruning_loss import Outcome, probability_of_loss, share_above


@pytest.mark.parametrize(("above", "of"), [(1, 5), (3, 3), (7, 40)])
def test_the_bound_for_a_share_is_the_exact_interval_of_scipy(above, of):
    expected = binomtest(above, of).proportion_ci(0.95, method="exact")
    assert share_above(above, of) == pytest.approx((expected.low, expected.high))


def test_of_none_above_the_bound_is_one_sided():
    expected = binomtest(0, 20, alternative="less").proportion_ci(0.95, method="exact")
    assert share_above(0, 20) == pytest.approx((0.0, expected.high))


def test_the_exact_interval_covers_the_share_of_the_pruned_that_would_have_been_better():
    random, held = np.random.default_rng(1), []
    for search in range(400):
        pruned = made_pruned.halving(random, 100, 0.1, KINDS[search % len(KINDS)])
        best = pruned.best[:, -1]
        better = best[pruned.pruned_at > 0] > best[pruned.pruned_at == 0].max()
        audited = pruned.audited[pruned.pruned_at > 0]
        if audited.any():
            low, high = share_above(int(better[audited].sum()), int(audited.sum()))
            held.append(low <= better.mean() <= high)
    assert np.mean(held) >= 0.95


@pytest.fixture(scope="module")
def simulated() -> np.ndarray:
    """The estimates for searches of all kinds and sizes, low, share and high, and whether the best was lost."""
    random, found = np.random.default_rng(2), []
    for search in range(320):
        trials, audit = [(32, 0.2), (40, 0.2), (100, 0.1), (300, 0.05)][search % 4]
        pruned = made_pruned.halving(random, trials, audit, KINDS[search % len(KINDS)])
        chance = probability_of_loss(pruned.outcomes)
        if chance:
            found.append((chance.low, chance.estimate, chance.high, pruned.lost_the_best))
    return np.array(found, dtype=float)


@pytest.mark.slow
def test_a_small_probability_of_loss_is_about_right(simulated):
    small = simulated[simulated[:, 1] < 0.4]
    assert len(small) > 100
    assert small[:, 3].mean() == pytest.approx(small[:, 1].mean(), abs=0.07)
    assert simulated[simulated[:, 1] < 0.1, 3].mean() < 0.15


@pytest.mark.slow
def test_a_large_probability_of_loss_is_too_high_rather_than_too_low(simulated):
    large = simulated[simulated[:, 1] > 0.6]
    small = simulated[simulated[:, 1] < 0.2]
    assert small[:, 3].mean() + 0.2 < large[:, 3].mean() < large[:, 1].mean()
    assert (simulated[:, 0] <= simulated[:, 1]).all()
    assert (simulated[:, 1] <= simulated[:, 2]).all()


def test_where_ends_follow_the_rungs_a_configuration_pruned_far_below_is_no_loss():
    rising = [Outcome({1: 0.2 + 0.005 * i}, None, 0.4 + 0.005 * i) for i in range(20)]
    audited = [Outcome({1: 0.1 + 0.004 * i}, 1, 0.3 + 0.004 * i) for i in range(0, 20, 4)]
    pruned = [Outcome({1: 0.1 + 0.004 * i}, 1, None) for i in range(20)]
    assert probability_of_loss([*rising, *audited, *pruned]).estimate < 0.01
    promising = [Outcome({1: 0.35}, 1, None)]
    assert probability_of_loss([*rising, *audited, *promising]).estimate > 0.9


def test_without_enough_audited_or_without_any_pruned_there_is_no_model():
    on = [Outcome({1: 0.5}, None, 0.6), Outcome({1: 0.4}, None, 0.5)]
    few = [Outcome({1: 0.2}, 1, 0.3), Outcome({1: 0.1}, 1, 0.2)]
    assert probability_of_loss([*on, *few, Outcome({1: 0.1}, 1, None)]) is None
    assert probability_of_loss([*on, *few, Outcome({1: 0.15}, 1, 0.2)]) is None
