"""The corrected accuracy of the best: it is what a plain loop gives, and near the truth in simulated searches."""

import time
import tracemalloc

import made_searches
import numpy as np
import pytest

from hpsearch.metrics import parse
from hpsearch.reporting.sections.selection_bias import shrunken_and_worth
from hpsearch.reporting.statistics.bootstrap import bags
from hpsearch.reporting.statistics.bootstrap.bags import Bags
from hpsearch.reporting.statistics.comparison.best import compare_with_best
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.contributions import bounds, contributions
from hpsearch.reporting.statistics.intervals import Bounds, wilson_interval
from hpsearch.reporting.statistics.selection import Run, Valued, correct_selection_bias

SEARCHES = pytest.mark.parametrize("searches", [100, pytest.param(1_000, marks=pytest.mark.slow)])


def corrected(right, **arguments):
    """Of single networks at one epoch, (configurations, samples)."""
    return correct_selection_bias([[Run.of(each[None])] for each in right], right.shape[1], **arguments)


def epochs_of(seed, configurations, seeds, epochs, samples):
    """Equal networks at equally good epochs, which agree on the easy samples; the best configuration first."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(configurations, seeds, epochs, samples))
    right = random.normal(size=samples) + 0.5 * own < 0
    return right[np.argsort(-right.mean(axis=3).max(axis=2).mean(axis=1), kind="stable")]


@pytest.mark.parametrize(("seeds", "epochs", "folds"), [(1, 1, False), (2, 4, False), (2, 4, True)])
def test_the_corrected_accuracy_is_that_of_choosing_again_in_a_plain_loop(seeds, epochs, folds):
    right, gains = epochs_of(0, 5, seeds, epochs, 120), []
    runs = [[Run.of(run) for run in each] for each in right]
    size, at_best = 240 if folds else 120, right.mean(axis=3).argmax(axis=2)
    drawn = Bags.draw(120, 2 if folds else 1, [run for each in runs for run in each], 500, 0).drawn
    assert np.all(drawn.sum(axis=(1, 2)) == 2 * size)
    for parts in drawn:
        counts = parts if folds else np.repeat(parts, seeds, axis=0)
        scores = np.einsum("cres,rs->cre", right, counts)
        chosen, totals = scores.argmax(axis=2), scores.max(axis=2).sum(axis=1)

        def outside(place, at):
            return np.concatenate([right[place, r, e][counts[r] == 0] for r, e in enumerate(at)]).mean()  # noqa: B023

        equal = np.flatnonzero(totals == totals.max())
        gains.append(np.mean([outside(place, chosen[place]) for place in equal]) - outside(0, at_best[0]))
    found = correct_selection_bias(runs, 120, folds=folds, resamples=500)
    assert found.raw == right[0].mean(axis=2).max(axis=1).mean()
    assert found.corrected == pytest.approx(found.raw + np.mean(gains), abs=0.002)  # but for the choice among equals
    assert (found.samples, found.epochs) == (size, epochs)


@pytest.mark.parametrize(("seeds", "epochs", "folds"), [(1, 1, False), (2, 4, False), (2, 4, True)])
def test_of_contributions_the_corrected_score_is_that_of_choosing_again_in_a_plain_loop(seeds, epochs, folds):
    random = np.random.default_rng(1)
    values = 30 + 0.6 * random.normal(size=120) + random.standard_t(5, size=(5, seeds, epochs, 120))
    values = values[np.argsort(-values.mean(axis=3).max(axis=2).mean(axis=1))].astype(np.float32)
    runs = [[Valued.of(run) for run in each] for each in values]
    at_best = values.mean(axis=3).argmax(axis=2)
    bags = Bags.draw(120, 2 if folds else 1, [run for each in runs for run in each], 300, 0)
    gains = []
    for parts in bags.drawn:
        counts = parts if folds else np.repeat(parts, seeds, axis=0)
        chosen = [
            [np.average(values[c, r], axis=1, weights=counts[r]).argmax() for r in range(seeds)] for c in range(5)
        ]
        totals = [sum((values[c, r, chosen[c][r]] * counts[r]).sum() for r in range(seeds)) for c in range(5)]

        def outside(place, at):
            return np.concatenate([values[place, r, e][counts[r] == 0] for r, e in enumerate(at)]).mean()  # noqa: B023

        winner = int(np.argmax(totals))
        gains.append(outside(winner, chosen[winner]) - outside(0, at_best[0]))
    found = correct_selection_bias(runs, 120, folds=folds, bounds=Bounds(), resamples=300)
    assert found.raw == pytest.approx(values[0].mean(axis=2).max(axis=1).mean())
    assert found.corrected == pytest.approx(found.raw + np.mean(gains), abs=1e-5)
    assert found.low < found.corrected < found.high


def test_the_accuracy_as_contributions_is_corrected_as_the_accuracy_is():
    right = epochs_of(2, 6, 1, 5, 400)
    bits = correct_selection_bias([[Run.of(run) for run in runs] for runs in right], 400)
    found = correct_selection_bias([[Valued.of(run.astype(float)) for run in runs] for runs in right], 400)
    assert found.corrected == pytest.approx(bits.corrected, abs=1e-3)  # but for the choice among equals
    assert (found.low, found.high) == pytest.approx((bits.low, bits.high), abs=2e-3)
    assert found.of_epochs == pytest.approx(bits.of_epochs, abs=1e-3)
    assert found.within_reach.noise == pytest.approx(bits.within_reach.noise, rel=1e-3)


def test_a_network_with_one_huge_error_leaves_the_others_as_they_are():
    values = np.random.default_rng(3).normal(size=(6, 1, 300)).astype(np.float32)
    values = values[np.argsort(-values.mean(axis=(1, 2)))]
    wild = np.append(values[1, 0, :-1], np.float32(-1e9))[None]
    runs = [[Valued.of(each)] for each in values]
    with_it = correct_selection_bias([*runs, [Valued.of(wild)]], 300, bounds=Bounds())
    without = correct_selection_bias(runs, 300, bounds=Bounds())
    assert with_it.corrected == pytest.approx(without.corrected, abs=1e-6)
    assert with_it.within_reach.noise == pytest.approx(without.within_reach.noise, rel=1e-6)


def test_the_choice_of_the_epoch_is_a_part_of_the_selection_bias():
    off = []
    for seed in range(40):
        right = epochs_of(seed, 6, 1, 15, 400)
        found = correct_selection_bias([[Run.of(run) for run in runs] for runs in right], 400, resamples=200)
        easy = right.mean() - 0.5  # of these samples, which no choice makes
        off.append([found.raw - 0.5 - easy, found.corrected - 0.5 - easy, found.of_epochs / found.selection_bias])
    raw, debiased, part = np.mean(off, axis=0)
    assert raw > 0.025
    assert abs(debiased) < 0.004
    assert 0.5 < part < 0.9  # the best of 15 epochs of the best of 6: E max is 1.74 of 2.53 standard deviations


def test_the_same_matrix_gives_the_same_bits_however_it_is_cut_into_blocks(monkeypatch):
    _, right = made_searches.search(np.random.default_rng(0), 6, 5_000, 0.1)
    first = corrected(right)
    assert corrected(right) == first
    monkeypatch.setattr(bags, "_CELLS", 10_000)  # two configurations at a time
    assert corrected(right).corrected == pytest.approx(first.corrected, abs=1e-4)
    assert first.raw >= first.corrected > first.low


def test_a_clearly_best_configuration_keeps_its_accuracy_and_is_always_chosen_again():
    right = np.zeros((2, 400), bool)
    right[0, :300], right[1, :100] = True, True
    found = corrected(right)
    low, high = wilson_interval(300, 400)
    assert (found.chosen_again, found.configurations, found.samples) == (1.0, 2, 400)
    assert found.corrected == pytest.approx(0.75, abs=0.003)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)


def test_equal_configurations_are_chosen_equally_often_whichever_comes_first():
    right = np.tile(np.arange(100) < 60, (4, 1))
    assert corrected(right).chosen_again == pytest.approx(0.25, abs=0.05)
    assert corrected(right).corrected == pytest.approx(0.6, abs=0.005)


@pytest.mark.parametrize("shape", [(0, 100), (1, 100), (5, 10)])
def test_without_a_choice_or_with_too_few_samples_there_is_no_correction(shape):
    assert corrected(np.ones(shape, bool)) is None


def test_configurations_that_are_all_right_stay_within_one():
    found = corrected(np.ones((3, 50), bool))
    assert (found.raw, found.corrected, found.high) == (1, 1, 1)
    assert found.low > 0.9


def test_replicates_count_by_their_mean():
    _, right = made_searches.search(np.random.default_rng(3), 5, 300, 0.02)
    once, thrice = corrected(right), correct_selection_bias([3 * [Run.of(each[None])] for each in right], 300)
    assert thrice.corrected == pytest.approx(once.corrected, abs=1e-12)
    assert thrice.raw == pytest.approx(once.raw)


@pytest.mark.slow
@pytest.mark.parametrize(("epochs", "limit"), [(1, 2), (40, 6)])
def test_a_thousand_configurations_on_5000_samples_take_seconds_and_little_memory(epochs, limit):
    random = np.random.default_rng(0)
    runs = [[Run.of(random.random((epochs, 5_000), dtype=np.float32) < 0.5)] for _ in range(1_000)]
    runs.sort(key=lambda each: -int(np.bitwise_count(each[0].correct[each[0].chosen]).sum()))
    tracemalloc.start()
    began = time.process_time()
    correct_selection_bias(runs, 5_000)
    seconds, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < limit
    assert most < 200e6


@SEARCHES
def test_the_corrected_accuracy_is_within_0_3_points_of_the_truth_where_the_raw_one_is_off_by_over_1(searches):
    off = []
    for number in range(searches):
        truth, right = made_searches.search(np.random.default_rng([11, number]), 40, 500, 0.005)
        found = corrected(right, resamples=100)
        off.append((found.raw - truth[0], found.corrected - truth[0]))
    raw, debiased = 100 * np.mean(off, axis=0)
    assert raw > 1
    assert abs(debiased) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "left"), [(0.0, 0.01), (0.02, 0.004)])
def test_after_pruning_the_correction_is_better_with_the_pruned_configurations(spread, left):
    errors = []
    for number in range(60):
        truth, finished, pruned = made_searches.halved(np.random.default_rng([31, number]), 40, 500, spread)
        found = [corrected(right, resamples=150) for right in (finished, np.concatenate([finished, pruned]))]
        errors.append([found[0].raw - truth, *(each.corrected - truth for each in found)])
    raw, without, together = np.mean(errors, axis=0)
    assert abs(together) < left < 0.012 < raw
    assert together + 0.003 < without  # with the finished ones alone it is still too high


@pytest.mark.slow
@SEARCHES
@pytest.mark.parametrize(
    ("configurations", "samples", "spread", "mean"), [(20, 1_000, 0.015, 0.5), (9, 287, 0.006, 0.97)]
)
def test_the_interval_of_the_corrected_accuracy_holds_the_truth_in_93_to_97_of_100_searches(
    searches, configurations, samples, spread, mean
):
    holds = 0
    for number in range(searches):
        truth, right = made_searches.search(np.random.default_rng([17, number]), configurations, samples, spread, mean)
        found = corrected(right, resamples=150)
        holds += found.low <= truth[0] <= found.high
    slack = 2 * np.sqrt(0.05 * 0.95 / searches)  # of the simulation itself
    assert 0.93 - slack <= holds / searches <= 0.97 + slack


@pytest.mark.parametrize(("samples", "share"), [(5_000, 0.5), (1_000, 0.9), (287, 0.97), (144, 0.95)])
def test_wilsons_interval_holds_the_truth_in_93_to_97_of_100_samples(samples, share):
    right = np.random.default_rng(5).binomial(samples, share, size=5_000).tolist()
    bounds = {number: wilson_interval(number, samples) for number in set(right)}
    assert 0.93 <= np.mean([bounds[number][0] <= share <= bounds[number][1] for number in right]) <= 0.97


@SEARCHES
@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_the_tie_set_holds_the_truly_best_in_95_of_100_searches(searches, spread):
    holds = 0
    for number in range(searches):
        truth, right = made_searches.search(np.random.default_rng([23, number]), 15, 500, spread)
        # Without a difference each is the truly best: any that was named beforehand, here by its own drawing.
        best = int(truth.argmax()) if spread else int(np.random.default_rng([29, number]).integers(15))
        compared = compare_with_best(Evidence(tuple(Runs((float(one.mean()),), (one,)) for one in right), 500))
        holds += best == 0 or not compared[best].worse
    assert holds / searches >= 0.95


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "matthews_corrcoef", "roc_auc"])
def test_a_perfect_score_of_few_samples_is_not_taken_for_certain(name):
    # Forty equally good configurations of which few are wrong about any of 40 samples: the truth is one in forty.
    random, metric = np.random.default_rng(7), parse(name)
    truth, said, held = np.repeat([0, 1], 20), [], []
    for _ in range(10):
        scores = np.clip(truth + 0.3 * random.standard_normal((40, 40)), 0, 1)
        found = scores > 0.5 if metric.needs == "classes" else np.stack([1 - scores, scores], axis=2)
        values = [
            contributions(metric, truth, each.astype(int) if each.ndim == 1 else each, ("no", "yes")) for each in found
        ]
        values.sort(key=lambda each: -each.mean())
        runs = [[Valued.of(each[None], bounded=True)] for each in values]
        chosen = correct_selection_bias(runs, 40, bounds=bounds(metric), resamples=200)
        assert chosen.raw == pytest.approx(1)
        assert bounds(metric).low <= chosen.low < 0.97
        assert chosen.high <= 1
        said.append(float(shrunken_and_worth(chosen, 1, None)[0].best[0]))
        held.append(chosen.corrected)
    assert np.mean(said) < 0.15
    assert np.mean(held) < 1 - 1e-3


@pytest.mark.parametrize("folds", [False, True])
def test_two_networks_that_agree_on_every_one_of_few_samples_are_not_shown_to_be_equivalent(folds):
    for samples, within_half_a_point in ((40, False), (20_000, True)):
        right = np.arange(samples) % 10 > 0
        parts = tuple(np.split(right, 2)) if folds else (right,)
        runs = Runs(tuple(float(each.mean()) for each in parts), parts, (0, 1) if folds else ())
        evidence = Evidence((runs, runs), samples // len(parts), overlap=0.25 if folds else None)
        other = compare_with_best(evidence)[1]
        assert other.difference == 0
        assert not other.worse
        assert (other.low > -0.005) is within_half_a_point


def test_intervals_stay_where_the_metric_can_be():
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1], 20)
    for name in ("matthews_corrcoef", "cohen_kappa"):
        metric = parse(name)
        predicted = np.where(random.random((5, 40)) < 0.05, 1 - truth, truth)
        each = sorted((contributions(metric, truth, one) for one in predicted), key=lambda one: -one.mean())
        runs = tuple(Runs((float(one.mean()),), (one.astype(np.float32),)) for one in each)
        for index in range(5):
            low, high = Evidence(runs, 40, bounds=bounds(metric)).interval(index)
            assert -1 <= low < runs[index].mean
            assert runs[index].mean <= high <= 1
    # Of two equal classes κ = 2·accuracy − 1, so that its interval is Wilson's.
    low, high = wilson_interval(38, 40)
    right = np.append(np.zeros(2), np.ones(38))
    evidence = Evidence((Runs((0.9,), ((2 * right - 1).astype(np.float32),)),), 40, bounds=Bounds(-1, 1))
    assert evidence.interval(0) == pytest.approx((2 * low - 1, 2 * high - 1), abs=0.02)
