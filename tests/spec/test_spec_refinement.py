"""What `around` promises: a range about the best, inside the range it came from unless the best is on its edge."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.spec import Around, Choices, Range, is_training_key, limits, narrow, parse, probes, resolve

FULL = Range(low=1e-5, high=1e-1, log=True)


@st.composite
def finished_stages(draw):
    """A range, the values that a stage tried in it, its best values (best first), and the `around` that follows."""
    integer = draw(st.booleans())
    log = draw(st.booleans())
    numbers = st.integers(1 if log else -50, 200) if integer else st.floats(1e-6 if log else -5, 100)
    low, high = sorted(draw(st.tuples(numbers, numbers).filter(lambda ends: ends[0] != ends[1])))
    source = Range(low=low, high=high, log=log, integer=integer)
    inside = st.integers(low, high) if integer else st.floats(low, high)
    tried = draw(st.lists(inside | st.sampled_from([low, high]), min_size=1, max_size=12))
    best = draw(st.permutations(tried))[: draw(st.integers(1, len(tried)))]
    return source, tried, best, Around(around="coarse", best=draw(st.integers(1, 4)))


def on_edge(source, tried, best):
    """The rule of docs/study-file.md, said again: (lower, upper)."""
    scale = math.log if source.log else float
    step = (scale(source.high) - scale(source.low)) / max(len(set(tried)), 2)
    near = [abs(scale(bound) - scale(best)) <= step for bound in (source.low, source.high)]
    return near[0] and best == min(tried), near[1] and best == max(tried)


@given(finished_stages())
def test_the_best_is_inside_and_the_range_is_left_only_at_an_edge(stage):
    source, tried, best, around = stage
    new, note = narrow("k", around, source, best, tried)
    lower, upper = on_edge(source, tried, best[0])
    assert new.low < new.high
    assert new.low <= min(best[: around.best])
    assert max(best[: around.best]) <= new.high
    assert new.low >= source.low or lower
    assert new.high <= source.high or upper
    assert lower or new.low < best[0]
    assert upper or new.high > best[0]
    assert bool(note) == (lower or upper)


@example((Range(low=5e-324, high=1.0), [0.5], [0.5], Around(around="coarse")))
@given(finished_stages())
def test_a_range_keeps_its_kind_and_never_reaches_zero(stage):
    source, tried, best, around = stage
    new, _ = narrow("k", around, source, best, tried)
    assert (new.log, new.integer) == (source.log, source.integer)
    assert not new.integer or (type(new.low) is int and type(new.high) is int)
    assert new.low > 0 or source.low <= 0
    assert new.low >= 0 or source.low < 0
    assert new.high < 0 or source.high >= 0
    assert new.high <= 0 or source.high > 0


@given(finished_stages(), st.floats(-10, 300), st.floats(-10, 300))
def test_an_extension_stays_within_the_limits(stage, lowest, highest):
    source, tried, best, around = stage
    new, _ = narrow("k", around, source, best, tried, (lowest, highest))
    assert new.low >= min(source.low, lowest)
    assert new.high <= max(source.high, highest)


A_FEW_UNITS_IN_THE_LAST_PLACE = Range(low=16.012888191235078, high=16.01288819123508, log=True)


@given(finished_stages(), st.integers(2, 300))
@example((A_FEW_UNITS_IN_THE_LAST_PLACE, [16.012888191235078], [16.012888191235078], Around(around="coarse")), 6)
def test_a_grid_around_has_values_of_the_range_in_order(stage, points):
    source, tried, best, around = stage
    new, _ = narrow("k", around.model_copy(update={"points": points}), source, best, tried)
    values = new.grid()
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (new.low, new.high)
    assert len(values) <= points


@given(st.lists(st.integers(), min_size=1, unique=True), st.data())
def test_around_choices_are_those_of_the_best_in_their_order(choices, data):
    best = data.draw(st.lists(st.sampled_from(choices), min_size=1))
    n = data.draw(st.integers(1, 5))
    new, note = narrow("k", Around(around="a", best=n), Choices(choices=tuple(choices), ordered=False), best, best)
    assert new.choices == tuple(choice for choice in choices if choice in best[:n])
    assert note is None


@pytest.mark.parametrize(
    ("choices", "best", "expected"),
    [
        ([10, 100, 20, 50, 200], [50], [100, 20, 50]),  # by their value, kept as they were listed
        ([10, 20, 50], [10], [10, 20]),
        ([10, 20, 50, 100, 200], [10, 200], [10, 20, 100, 200]),
    ],
)
def test_around_ordered_choices_takes_their_neighbours_where_asked_to(choices, best, expected):
    source = Choices(choices=tuple(choices))
    new, _ = narrow("k", Around(around="a", best=2, neighbours=True), source, best, choices)
    assert (list(new.choices), new.ordered) == (expected, True)
    alone, _ = narrow("k", Around(around="a", best=2), source, best, choices)
    assert list(alone.choices) == [choice for choice in choices if choice in best]


def test_a_list_of_numbers_is_ordered_unless_it_says_otherwise_and_other_lists_if_they_say_so():
    said = [[1, 2.5], ["a", "b"], [1, "a"], [True, False], [[1], [2]]]
    assert [Choices(choices=tuple(each)).ordered for each in said] == [True, False, False, False, False]
    assert Choices(choices=("small", "large", "huge"), ordered=True).in_order == ("small", "large", "huge")
    assert Choices(choices=(3, 1, 2), ordered=False).in_order == (3, 1, 2)


def test_a_range_goes_half_way_to_the_next_value_tried():
    tried = [1e-4, 1e-3, 1e-2]
    new, note = narrow("lambda", Around(around="a"), FULL, [1e-3], tried)
    assert math.isclose(new.low, 10**-3.5)
    assert math.isclose(new.high, 10**-2.5)
    assert note is None


def test_a_best_value_near_the_edge_extends_the_range_and_is_not_said_to_be_on_it():
    new, note = narrow("lambda", Around(around="coarse", best=2), FULL, [2e-5, 1e-3], [2e-5, 1e-3, 1e-2, 2e-2])
    assert math.isclose(new.low, 1e-6)
    assert note == (
        "lambda: the best value, 2e-05, is the lowest that was tried, "
        "near the lower end of the range of stage 'coarse' (1e-05 to 0.1); "
        "the new range goes on to 1e-06."
    )


def test_a_range_that_ends_at_its_limit_says_that_it_cannot_go_on():
    new, note = narrow("dropout", Around(around="a"), Range(low=0, high=0.5), [0.0], [0.0, 0.25, 0.5])
    assert (new.low, new.high) == (0, 0.125)
    assert note == (
        "dropout: the best value, 0, is on the lower edge of the range of stage 'a' (0 to 0.5), "
        "beyond which it cannot go."
    )


SEARCHING = """
name = "x"
data = {{ dataset = "digits", train = 1_000, validation = 100 }}
model = {{ file = "m.py" }}
[training]
batch_size = 100
{training}
[[stage]]
name = "a"
sampler = {{ kind = "random", trials = 2 }}
space = {{ {space} }}
[final]
data = {{ train = 500 }}
"""

CYCLE = "schedule = {{ kind = 'cyclical', eta_min = 0.01, eta_max = 0.1, half_cycle_epochs = {} }}"
COSINE = "eta = 0.2\nepochs = 40\nschedule = { kind = 'cosine', eta_min = 0.01, warmup_epochs = 4 }"
ONE = "epochs = 40\nschedule = { kind = 'one_cycle', eta_max = 1, eta_min = 0.1 }"
LIMITS = [
    ("cycles = 2\n" + CYCLE.format(2), "'schedule.eta_max' = { low = 0.1, high = 1 }", (0.01, 1e15)),
    ("cycles = 2\n" + CYCLE.format(2), "batch_size = { low = 10, high = 20 }", (1, 500)),
    ("cycles = 2\n" + CYCLE.format(2), "'schedule.half_cycle_epochs' = { low = 2, high = 4 }", (1, 10**9)),
    ("epochs = 40\n" + CYCLE.format(2), "'schedule.half_cycle_epochs' = { low = 2, high = 4 }", (2, 4)),
    ("epochs = 40\n" + CYCLE.format(2), "epochs = { low = 20, high = 40 }", (20, 40)),
    ("epochs = 40\n" + CYCLE.format(2), "hidden = { low = 20, high = 40 }", (-1e15, 1e15)),
    ("epochs = 40\n" + CYCLE.format(2), "batch_size = [10, 20]", (-1e15, 1e15)),
    (COSINE, "eta = { low = 0.1, high = 1 }", (0.01, 1e15)),
    (COSINE, "'schedule.eta_min' = { low = 0.01, high = 0.1 }", (0, 0.2)),
    (COSINE, "'schedule.eta_min' = { low = 0.01, high = 0.1 }, eta = { low = 0.1, high = 1 }", (0, 0.1)),
    (COSINE, "eta = { low = 0.1, high = 1 }, 'schedule.eta_min' = { low = 0.01, high = 0.1 }", (0.1, 1e15)),
    (COSINE, "epochs = { low = 20, high = 50 }", (20, 50)),
    (COSINE, "'schedule.warmup_epochs' = { low = 2, high = 5 }", (2, 5)),
    (COSINE, "lambda = { low = 0, high = 1 }", (0, 1e15)),
    ("updates = 400\n" + COSINE.replace("epochs = 40\n", ""), "clip_norm = { low = 1, high = 2 }", (0, 1e15)),
    (ONE, "'schedule.eta_max' = { low = 0.5, high = 1 }", (0.1, 1e15)),
    (ONE, "'schedule.eta_min' = { low = 0.1, high = 0.5 }", (0, 1)),
    (ONE.replace("}", ", eta_end = 0.01 }"), "'schedule.eta_min' = { low = 0.1, high = 0.5 }", (0.01, 1)),
    (ONE.replace(", eta_min = 0.1", ""), "'schedule.eta_max' = { low = 0.5, high = 1 }", (0, 1e15)),
    (ONE, "'schedule.warm' = { low = 0.25, high = 0.5 }", (0, 0.75)),
    (ONE + "\noptimiser = 'adam'", "'optimiser.beta1' = { low = 0.5, high = 0.75 }", (0, 0.875)),
]


@pytest.mark.parametrize(("training", "space", "expected"), LIMITS)
def test_the_limits_of_a_hyperparameter_are_those_that_every_configuration_keeps(training, space, expected):
    study = parse(SEARCHING.format(training=training, space=space), "x")
    stage = study.stages[0]
    key = next(iter(stage.space))
    found = limits(study, stage, key)
    assert found == pytest.approx(expected)
    if not is_training_key(key) or expected[0] < 0:
        return
    source = stage.space[key]
    for value in (found[0] or source.low / 2, min(found[1], 10 * source.high)):
        for params in probes(study, stage):
            for step in (stage, study.final):
                resolve(study, step, params | {key: int(value) if source.integer else value})
