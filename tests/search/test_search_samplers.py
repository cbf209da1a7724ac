"""Configurations that depend on their number alone: random, grid, list, quasi-random."""

import math

import numpy as np
import pytest
from sampler_runs import SPACE, ask_all, made_stage
from scipy.stats import qmc

from hpsearch.nn.random import generator
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point, draw
from hpsearch.spec import Stage, grid

RANGES = {key: SPACE[key] for key in ("lambda", "eta")}


def test_a_random_configuration_is_drawn_by_its_number_alone():
    few, many = made_stage("random", trials=5), made_stage("random", trials=50)
    expected = [draw(few.space, generator(3, "sample", "coarse", number)) for number in range(5)]
    assert [params for params, _ in ask_all(few, seed=3)] == expected
    assert [sampler_of(many, many.space, 3).ask(number)[0] for number in reversed(range(5))] == expected[::-1]


def test_the_draws_are_those_of_the_committed_studies():
    stage = made_stage("random")
    first = sampler_of(stage, stage.space, 0).ask(0)[0]
    assert first == {"lambda": 0.00016290356457694153, "eta": 0.5475339349345479, "batch_size": 63, "hidden": [50]}


def test_a_grid_is_sampled_in_the_order_of_its_points():
    axes = {
        "lambda": {"low": 1e-3, "high": 1e-1, "log": True, "points": 3},
        "batch_size": [20, 50],
        "hidden": [[8], [9]],
    }
    stage = Stage.model_validate({"name": "coarse", "sampler": {"kind": "grid"}, "space": axes})
    sampler = sampler_of(stage, stage.space, 0)
    assert sampler.points == 12
    assert [sampler.ask(number)[0] for number in range(12)] == grid(stage.space)


def test_a_list_is_sampled_row_by_row():
    rows = [{"lambda": 1e-3}, {"lambda": 1e-2, "eta": 0.1}]
    stage = Stage.model_validate({"name": "coarse", "configurations": rows})
    assert [params for params, _ in ask_all(stage)] == rows


@pytest.mark.parametrize("kind", ["random", "qmc"])
def test_configurations_named_first_are_tried_first_and_the_rest_of_them_is_drawn(kind):
    plain, named = made_stage(kind), made_stage(kind, first=[{"lambda": 1e-3}, {"eta": 0.5, "hidden": [100]}])
    expected = [params for params, _ in ask_all(plain)]
    expected[0] |= {"lambda": 1e-3}
    expected[1] |= {"eta": 0.5, "hidden": [100]}
    assert [params for params, _ in ask_all(named)] == expected


@pytest.mark.parametrize("kind", ["random", "qmc"])
def test_a_sampler_that_does_not_learn_ignores_outcomes_and_recalled_configurations(kind):
    stage = made_stage(kind)
    sampler = sampler_of(stage, stage.space, 0)
    sampler.recall(Point(0, {"lambda": 1.0}, "running", None, (), None))
    sampler.tell(Point(0, {"lambda": 1.0}, "complete", 0.5, (), None))
    assert not sampler.learns
    assert sampler.ask(7) == ask_all(stage)[7]


@pytest.mark.parametrize("scramble", [False, True])
@pytest.mark.parametrize(("name", "engine"), [("sobol", qmc.Sobol), ("halton", qmc.Halton)])
def test_quasi_random_configurations_are_scipys_sequence_on_the_spaces_scales(name, engine, scramble):
    stage = made_stage("qmc", trials=16, space=RANGES, qmc_type=name, scramble=scramble)
    seed = int(generator(4, "sampler", "coarse").integers(2**32))
    points = engine(2, scramble=scramble, seed=seed).random(16)
    low, high = math.log(1e-5), math.log(1e-1)
    expected = np.column_stack([np.exp(low + points[:, 0] * (high - low)), 0.1 + points[:, 1] * 0.9])
    found = [[params["lambda"], params["eta"]] for params, _ in ask_all(stage, seed=4)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_quasi_random_configurations_use_every_choice_and_whole_number_evenly():
    space = {"hidden": SPACE["hidden"], "batch_size": {"low": 20, "high": 22}, "eta": SPACE["eta"]}
    stage = made_stage("qmc", trials=48, space=space)
    found = [params for params, _ in ask_all(stage)]
    for value in ([50], [100], [50, 50]):
        assert sum(params["hidden"] == value for params in found) == pytest.approx(16, abs=2)
    assert {params["batch_size"] for params in found} == {20, 21, 22}
