"""Further replicates go to the best configurations until one is clear."""

import numpy as np
import pytest
from scipy import stats

from hpsearch.search.stages.confirmation import Replicates, next_round, paired_p
from hpsearch.spec import Confirm

CONFIRM = Confirm(best=3, replicates=8)


def confirmed(means, noise, seed=0, confirm=CONFIRM):
    """Confirm configurations with these true means; return their values and how it ended."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.01, confirm.replicates)  # what all configurations have from a seed that they share
    values = [[mean + shared[0] + rng.normal(0, noise)] for mean in means]
    while True:
        order = sorted(range(len(means)), key=lambda number: -values[number][0])
        found = next_round(confirm, 1, [Replicates(number, values[number], number) for number in order])
        if not found.numbers:
            return values, found.outcome
        for number in found.numbers:
            assert len(values[number]) == found.replicate
            values[number].append(means[number] + shared[found.replicate] + rng.normal(0, noise))


def test_a_significantly_best_configuration_ends_the_comparison_early():
    values, outcome = confirmed([0.60, 0.50, 0.45, 0.40], noise=0.002)
    assert outcome.endswith("the configuration of trial 0 is clearly the best.")
    assert len(values[0]) < CONFIRM.replicates
    assert len(values[3]) == 1  # it never was among the best three


def test_equal_configurations_are_compared_up_to_the_last_replicate():
    values, outcome = confirmed([0.5, 0.5, 0.5], noise=0.01)
    assert "not statistically distinguishable" in outcome
    assert max(map(len, values)) == CONFIRM.replicates


@pytest.mark.slow
def test_equal_configurations_are_distinguished_no_more_often_than_the_error_rate():
    called = sum("clearly" in confirmed([0.5, 0.5, 0.5], 0.01, seed)[1] for seed in range(300))
    assert called <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


def test_a_configuration_whose_replicate_failed_is_dropped():
    found = next_round(CONFIRM, 1, [Replicates(4, [0.6, None], 4), Replicates(7, [0.5, 0.5], 7)])
    assert found.outcome == "There was no other configuration left to confirm that of trial 7 against."


def test_the_only_configuration_of_a_stage_is_not_said_to_be_clearly_the_best():
    assert "clearly" not in next_round(CONFIRM, 1, [Replicates(4, [0.6], 4)]).outcome


def test_the_same_values_give_the_same_round():
    ranked = [Replicates(2, [0.6, 0.61, 0.62]), Replicates(0, [0.59, 0.60, 0.615]), Replicates(1, [0.5, 0.6, 0.5])]
    assert next_round(CONFIRM, 1, ranked) == next_round(CONFIRM, 1, ranked)
    assert next_round(CONFIRM, 1, ranked).replicate == 3


def test_the_paired_test_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=8), rng.normal(size=8)
    assert paired_p(a, b) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert paired_p(a, a + 1) == 1.0  # differences that do not vary say nothing of chance
