"""Priors: most values are drawn around the value that is thought to be best, by random search and TPE."""

import math

import numpy as np
import pytest
from sampler_runs import ask_all, made_stage
from scipy.stats import kstest, truncnorm
from study_parts import end, made
from tiny import StopAfter, options, url, workspace

from hpsearch.errors import StudyFileError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.points import UNIFORM_SHARE, Point, draw
from hpsearch.search.samplers.prior_band import PriorBandSampler
from hpsearch.search.samplers.untried import Untried
from hpsearch.search.verify.checks import verify
from hpsearch.spec import Choices, Range, Stage, parse
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import COMPLETE

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


RANGES = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True, "prior": 1e-4}, "eta": {"low": 0.1, "high": 1.0}}


def test_priorband_depends_on_outcomes_alone_also_after_kills_and_with_choices_and_conditions():
    inside = [{"kind": "sgd"}, {"kind": "momentum", "momentum": {"low": 0.5, "high": 0.99}}]
    space = RANGES | {"batch_size": [20, 50, 100], "optimiser": inside}
    stage = made_stage("priorband", 40, space=space, batch=4, first=[{"eta": 0.7}])
    found = ask_all(stage)
    assert ask_all(stage, cuts=[2, 9, 30]) == found
    assert found[0][0]["eta"] == 0.7
    momentum = [params["optimiser"]["kind"] == "momentum" for params, _ in found]
    assert momentum == ["optimiser.momentum" in params for params, _ in found]
    assert 5 < sum(momentum) < 35


@pytest.mark.parametrize(("prior", "share"), [(1e-3, (0.68 + 1 / 2) / 2), (1e-1, (0.68 + 1 / 4) / 2)])
def test_priorband_draws_by_the_priors_and_leaves_a_wrong_one_for_the_best_so_far(prior, share):
    space = RANGES | {"lambda": RANGES["lambda"] | {"prior": prior}}
    early, long = (made_stage("priorband", trials, space=space, batch=10) for trials in (10, 300))

    def near(stage, centre, seeds, first):
        rows = [params for seed in range(seeds) for params, _ in ask_all(stage, seed=seed)[first:]]
        return np.mean([abs(math.log10(params["lambda"] / centre)) < 1 for params in rows])

    assert near(early, prior, 60, 0) == pytest.approx(share, abs=0.06)
    assert near(long, 1e-3, 4, 100) > 0.53  # the best is near 1e-3, by `outcome`; of uniform draws half are there


def test_priorband_around_the_best_is_as_probable_as_its_densities_say():
    space = {"x": Range(low=0, high=1, prior=0.5), "y": Choices(choices=("a", "b", "c"), ordered=False)}
    stage = Stage.model_validate({"name": "a", "sampler": {"kind": "priorband", "trials": 9}, "space": space})
    sampler = PriorBandSampler(stage, space, 0, [], Untried(stage, space, distinct=False))
    for number, x in enumerate((0.9, 0.8, 0.3)):
        sampler.tell(Point(number, {"x": x, "y": "b"}, COMPLETE, 1 - number / 10, (), None))
    around = truncnorm(-0.9 / 0.25, 0.1 / 0.25, loc=0.9, scale=0.25)
    prior = truncnorm(-2, 2, loc=0.5, scale=0.25)
    near, by_prior = (
        sum(weight * each.pdf(x) * y for weight, x in ((3, 0.9), (2, 0.8), (1, 0.3)))
        for each, y in ((around, 0.5 * 3 + 0.5), (prior, 1))
    )
    assert sampler._share_of_best() == pytest.approx(near / (near + by_prior))
    rng = np.random.default_rng(0)
    found = [sampler._near("x", space["x"], {"x": 0.9}, rng) for _ in range(2000)]
    moved = [x for x in found if x != 0.9]
    assert len(moved) / 2000 == pytest.approx(0.5, abs=0.04)
    assert kstest(moved, around.cdf).pvalue > 0.01


def test_priorband_needs_a_prior():
    text = """
        name = "bare"
        data = { dataset = "digits", train = 100, validation = 50 }
        model = { file = "models/mlp.py" }
        training = { epochs = 2, batch_size = 50 }
        [[stage]]
        name = "only"
        sampler = { kind = "priorband", trials = 5 }
        space.eta = { low = 0.1, high = 1.0 }
    """
    with pytest.raises(StudyFileError, match="must have a prior in at least one range for priorband"):
        parse(text, "study.toml")


@pytest.mark.long
def test_a_study_of_priorband_with_halving_has_one_digest_for_any_workers_and_after_a_kill_and_is_verified(tmp_path):
    stage = """
        [[stage]]
        name = "coarse"
        sampler = { kind = "priorband", trials = 12, batch = 4 }
        pruner = { kind = "halving", keep = 0.5, rungs = [1] }
        space.eta = { low = 1e-2, high = 0.5, log = true, prior = 0.1 }
    """
    text = made(stage, "")
    folders = [tmp_path / name for name in ("one", "two", "killed")]
    for folder, workers in zip(folders, (1, 2, 1), strict=True):
        folder.mkdir()
        stop = {"watcher": StopAfter(7)} if folder.name == "killed" else {}
        launch(workspace(folder, text), options(folder, workers, **stop))
    assert resume("tiny", options(folders[2]))
    assert len({end(folder) for folder in folders}) == 1
    with opened_to_read(url(folders[0])) as connection:
        assert not [each for each in verify(connection, reading.get_study(connection, "tiny")) if each.problems]
