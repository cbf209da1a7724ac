"""The report's statistics agree with SciPy's and with the published procedures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hpsearch.reporting.statistics import compare_with_best, holm, mcnemar_exact, wilson_interval


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_interval_is_that_of_scipy(images, share, confidence):
    successes = round(share * images)
    expected = binomtest(successes, images).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, images, confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(("successes", "images"), [(0, 1), (1, 1), (0, 5_000), (5_000, 5_000)])
def test_wilson_interval_stays_within_zero_and_one_and_holds_the_share(successes, images):
    low, high = wilson_interval(successes, images)
    assert 0 <= low <= successes / images <= high <= 1
    assert high > low


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=8))
def test_mcnemar_is_scipys_binomial_test_on_the_images_that_only_one_gets_right(pairs):
    first, second = np.array(pairs).T
    expected = [binomtest(a, a + b).pvalue if a + b else 1.0 for a, b in pairs]
    assert mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9)


def test_holm_gives_the_worked_example():
    # Four hypotheses, as in every textbook: 0.005·4, 0.01·3, 0.03·2, then 0.04·1, which may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_p_value_and_bonferroni_and_keeps_the_order(p_values):
    p, adjusted = np.array(p_values), holm(p_values)
    assert np.all(adjusted >= p)
    assert np.all(adjusted <= np.minimum(1, p * p.size))
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)


def test_equal_networks_are_tied_and_a_much_worse_one_is_not():
    best = np.arange(1_000) < 600
    worse, other = np.arange(1_000) < 400, np.roll(best, 5)
    comparisons = compare_with_best(best, [best, worse, other])
    assert [comparison.tied for comparison in comparisons] == [True, False, True]
    assert (comparisons[1].only_best, comparisons[1].only_this) == (200, 0)


def test_a_difference_that_one_test_would_call_real_may_not_survive_a_table():
    best = np.arange(100) < 50
    slightly = np.concatenate([best[:44] ^ False, np.zeros(56, bool)])  # six images fewer: p = 0.031
    assert not compare_with_best(best, [slightly])[0].tied
    assert all(comparison.tied for comparison in compare_with_best(best, [slightly] * 3))
