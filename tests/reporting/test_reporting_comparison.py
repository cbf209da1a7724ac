"""The comparison with the best: its parts beside other programs, verdicts of real studies, quick simulations."""

import made_study
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtri, polygamma
from scipy.stats import binomtest, f_oneway, studentized_range

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.statistics.comparison.best import compare, compare_with_best
from hpsearch.reporting.statistics.comparison.moderated import moderate, squeezed, trigamma_inverse
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence


def networks(random, accuracies, samples, seeds=1, deviation=0.0):
    """Runs of configurations that agree on which samples are hard, best first, and their true accuracies."""
    difficulty = random.standard_normal(samples)
    found = []
    for accuracy in accuracies:
        hard = difficulty + 0.3 * random.standard_normal(samples)
        reached = np.clip(accuracy + deviation * random.standard_normal(seeds), 1e-3, 1 - 1e-3)
        score = hard + 0.4 * random.standard_normal((seeds, samples))
        right = score < (np.sqrt(1.25) * ndtri(reached))[:, None]
        found.append((Runs(tuple(right.mean(axis=1).tolist()), tuple(right)), accuracy))
    found.sort(key=lambda pair: -pair[0].mean)
    return tuple(runs for runs, _ in found), [accuracy for _, accuracy in found]


def verdicts(evidence):
    return ["" if each is None else "worse" if each.worse else "tied" for each in compare(evidence)[1]]


def test_the_prior_of_the_variances_is_that_of_smyths_moment_equations():
    random = np.random.default_rng(3)
    d = np.full(4_000, 3.0)
    true = 2.0 * 8 / random.chisquare(8, size=4_000)  # a prior of variance 2 with 8 degrees of freedom
    s2 = true * random.chisquare(3, size=4_000) / 3
    prior_d, prior = squeezed(s2, d)
    # The same equations, solved by bisection instead of Newton's method.
    spread = np.log(s2).var(ddof=1) - polygamma(1, 1.5)
    half = brentq(lambda x: polygamma(1, x) - spread, 1e-3, 1e4)
    centre = np.log(s2).mean() - polygamma(0, 1.5) + np.log(1.5)
    assert prior_d == pytest.approx(2 * half, rel=1e-6)
    assert prior == pytest.approx(np.exp(centre + polygamma(0, half) - np.log(half)), rel=1e-6)
    assert (prior_d, prior) == (pytest.approx(8, rel=0.6), pytest.approx(2, rel=0.2))
    found = moderate(s2, d)
    assert found.variances == pytest.approx((prior_d * prior + d * s2) / (prior_d + d), rel=0.05)
    assert [float(polygamma(1, trigamma_inverse(x))) for x in (0.01, 1, 50)] == pytest.approx([0.01, 1, 50])


def test_equal_variances_are_pooled_as_by_an_analysis_of_variance_and_an_outlier_is_not():
    groups = np.random.default_rng(5).normal(size=(12, 3))
    found = moderate(groups.var(axis=1, ddof=1), np.full(12, 2.0))
    total = groups.var(axis=1, ddof=1).mean()
    assert found.variances == pytest.approx(np.full(12, total))
    assert found.freedom == pytest.approx(np.full(12, 24.0))
    assert f_oneway(*groups).statistic == pytest.approx(3 * groups.mean(axis=1).var(ddof=1) / found.prior)
    groups[0] *= 100
    with_outlier = moderate(groups.var(axis=1, ddof=1), np.full(12, 2.0))
    assert with_outlier.prior < 2 * total
    assert with_outlier.variances[0] > 100 * with_outlier.prior
    assert moderate([0.0, 0.0], [0, 0]) is None


def test_the_variance_of_a_mean_is_that_of_the_two_way_analysis_of_variance():
    (runs,), _ = networks(np.random.default_rng(2), [0.7], 400, seeds=6, deviation=0.05)
    right = np.array(runs.right, dtype=float)
    seeds, samples = right.shape
    rows, columns, mean = right.mean(axis=1), right.mean(axis=0), right.mean()
    of_seeds = samples * np.sum((rows - mean) ** 2) / (seeds - 1)
    of_samples = seeds * np.sum((columns - mean) ** 2) / (samples - 1)
    rest = np.sum((right - rows[:, None] - columns + mean) ** 2) / ((seeds - 1) * (samples - 1))
    expected = (of_seeds + of_samples - rest) / (seeds * samples)
    found = Evidence((runs,), samples)
    assert found.of_seeds(0) + columns.var(ddof=1) / samples == pytest.approx(expected, rel=0.01)


