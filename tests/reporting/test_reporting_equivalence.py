"""Equivalence: shown by an interval within the region, probable by the true scores' distribution, never assumed."""

import made_study
import numpy as np
import pytest
from made_advice import HEAD, RANDOM, flat, make, spread

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.seed_variance import seed_variance
from hpsearch.reporting.sections.selection_bias import corrected_accuracies, with_probabilities
from hpsearch.reporting.sections.summary import summarise
from hpsearch.reporting.statistics.comparison.best import compare_with_best
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.shrinkage import shrink

INNER = [{"lambda": value, "batch_size": 100} for value in spread(2e-5, 5e-2, 6)]
CLOSE = [0.52, 0.51, 0.52, 0.51, 0.52, 0.51]


def views(engine, rope=None):
    text = HEAD + RANDOM + (f"\n[objective]\nrope = {rope}\n" if rope else "")
    flat(make(engine, INNER, CLOSE, text=text))
    frames = load_frames(engine, "made")
    stages = view_stages(frames)
    corrected = corrected_accuracies(frames, stages)
    return with_probabilities(stages, corrected), summarise(frames, stages, corrected)


def test_a_tie_is_equivalent_only_where_its_whole_interval_is_within_the_region(engine):
    (stage,), summary = views(engine, rope=0.075)
    lows = [row.verdict.found.low for row in stage.ranked[1:]]
    assert min(lows) < -0.075 < max(lows)
    assert [row.remark.startswith("≈ best, equivalent (") for row in stage.ranked[1:]] == [
        low >= -0.075 for low in lows
    ]
    assert "“Equivalent”: the whole interval is within 7.5 points of the best." in stage.caption
    text = " ".join(summary)
    number = sum(low >= -0.075 for low in lows)
    assert (
        f"{number} of them {'are' if number > 1 else 'is'} shown to be within 7.5 points of it, and differences" in text
    )


def test_without_a_region_in_the_file_it_is_half_a_point_and_nothing_is_shown(engine):
    (stage,), summary = views(engine)
    assert not any("equivalent" in row.remark for row in stage.ranked)
    assert stage.near == "within 0.5 points"
    assert "None of them is shown to be within 0.5 points of it, and differences of up to" in " ".join(summary)


def test_every_configuration_has_the_probability_that_it_is_within_the_region(engine):
    (narrow,), _ = views(engine)
    assert all(row.near.endswith("%") for row in narrow.ranked)


def test_a_wider_region_is_more_probable_and_none_leaves_the_probability_of_the_best():
    scores = np.random.default_rng(5).normal(size=8)
    narrow, wide, every = (shrink(scores, np.ones(8), rope=rope) for rope in (0.0, 0.5, 1e6))
    assert np.all(narrow.near >= narrow.best - 1e-12)  # equal ones share the probability of being the best
    assert np.all(wide.near >= narrow.near)
    assert np.all(every.near == 1.0)


@pytest.mark.slow
def test_the_probability_of_being_within_the_region_is_calibrated_over_searches_of_all_kinds():
    said, true = [], []
    for number in range(400):
        random = np.random.default_rng([3, number])
        kind = random.choice(4)
        truth = random.choice([0.5, 1.0, 2.0, 4.0]) * random.standard_normal(12)
        truth = [np.zeros(12), truth, -np.abs(truth), np.abs(truth)][kind]
        found = shrink(truth + random.standard_normal(12), np.ones(12), draws=500, rope=0.5)
        said += found.near.tolist()
        true += (truth >= truth.max() - 0.5).tolist()
    said, true = np.array(said), np.array(true)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        within = (said >= low) & (said <= low + 0.2)
        assert said[within].mean() == pytest.approx(true[within].mean(), abs=0.1)


def test_configurations_that_are_worse_do_not_make_the_seeds_of_the_best_uncertain(engine):
    maker = made_study.Maker(engine)
    maker.samples = 2_000
    stage = maker.stage("coarse", "random", {"lambda": {"low": 1e-6, "high": 1.0, "log": True}}, trials=18)
    for point in range(6):
        for seed in range(3):
            ceiling = 0.6 if point < 3 else 0.1 + 0.1 * seed  # the last three vary by 10 points
            maker.trial(stage, 3 * point + seed, {"lambda": 10.0**-point}, ceiling, point=point, replicate=seed)
    frames = load_frames(engine, "made")
    (view,) = view_stages(frames)
    assert [row.mark for row in view.ranked[3:]] == ["worse"] * 3
    assert seed_variance(frames, "coarse").variance < 0.02**2
    (view,) = with_probabilities([view], corrected_accuracies(frames, [view]))
    assert [row.near for row in view.ranked[3:]] == ["below 1%"] * 3


def test_networks_that_are_nearly_equal_are_compared():
    # In float32 the covariance of such networks was not positive definite.
    random = np.random.default_rng(0)
    one = random.random(287) < 0.97
    networks = []
    for number in range(40):
        other = one.copy()
        other[number % 3] ^= number % 2 == 0
        networks.append(other)
    networks.sort(key=lambda each: -each.mean())
    found = compare_with_best(Evidence(tuple(Runs((float(each.mean()),), (each,)) for each in networks), 287))
    assert found[0] is None
    assert not any(each.worse for each in found[1:])
