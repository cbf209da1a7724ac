"""Samples and seeds needed for a difference: against statsmodels, and against the tests themselves."""

import math

import numpy as np
import pytest

from hpsearch.reporting.sections.sample_size import roughly
from hpsearch.reporting.statistics.intervals import difference_interval, wilson_interval
from hpsearch.reporting.statistics.power import (
    detectable_difference,
    samples_needed,
    samples_needed_range,
    seeds_needed,
    seeds_needed_range,
)
from hpsearch.reporting.statistics.tests import holm, mcnemar_exact


@pytest.mark.parametrize(("discordant", "difference"), [(0.2, 0.03), (0.1, 0.02), (0.3, 0.1)])
def test_mcnemars_test_on_the_samples_needed_has_a_power_of_80_percent(discordant, difference):
    samples = round(samples_needed(discordant, difference))
    shares = [(discordant + difference) / 2, (discordant - difference) / 2, 1 - discordant]
    counts = np.random.default_rng(0).multinomial(samples, shares, size=4_000)
    seen = (mcnemar_exact(counts[:, 0], counts[:, 1]) <= 0.05).mean()
    assert seen == pytest.approx(0.8, abs=0.04)  # the exact test is a little more cautious than the formula


@pytest.mark.parametrize(("discordant", "samples"), [(0.2, 5_000), (0.05, 1_000), (0.5, 60_000)])
def test_the_detectable_difference_needs_exactly_these_samples(discordant, samples):
    assert samples_needed(discordant, detectable_difference(discordant, samples)) == pytest.approx(samples)


def test_a_difference_of_zero_is_never_detected():
    assert samples_needed(0.2, 0) == seeds_needed(0.01, 0) == math.inf
    assert seeds_needed(1.0, 1e-4) == math.inf


def test_the_range_of_the_samples_needed_has_no_upper_end_where_chance_may_explain_the_difference():
    low, high = samples_needed_range(120, 60, 1_000)
    assert low < samples_needed(0.18, 0.06) < high < math.inf
    draws = np.random.default_rng(5).binomial(1_000, [0.12, 0.06], size=(20_000, 2)) / 1_000  # nearly multinomial
    found = [samples_needed(a + b, a - b) for a, b in draws]
    assert (low, high) == pytest.approx(np.quantile(found, [0.05, 0.95]), rel=0.12)
    assert samples_needed_range(105, 95, 1_000)[1] == samples_needed_range(50, 50, 1_000)[1] == math.inf


def test_the_range_of_the_seeds_needed_narrows_with_more_seeds():
    few, many = seeds_needed_range(0.01, 0.02, 4), seeds_needed_range(0.01, 0.02, 40)
    assert few[0] <= many[0] <= seeds_needed(0.01, 0.02) <= many[1] <= few[1]
    assert seeds_needed_range(0.01, 0.002, 3)[1] == math.inf


@pytest.mark.parametrize("effect", [0.3, 0.75, 1.0, 1.8])
def test_the_seeds_needed_are_those_of_statsmodels(effect):
    power = pytest.importorskip("statsmodels.stats.power", reason="statsmodels is not installed")
    expected = power.TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)
    assert seeds_needed(0.01, 0.01 * effect) == math.ceil(expected)


def test_wilson_newcombe_holm_and_mcnemar_are_those_of_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    one, two = wilson_interval(520, 1_000), wilson_interval(97, 200)
    assert one == pytest.approx(proportion.proportion_confint(520, 1_000, method="wilson"))
    expected = proportion.confint_proportions_2indep(520, 1_000, 97, 200, method="newcomb", compare="diff")
    assert difference_interval((0.52, *one), (0.485, *two))[1:] == pytest.approx(expected)
    p_values = [0.001, 0.02, 0.011, 0.4, 0.04]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert mcnemar_exact([30], [12])[0] == pytest.approx(mcnemar([[5, 30], [12, 7]], exact=True).pvalue)


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "about 1"), (10, "about 10"), (14, "about 15"), (61_234, "about 60,000"), (9.6e6, "about 10,000,000")],
)
def test_a_sample_size_is_rounded_to_one_digit(number, text):
    assert roughly(number) == text
    assert roughly(math.inf) == "more than 10,000,000"