def test_the_bound_of_independent_configurations_is_that_of_the_studentised_range():
    random = np.random.default_rng(0)
    runs = tuple(Runs((float(r.mean()),), (r,)) for r in sorted(random.random((10, 4_000)) < 0.5, key=np.mean)[::-1])
    compared = compare_with_best(Evidence(runs, 4_000), draws=20_000)
    last = compared[-1]
    errors = np.sqrt((runs[0].right[0].astype(float) - runs[-1].right[0]).var() / 4_000)
    exact = studentized_range.ppf(0.95, 10, np.inf) / np.sqrt(2)
    assert (last.difference - last.low) / errors == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("only_best", range(3, 9))
def test_few_samples_that_differ_are_compared_by_the_exact_test(only_best):
    best, other = np.arange(60) < 40, np.arange(60) < 40 - only_best
    (_, found) = compare_with_best(Evidence((Runs((40 / 60,), (best,)), Runs(((40 - only_best) / 60,), (other,))), 60))
    assert found.worse == (binomtest(only_best, only_best).pvalue < 0.05)


def test_equal_networks_are_ties_and_one_of_no_difference_has_none():
    one = np.arange(200) < 150
    assert verdicts(Evidence((Runs((0.75,), (one,)),) * 3, 200)) == ["", "tied", "tied"]
    assert verdicts(Evidence((Runs((0.75,), (one,)), Runs((0.5,))), 200)) == ["", ""]  # not stored: not compared


DIGITS = {  # accuracy and deviation over seeds of 24 random η in percent, as measured
    1: "96 0,96 0,95 0,94 0,94 0,92 0,92 0,91 0,87 0,85 0,82 0,71 0,64 0,59 0,46 0,40 0,37 0,23 0,17 0,7 0",
    2: "97 .3,96.6 0,95.2 .3,92.8 .8,92 1.8,86 1.9,85 1.6,80 .2,66 3.7,52 4,34 .2,30 .5,24 2.3,14 4,10 1,9 .8,8.5 4.5",
    3: "96.1 .2,96 .7,95.9 .8,95.7 .8,95.3 .9,92.3 .9,91.8 .6,64 4,54 5,42 3,36 8.8,30 2,17 5,11 4,10.5 .3,8 2,8 .5",
    10: "96.1 .2,96 .7,95.7 .8,92.3 .9,64 4,42 3,36 8.8,17 5,11 4,8 .5",
}


def of_digits(groups):
    """Runs with these accuracies over seeds, whose networks agree on which of 437 samples are hard."""
    random = np.random.default_rng(1)
    difficulty = random.standard_normal(437)
    for accuracies in groups:
        scores = difficulty + 0.3 * random.standard_normal(437) + 0.4 * random.standard_normal((len(accuracies), 437))
        right = tuple(s <= np.quantile(s, accuracy) for s, accuracy in zip(scores, accuracies, strict=True))
        yield Runs(tuple(float(each.mean()) for each in right), right)


@pytest.mark.parametrize("seeds", DIGITS)
def test_of_the_digits_no_chance_level_is_a_tie_at_any_number_of_seeds(seeds):
    groups = []
    for text in DIGITS[seeds].split(","):
        accuracy, deviation = (float(each) / 100 for each in text.split())
        steps = np.linspace(-1, 1, seeds) * deviation if seeds > 1 else np.zeros(1)
        groups.append([min(accuracy + step, 1) for step in steps])
    found = sorted(of_digits(groups), key=lambda runs: -runs.mean)
    marks = verdicts(Evidence(tuple(found), 437))
    assert all(mark == "worse" for mark, runs in zip(marks, found, strict=True) if runs.mean < 0.83)
    assert all(mark != "worse" for mark, runs in zip(marks, found, strict=True) if runs.mean > 0.955)
    assert marks == ["", *sorted(marks[1:])]  # no tie below one that is worse


WINE = [  # the folds' accuracies of configurations as measured: mean and deviation 98.6 ± 2, 97.9 ± 2, 87.9 ± 8, …
    (1.0, 1.0, 0.964, 1.0, 0.964),
    (1.0, 0.964, 0.964, 1.0, 0.964),
    (0.964, 0.964, 0.929, 1.0, 0.964),
    (0.893, 0.786, 0.964, 0.821, 0.929),
    (0.536, 0.5, 0.643, 0.5, 0.643),
    (0.929, 0.25, 0.357, 0.25, 0.607),
    (0.393, 0.429, 0.321, 0.5, 0.536),
    (0.143, 0.25, 0.393, 0.286, 0.321),
]


