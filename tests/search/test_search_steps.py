"""Ranges with a step: exact decimal values in every sampler, in grids, and around the best of a stage."""

from decimal import Decimal

import pytest
from sampler_runs import ask_all, made_stage, needs

from hpsearch.spec import Around, Range, Stage, narrow

SPACE = {
    "lambda": {"low": 0.1, "high": 0.5, "step": 0.1},
    "eta": {"low": 0.001, "high": 0.01, "step": 0.001},
    "batch_size": {"low": 20, "high": 100, "step": 20},
}
SAMPLERS = [
    "random",
    "qmc",
    "tpe",
    "nsga2",
    pytest.param("cmaes", marks=needs("cmaes")),
    pytest.param("gp", marks=[needs("torch", "greenlet"), pytest.mark.slow]),
]


def in_decimal(low: str, step: str, number: int) -> list[float]:
    return [float(Decimal(low) + i * Decimal(step)) for i in range(number)]


def test_a_range_with_a_step_has_the_values_that_a_reader_would_write():
    assert Range(low=0.1, high=0.5, step=0.1).grid() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert Range(low=0, high=1e-5, step=1e-6).grid() == in_decimal("0", "1e-6", 11)
    assert Range(low=-0.3, high=0.3, step=0.1).grid() == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
    assert Range(low=0, high=1, step=0.1, points=3).grid() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("kind", SAMPLERS)
def test_every_sampler_takes_all_of_a_ranges_steps_and_nothing_between(kind):
    stage = made_stage(kind, 24, space=SPACE, **({"n_startup_trials": 8} if kind in ("tpe", "cmaes", "gp") else {}))
    found = [params for params, _ in ask_all(stage, cuts=[9])]
    assert found == [params for params, _ in ask_all(stage)]
    assert {params["lambda"] for params in found} == {0.1, 0.2, 0.3, 0.4, 0.5}
    assert {params["eta"] for params in found} <= set(in_decimal("0.001", "0.001", 10))
    assert {params["batch_size"] for params in found} == {20, 40, 60, 80, 100}


def test_a_grid_needs_no_points_where_a_range_has_a_step():
    stage = Stage.model_validate({"name": "a", "sampler": {"kind": "grid"}, "space": SPACE})
    found = [params for params, _ in ask_all(stage)]
    assert len(found) == 5 * 10 * 5
    assert found[1] == {"lambda": 0.1, "eta": 0.001, "batch_size": 40}


@pytest.mark.parametrize(
    ("tried", "best", "expected"),
    [
        ([0.2, 0.5, 0.9], 0.5, (0.3, 0.7)),  # half way to 0.2 is 0.35, which goes outwards
        ([0.4, 0.5, 0.6], 0.5, (0.4, 0.6)),
        ([0.9, 1.0, 0.1], 1.0, (0.9, 1.3)),  # the edge: a third of 0.9 further
    ],
)
def test_around_a_range_with_a_step_the_ends_are_on_its_steps(tried, best, expected):
    new, _ = narrow("x", Around(around="a"), Range(low=0.1, high=1, step=0.1), [best], tried)
    assert (new.low, new.high, new.step) == (*expected, 0.1)
