"""Priors: most values are drawn around the value that is thought to be best, by random search and TPE."""

import math
from dataclasses import replace

import numpy as np
import pytest
from optuna.samplers import TPESampler
from sampler_runs import ask_all, made_stage
from scipy.stats import kstest, truncnorm
from tiny import TINY, options, url, workspace

from hpsearch.search.launch import launch
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.optuna_samplers import distributions
from hpsearch.search.samplers.points import UNIFORM_SHARE, draw
from hpsearch.search.samplers.priors import PRIORS, by_priors, kernels_of
from hpsearch.search.verify.replay import replay
from hpsearch.spec import Range, parse
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

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


def test_tpe_has_the_prior_as_a_component_of_its_densities_where_optuna_has_the_whole_range():
    space = {"lambda": LOG, "eta": Range(low=0, high=8, integer=True, prior=2), "step": Range(low=0, high=1, step=0.25)}
    assert kernels_of(space) == {"lambda": (math.log(1e-3), math.log(1e4) / 8), "eta": (2.0, 2.0)}
    sampler = TPESampler()
    by_priors(sampler, kernels_of(space))
    told = {"lambda": np.array([1e-2, 3e-2]), "eta": np.array([5, 6]), "step": np.array([0, 4])}
    made = sampler._parzen_estimator_cls(told, distributions(space), sampler._parzen_estimator_parameters)
    last = [(float(each.mu[-1]), float(each.sigma[-1])) for each in made._mixture_distribution.distributions]
    assert last == [(math.log(1e-3), math.log(1e4) / 8), (2.0, 2.0), (2.0, 5.0)]


def test_a_stage_of_an_earlier_version_goes_on_with_the_prior_at_its_start_alone(tmp_path):
    prior = 'high = 1e-1, log = true, prior = 1e-4, confidence = "high" }'
    text = TINY.replace('"random", trials = 5', '"tpe", trials = 9, batch = 3, n_startup_trials = 3')
    path = workspace(
        tmp_path, text.replace("high = 1e-1, log = true }", prior, 1).partition('[[stage]]\nname = "fine"')[0]
    )
    launch(path, options(tmp_path))
    with opened_to_read(url(tmp_path)) as connection:
        (stage,) = reading.stages(connection, 1)
        trials, curves = reading.trials(connection, stage.id), reading.validation_curves(connection, stage.id)
    study, former = parse(path.read_text("utf-8"), "a"), replace(stage, data={**stage.data})
    assert former.data.pop(PRIORS) == "throughout"
    assert list(replay(study, stage, trials, curves, {})) == []
    assert "trial coarse:3: its params is" in next(iter(replay(study, former, trials, curves, {})))
    first = sampler_of(study.stages[0], dict(study.stages[0].space), 0, prior_at_start=True)
    assert first.ask(0)[0] == dict(trials[0].params)


def test_hyperparameters_without_a_prior_are_drawn_as_before_where_no_other_has_one():
    plain = {"x": Range(low=0, high=1), "y": Range(low=1, high=5, integer=True)}
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    assert draw(plain, rng) == {"x": again.uniform(0, 1), "y": math.floor(again.uniform(1, 6))}