def test_of_the_wine_folds_one_that_fails_on_most_is_worse():
    random, runs = np.random.default_rng(1), []
    difficulty = random.standard_normal((5, 28))
    for scores in WINE:
        ordered = difficulty + 0.4 * random.standard_normal((5, 28))
        right = tuple(s <= np.sort(s)[round(28 * share) - 1] for s, share in zip(ordered, scores, strict=True))
        runs.append(Runs(tuple(float(each.mean()) for each in right), right, tuple(range(5))))
    marks = verdicts(Evidence(tuple(runs), 28, overlap=1 / 4))
    assert marks[1:3] == ["tied", "tied"]
    assert marks[4:] == ["worse"] * 4  # 56.4% ± 7 and 47.9% ± 29 alike


COUNTS = """423 421 422, 420 421 423, 416 416 413, 399 408 406, 394 390 395, 399 388 391, 377 362 378, 340 341 326,
332 326 344, 250 330 380, 291 258 299, 275 268 290, 215 203 198, 137 143 105, 124 107 87, 113 129 75"""
"""How many of 437 digits the networks of 16 random η classify correctly, three seeds each, as measured but for one."""


def test_an_unsteady_configuration_far_below_the_best_is_worse_as_its_steady_neighbours_are():
    groups = [[int(count) / 437 for count in group.split()] for group in COUNTS.split(",")]
    marks = verdicts(Evidence(tuple(of_digits(groups)), 437))
    assert marks[9] == "worse"  # 250, 330 and 380, whose seeds alone would leave it a tie of 422
    assert marks == ["", *sorted(marks[1:])]


def test_a_configuration_that_diverges_with_some_seeds_does_not_spoil_the_others():
    random = np.random.default_rng(4)
    steady, _ = networks(random, [0.8, 0.75, 0.7, 0.65], 2_000, seeds=5, deviation=0.003)
    (wild,), _ = networks(random, [0.4], 2_000, seeds=5, deviation=0.15)
    alone, beside = (compare_with_best(Evidence(runs, 2_000)) for runs in (steady, (*steady, wild)))
    assert [each.worse for each in beside[1:]] == [True] * 4
    widths = [[each.high - each.low for each in some[1:4]] for some in (alone, beside)]
    assert np.all(np.array(widths[1]) < 1.5 * np.array(widths[0]))


@pytest.mark.parametrize("searches", [120, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("seeds", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 10))])
def test_of_equal_configurations_none_is_worse_in_95_of_100_tables(searches, seeds):
    wrong, held = 0, []
    for number in range(searches):
        runs, truth = networks(np.random.default_rng([seeds, number]), [0.7] * 8, 300, seeds, 0.01 * (seeds > 1))
        evidence = Evidence(runs, 300)
        wrong += "worse" in verdicts(evidence)
        intervals = [evidence.interval(index) for index in range(8)]
        held += [low <= t <= high for (low, high), t in zip(intervals, truth, strict=True)]
    assert wrong / searches <= 0.06 + 2 * np.sqrt(0.05 * 0.95 / searches)
    assert np.mean(held) == pytest.approx(0.95, abs=0.035 if searches < 500 else 0.02)


def test_a_configuration_20_points_worse_is_found_at_any_number_of_seeds():
    for seeds in (1, 2, 3, 5):
        for number in range(10):
            truth = [0.7] * 7 + [0.5]
            runs, truth = networks(np.random.default_rng([seeds, number]), truth, 500, seeds, 0.01)
            assert verdicts(Evidence(runs, 500))[truth.index(0.5)] == "worse"


def test_a_configuration_that_was_drawn_several_times_is_one(engine):
    maker = made_study.Maker(engine)
    stage = maker.stage("coarse", "tpe", {"eta": {"choices": [0.1, 0.2]}}, trials=6)
    for number, (eta, ceiling) in enumerate([(0.1, 0.5), (0.2, 0.4), (0.1, 0.5), (0.1, 0.5), (0.2, 0.4), (0.2, 0.4)]):
        maker.trial(stage, number, {"eta": eta}, ceiling)
    maker.unfinished(stage, 6, {"eta": 0.1}, "failed", reason="NaN")
    (view,) = view_stages(load_frames(engine, "made"))
    assert [(row.trial, row.replicates, row.mark) for row in view.ranked] == [
        ("coarse:0, 2, 3", 3, "best"),
        ("coarse:1, 4, 5", 3, "worse"),
    ]
    assert [(row.trial, row.state) for row in view.rows[2:]] == [("coarse:6", "failed")]
    assert "A configuration that was drawn several times is one" in view.caption
    assert not any("Confirmed" in text for text in view.changes)


def test_networks_that_differ_in_few_samples_are_compared_and_equal_ones_are_ties():
    runs, _ = networks(np.random.default_rng(1), [0.98] * 64, 200)
    marks = verdicts(Evidence((runs[0], runs[0], *runs[1:]), 200))
    assert marks[:2] == ["", "tied"]
    assert "worse" not in marks
