"""Priors: most values are drawn around the value that is thought to be best, by random search and TPE."""

import math

import numpy as np
import pytest
from sampler_runs import ask_all, made_stage
from scipy.stats import kstest, truncnorm

from hpsearch.search.samplers.points import UNIFORM_SHARE, draw
from hpsearch.spec import Range

LOG = Range(low=1e-5, high=1e-1, log=True, prior=1e-3, confidence="high")


@pytest.mark.parametrize(("confidence", "deviation"), [("low", 0.5), (None, 0.25), ("high", 0.125)])
@pytest.mark.parametrize("prior", [0.2, 1.0])
def test_values_are_drawn_by_a_truncated_normal_and_a_third_uniformly(confidence, deviation, prior):
    space, rng = {"x": Range(low=-1, high=1, prior=prior, confidence=confidence)}, np.random.default_rng(0)
    found = np.array([draw(space, rng)["x"] for _ in range(3000)])
    spread = 2 * deviation
    around = truncnorm((-1 - prior) / spread, (1 - prior) / spread, loc=prior, scale=spread)
    mixture = lambda x: UNIFORM_SHARE * (x + 1) / 2 + (1 - UNIFORM_SHARE) * around.cdf(x)  # noqa: E731
    assert kstest(found, mixture).pvalue > 0.01


def test_a_logarithmic_range_is_drawn_around_its_prior_in_the_logarithm():
    rng = np.random.default_rng(0)
    logs = [math.log10(draw({"x": LOG}, rng)["x"]) for _ in range(2000)]
    assert np.mean(logs) == pytest.approx(-3, abs=0.05)
    assert np.mean(np.abs(np.array(logs) + 3) < 0.5) == pytest.approx(2 / 3 * 0.683 + 1 / 3 * 0.25, abs=0.04)


def test_whole_numbers_and_steps_stay_in_their_places():
    whole = Range(low=1, high=9, integer=True, prior=5)
    steps = Range(low=0.1, high=0.5, step=0.1, prior=0.2)
    rng = np.random.default_rng(0)
    found = [draw({"whole": whole, "steps": steps}, rng) for _ in range(200)]
    assert {each["whole"] for each in found} == set(range(1, 10))
    assert {each["steps"] for each in found} == {0.1, 0.2, 0.3, 0.4, 0.5}


def test_tpe_begins_with_the_draws_of_random_search_and_then_learns():
    space = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True, "prior": 1e-3}, "eta": {"low": 0.1, "high": 1.0}}
    tpe = made_stage("tpe", 14, space=space, batch=2, n_startup_trials=6)
    random = made_stage("random", 14, space=space)
    found = ask_all(tpe)
    assert [params for params, _ in found[:6]] == [params for params, _ in ask_all(random)[:6]]
    assert [params for params, _ in found[6:]] != [params for params, _ in ask_all(random)[6:]]
    assert ask_all(tpe, cuts=[3, 9]) == found


def test_hyperparameters_without_a_prior_are_drawn_as_before_where_no_other_has_one():
    plain = {"x": Range(low=0, high=1), "y": Range(low=1, high=5, integer=True)}
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    assert draw(plain, rng) == {"x": again.uniform(0, 1), "y": math.floor(again.uniform(1, 6))}
