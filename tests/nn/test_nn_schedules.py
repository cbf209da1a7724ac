"""Schedules against values computed by hand from their formulas."""

import numpy as np
import pytest

from hpsearch.nn.schedules import constant, cosine, cyclical, one_cycle, step_decay, warm_up

ROOT = 2**-0.5

TABLE = {
    "constant": (constant(0.1), {0: 0.1, 7: 0.1}),
    "step decay": (step_decay(0.1, 0.1, 10), {0: 0.1, 9: 0.1, 10: 0.01, 19: 0.01, 20: 0.001}),
    "cyclical": (cyclical(1e-5, 0.1, 500), {0: 1e-5, 250: 0.050005, 500: 0.1, 750: 0.050005, 1000: 1e-5, 1500: 0.1}),
    "cyclical, half cycle of 1": (cyclical(0.0, 1.0, 1), {0: 0.0, 1: 1.0, 2: 0.0, 3: 1.0}),
    "cyclical, halving": (cyclical(0.2, 1.0, 2, halve=True), {0: 0.2, 1: 0.6, 2: 1.0, 4: 0.2, 6: 0.6, 10: 0.4}),
    "cosine": (cosine(1.0, 8, 0.2), {0: 1.0, 2: 0.2 + 0.4 * (1 + ROOT), 4: 0.6, 8: 0.2, 100: 0.2}),
    "warm up": (warm_up(constant(1.0), 4), {0: 0.25, 1: 0.5, 3: 1.0, 4: 1.0, 50: 1.0}),
    "warm up of step decay": (warm_up(step_decay(1.0, 0.5, 2), 4), {0: 0.25, 1: 0.5, 2: 0.375, 3: 0.5, 4: 0.25}),
    "one cycle": (one_cycle(1.0, 11, 3 / 11, 10, 100), {0: 0.1, 1: 0.55, 2: 1.0, 6: 0.5005, 10: 0.001, 30: 0.001}),
    "one cycle of one update": (one_cycle(1.0, 1), {0: 1.0}),
    "one cycle of two updates": (one_cycle(1.0, 2, 0.3, 10, 100), {0: 1.0, 1: 0.001}),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_schedule_has_the_values_of_its_formula(name):
    schedule, expected = TABLE[name]
    rates = schedule(np.array(list(expected)))
    assert rates.dtype == np.float64
    assert rates == pytest.approx(list(expected.values()), rel=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_a_rate_does_not_depend_on_where_training_is_cut(name):
    schedule, _ = TABLE[name]
    whole = schedule(np.arange(1003))
    pieces = [schedule(np.arange(a, b)) for a, b in ((0, 1), (1, 500), (500, 1003))]
    assert np.array_equal(whole, np.concatenate(pieces))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constant(-0.1), "eta must be at least 0 and finite, got -0.1"),
        (lambda: constant(float("nan")), "eta must be at least 0 and finite, got nan"),
        (lambda: step_decay(0.1, float("inf"), 1), "factor must be at least 0 and finite, got inf"),
        (lambda: step_decay(0.1, 0.5, 0), "every must be at least 1, got 0"),
        (lambda: cyclical(-1e-5, 0.1, 5), "eta_min must be at least 0 and finite, got -1e-05"),
        (lambda: cyclical(0.0, 0.1, 0), "half_cycle must be at least 1, got 0"),
        (lambda: cosine(0.1, 0), "updates must be at least 1, got 0"),
        (lambda: warm_up(constant(0.1), 0), "updates must be at least 1, got 0"),
        (lambda: one_cycle(0.1, 100, rise=1.0), "rise must be above 0 and below 1, got 1.0"),
        (lambda: one_cycle(0.1, 100, start=0.0), "start must be at least 1, got 0.0"),
    ],
)
def test_an_impossible_schedule_is_refused_with_rule_and_value(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
