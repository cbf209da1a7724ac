"""The report's statistics agree with SciPy's and with the published procedures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t, ttest_1samp, ttest_rel

from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.student_t import StudentT
from hpsearch.reporting.statistics.tests import holm, mcnemar_exact


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_interval_is_that_of_scipy(samples, share, confidence):
    successes = round(share * samples)
    expected = binomtest(successes, samples).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, samples, confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(("successes", "samples"), [(0, 1), (1, 1), (0, 5_000), (5_000, 5_000)])
def test_wilson_interval_stays_within_zero_and_one_and_holds_the_share(successes, samples):
    low, high = wilson_interval(successes, samples)
    assert 0 <= low <= successes / samples <= high <= 1
    assert high > low


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=8))
def test_mcnemar_is_scipys_binomial_test_on_the_samples_that_only_one_gets_right(pairs):
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


ACCURACIES = [0.51, 0.523, 0.517, 0.53, 0.519], [0.50, 0.519, 0.52, 0.515, 0.511]


def test_students_interval_and_paired_test_over_seeds_are_those_of_scipy():
    best, other = ACCURACIES
    t_seeds = StudentT(1 / 5, 1e-9)
    expected = ttest_1samp(best, 0).confidence_interval(0.95)
    assert t_seeds.interval(best) == pytest.approx((expected.low, expected.high))
    assert t_seeds.paired_test(best, other) == pytest.approx(ttest_rel(best, other).pvalue)


def test_the_corrected_test_over_folds_divides_t_as_nadeau_and_bengio_do():
    best, other = ACCURACIES
    plain, corrected = (StudentT(factor, 1e-9).paired_test(best, other) for factor in (1 / 5, 1 / 5 + 1 / 4))
    statistic = ttest_rel(best, other).statistic / np.sqrt((1 / 5 + 1 / 4) / (1 / 5))
    assert corrected == pytest.approx(2 * t.sf(statistic, 4))
    assert corrected > plain


def test_seeds_with_equal_accuracies_do_not_make_p_zero():
    best, one_sample_worse = [0.5, 0.5], [0.49, 0.49]
    assert StudentT(1 / 2, 1 / 100).paired_test(best, one_sample_worse) > 0.3
    low, high = StudentT(1 / 2, 1 / 100).interval(best)
    assert 0 <= low < 0.5 < high <= 1
