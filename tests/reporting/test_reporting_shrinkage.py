"""Shrunken scores, the probability of being the best, and the variance of seeds: known answers and simulations."""

import numpy as np
import pytest
from scipy import integrate, stats

from hpsearch.reporting.statistics import shrinkage
from hpsearch.reporting.statistics.seeds import SeedVariance, pool
from hpsearch.reporting.statistics.shrinkage import shrink, shrink_over


def test_a_score_far_above_the_noise_is_kept_and_is_the_best():
    found = shrink(np.array([0.60, 0.50, 0.50, 0.51]), np.full(4, 0.01))
    assert found.mean[0] == pytest.approx(0.60, abs=0.01)
    assert found.best[0] > 0.97


def test_the_best_of_many_equal_ones_is_shrunken_to_their_mean_and_is_hardly_the_best():
    said = []
    for seed in range(12):
        scores = np.sort(np.random.default_rng(seed).normal(size=64))[::-1]
        found = shrink(scores, np.ones(64), draws=500)
        said.append([scores[0], found.mean[0], found.best[0]])
    highest, shrunken, best = np.mean(said, axis=0)
    assert highest > 2
    assert shrunken < 0.6
    assert best < 0.12


def test_probabilities_add_up_and_the_order_of_the_configurations_does_not_matter():
    scores = np.random.default_rng(2).normal(size=9)
    found, turned = shrink(scores, np.ones(9), draws=4_000), shrink(scores[::-1], np.ones(9), draws=4_000)
    assert found.best.sum() == pytest.approx(1)
    assert turned.best[::-1] == pytest.approx(found.best, abs=0.04)
    assert shrink(100 * scores, np.full(9, 100.0), draws=4_000).mean == pytest.approx(100 * found.mean)


@pytest.mark.parametrize(
    "component",  # the first has no spread
    [pytest.param(i, marks=[pytest.mark.slow] * (i % 4 != 1)) for i in range(1, len(shrinkage._DEVIATIONS))],
)
def test_each_components_density_and_draws_are_those_of_numerical_integration(component):
    deviation, side, at, variance = shrinkage._DEVIATIONS[component], shrinkage._SIDES[component], 0.8, 1.3

    def joint(x):
        return (
            stats.norm.pdf(x, scale=deviation) * (1 if side == 0 else 2) * stats.norm.pdf(at - x, scale=variance**0.5)
        )

    low, high = (0 if side == 1 else -30), (0 if side == -1 else 30)
    density = integrate.quad(joint, low, high, points=[0, at] if side == 0 else None, limit=200)[0]
    mean = integrate.quad(lambda x: x * joint(x), low, high, limit=200)[0] / density
    ours = shrinkage._log_densities(np.array([at]), np.array([variance]))[0, component]
    assert ours - np.log(density) == pytest.approx(0.5 * np.log(2 * np.pi))  # the factor that all have
    half = np.full(20_000, 0.5)
    drawn = shrinkage._draw(
        np.random.default_rng(0),
        np.full((20_000, 1), at),
        np.array([variance]),
        2 * (np.full(20_000, component),),
        half,
    )
    assert drawn.mean() == pytest.approx(mean, abs=0.03)


def test_noises_that_explain_the_scores_better_count_more():
    scores = np.random.default_rng(1).normal(size=30)
    near, far = (shrink(scores, np.full(30, noise)).log_evidence for noise in (1.0, 5.0))
    assert near > far + 5
    both = shrink_over(scores, [np.full(30, 1.0), np.full(30, 500.0)])
    assert both.mean == pytest.approx(shrink(scores, np.ones(30)).mean, abs=1e-6)


def test_the_variance_of_the_seeds_is_found_beside_that_of_the_samples():
    random, found = np.random.default_rng(0), []
    for _ in range(300):
        groups = []
        for number in (3, 2, 1):
            easy = random.normal(size=400)
            shift = 0.05 * random.normal(size=(number, 1))
            groups.append(list(easy + 0.7 * random.normal(size=(number, 400)) < shift))
        found.append(SeedVariance.pooled(groups))
    slope = stats.norm.pdf(0) / np.hypot(1, 0.7)  # of the accuracy with the shift
    assert {each.degrees for each in found} == {3}
    raw = np.mean([each.measured - each.of_samples for each in found])
    assert raw == pytest.approx((0.05 * slope) ** 2, abs=4e-5)


def test_the_variance_of_the_seeds_is_that_near_the_best_where_far_ones_vary_more():
    random = np.random.default_rng(2)
    difficulty = random.normal(size=1_000)

    def networks(accuracy, deviation):
        reached = np.clip(accuracy + deviation * random.normal(size=(4, 1)), 0.01, 0.99)
        return list(difficulty + 0.5 * random.normal(size=(4, 1_000)) < np.hypot(1, 0.5) * stats.norm.ppf(reached))

    best, slow = [networks(0.9, 0.005) for _ in range(6)], [networks(0.2, 0.06) for _ in range(12)]
    near, mixed = SeedVariance.pooled(best), SeedVariance.pooled([*best, *slow])
    assert (mixed.variance, mixed.degrees) == (near.variance, 18)
    alike = [networks(0.2, 0.005) for _ in range(12)]
    assert SeedVariance.pooled([*best, *alike]).degrees == 54


def test_without_a_second_seed_no_variance_is_known_and_two_estimates_are_pooled():
    assert SeedVariance.pooled([[np.ones(5, bool)]]) is None
    first, second = SeedVariance(4.0, 1), SeedVariance(1.0, 2)
    assert pool(first, None) is first
    assert (pool(first, second).variance, pool(first, second).degrees) == (2.0, 3)
    assert sorted(second.likely()) == sorted(2 / stats.chi2.isf([0.1, 0.3, 0.5, 0.7, 0.9], 2))
