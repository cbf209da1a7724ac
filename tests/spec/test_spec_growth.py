"""A study file that only extends another is distinguished from one that changes it."""

# ruff: noqa: E501  (a row of a table stays on one line)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import StudyFileError
from hpsearch.spec import Growth, growth

OLD = """
name = "x"
[data]
dataset = "digits"
train = 1_000
validation = 400
[model]
file = "models/mlp.py"
[training]
eta = 0.1
batch_size = 100
epochs = 40
[[stage]]
name = "one"
sampler = { kind = "random", trials = 8 }
budget = { minutes = 30, target = 0.5 }
confirm = 5
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.batch_size = [10, 100]
[[stage]]
name = "two"
sampler = { kind = "grid" }
space.lambda = { low = 1, high = 2, points = 3 }
[[stage]]
name = "list"
configurations = [{ lambda = 0 }, {}]
[final]
"""
THREE = '[[stage]]\nname = "three"\nconfigurations = [{ lambda = 0 }]\n[final]'
HALVED = OLD.replace("confirm = 5", 'pruner.kind = "halving"')


def changed(*changes, old=OLD):
    text = old
    for before, after in zip(changes[::2], changes[1::2], strict=True):
        assert before in text
        text = text.replace(before, after, 1)
    return growth(old, text)


def test_the_same_study_written_otherwise_has_not_grown():
    assert growth(OLD, "# again\n" + OLD.replace("1_000", "1000")) == Growth([], (), ())
    longer = "confirm = { best = 5, replicates = 10 }"
    assert changed("minutes = 30", "minutes = 30.0", "confirm = 5", longer) == Growth([], (), ())


@pytest.mark.parametrize(
    "change",
    [
        ("trials = 8", "trials = 9"),
        ("minutes = 30", "minutes = 31.5"),
        ("minutes = 30, ", ""),
        ("target = 0.5", "target = 0.6"),
        ("budget = { minutes = 30, target = 0.5 }", ""),
        ("confirm = 5", "confirm = { best = 5, replicates = 11 }"),
        ("trials = 8", "trials = 9", "minutes = 30", "minutes = 40"),
    ],
)
def test_more_trials_longer_budgets_and_more_replicates_are_growth(change):
    assert changed(*change) == Growth([], ("one",), ())


def test_configurations_at_the_end_of_a_list_and_stages_at_the_end_are_growth():
    assert changed("{}]", "{}, { lambda = 1 }, { eta = 1 }]") == Growth([], ("list",), ())
    assert changed("[final]", THREE) == Growth([], (), ("three",))
    both = changed("trials = 8", "trials = 9", "{}]", "{}, { lambda = 1 }]", "[final]", THREE)
    assert both == Growth([], ("one", "list"), ("three",))


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (("trials = 8", "trials = 7"), ["stage[0].sampler.trials: 8 → 7"]),
        (("minutes = 30", "minutes = 29"), ["stage[0].budget.minutes: 30 → 29"]),
        (("target = 0.5", "target = 0.4"), ["stage[0].budget.target: 0.5 → 0.4"]),
        (("minutes = 30", "minutes = 30, epochs = 900"), ["stage[0].budget.epochs: not given → 900"]),
        (("confirm = 5", "confirm = 6"), ["stage[0].confirm: 5 → 6"]),
        (("confirm = 5", ""), ["stage[0].confirm: 5 → not given"]),
        (("confirm = 5", "confirm = { best = 5, replicates = 9 }"), ["stage[0].confirm: 5 → not given", "stage[0].confirm.best: not given → 5", "stage[0].confirm.replicates: not given → 9"]),
        (("trials = 8", "trials = 8, batch = 4"), ["stage[0].sampler.batch: not given → 4"]),
        (("points = 3", "points = 4"), ["stage[1].space.lambda.points: 3 → 4"]),
        (("high = 2", "high = 3"), ["stage[1].space.lambda.high: 2 → 3"]),
        (("{ lambda = 0 }, {}", "{}, { lambda = 0 }, { lambda = 1 }"), ["stage[2].configurations[0].lambda: 0 → not given", "stage[2].configurations[1]: {} → not given", "stage[2].configurations[0]: not given → {}", "stage[2].configurations[1].lambda: not given → 0", "stage[2].configurations[2].lambda: not given → 1"]),
        (("{ lambda = 0 }, {}", "{ lambda = 0 }"), ["stage[2].configurations[1]: {} → not given"]),
        (("epochs = 40", "epochs = 41", "trials = 8", "trials = 9"), ["training.epochs: 40 → 41, but the trials of stage[0] cannot train longer: its budget has counted the shorter trainings"]),
        (('name = "x"', 'name = "y"'), ["name: 'x' → 'y'"]),
        (("[final]", "[final]\nreplicates = 3"), ["final: {} → not given", "final.replicates: not given → 3"]),
    ],
)  # fmt: skip
def test_anything_else_is_refused_key_by_key(change, lines):
    assert changed(*change).refused == lines


def test_a_stage_put_before_others_taken_away_or_moved_is_refused():
    inserted = changed(
        '[[stage]]\nname = "two"', '[[stage]]\nname = "new"\nconfigurations = [{}]\n[[stage]]\nname = "two"'
    )
    assert "stage[1].name: 'two' → 'new'" in inserted.refused
    removed = OLD[: OLD.index('[[stage]]\nname = "list"')] + "[final]"
    assert growth(OLD, removed).refused[0] == "stage[2].name: 'list' → not given"
    assert growth(removed, OLD) == Growth([], (), ("list",))


def test_the_hyperparameters_of_a_space_keep_their_order_because_draws_follow_it():
    one, other = "space.lambda = { low = 1e-5, high = 1e-1, log = true }\n", "space.batch_size = [10, 100]\n"
    found = changed(one + other, other + one)
    assert found.refused == ["stage[0].space: ['lambda', 'batch_size'] → ['batch_size', 'lambda']"]


def test_a_budget_that_made_the_batches_of_a_halving_is_raised_but_not_left_out():
    assert changed("target = 0.5", "target = 1", old=HALVED) == Growth([], ("one",), ())
    assert changed("minutes = 30, ", "", old=HALVED) == Growth([], ("one",), ())
    (line,) = changed(", target = 0.5", "", old=HALVED).refused
    assert line.startswith(
        "stage[0].budget: raise it; without it the pruner would no longer compare trials in batches of 16"
    )


def test_a_list_does_not_grow_by_a_longer_configuration_where_it_defines_hyperbands_brackets():
    dealt = OLD.replace("[{ lambda = 0 }, {}]", "[{ lambda = 0 }, {}]\npruner = { kind = 'hyperband' }")
    assert changed("{}]", "{}, { epochs = 9 }]", old=dealt) == Growth([], ("list",), ())
    (line,) = changed("{}]", "{}, { epochs = 99 }]", old=dealt).refused
    assert line.startswith("stage[2].configurations: must not come to more than 40 epochs, the longest so far")


def test_a_study_file_that_is_not_valid_has_not_grown():
    with pytest.raises(
        StudyFileError, match=r"^new study file: stage\[0\]\.sampler\.trials must be at least 1, got 0$"
    ):
        changed("trials = 8", "trials = 0")


SIZES = st.tuples(st.integers(5, 100), st.none() | st.integers(1, 99))


@given(SIZES, SIZES)
def test_what_is_growth_one_way_is_refused_the_other_way(one, other):
    def text(trials, minutes):
        budget = "" if minutes is None else f"minutes = {minutes}, "
        return OLD.replace("trials = 8", f"trials = {trials}").replace("minutes = 30, ", budget)

    forth, back = growth(text(*one), text(*other)), growth(text(*other), text(*one))
    assert bool(forth.refused) == bool(back.grown)
    assert bool(back.refused) == bool(forth.grown)
    assert bool(forth.refused or forth.grown) == (one != other)


LONG = """
name = "x"
data = { dataset = "digits", train = 1_000, validation = 400 }
model = { file = "models/mlp.py" }
training = { eta = 0.1, batch_size = 100, epochs = 40 }
[[stage]]
name = "one"
sampler = { kind = "random", trials = 8 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
[[stage]]
name = "two"
training.epochs = 10
configurations = [{ lambda = 0 }, {}]
[final]
"""
LONGER = ("epochs = 40", "epochs = 60")


def test_a_longer_training_is_growth_of_the_steps_that_it_is_of():
    assert changed(*LONGER, old=LONG) == Growth([], (), (), ("one", "final"))
    assert changed("training.epochs = 10", "training.epochs = 11", old=LONG) == Growth([], (), (), ("two",))
    both = changed(*LONGER, "trials = 8", "trials = 9", "{}]", "{}, { lambda = 1 }]", old=LONG)
    assert both == Growth([], ("one", "two"), (), ("one", "final"))
    assert changed("epochs = 40", "epochs = 30", old=LONG).refused == ["training.epochs: 40 → 30"]
    assert changed("epochs = 40", "updates = 500", old=LONG).refused == [
        "training.epochs: 40 → not given",
        "training.updates: not given → 500",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('trials = 8 }', 'trials = 8 }\npruner.kind = "median"'), "its median pruner has compared them by the rungs of the shorter training"),
        (('"random"', '"tpe"'), "its tpe sampler has learnt from the shorter trainings"),
        (("trials = 8 }", "trials = 8 }\nbudget.patience = 4"), "its budget has counted the shorter trainings"),
        (("trials = 8 }", "trials = 8 }\nconfirm = 2"), "confirm has chosen among them by the shorter trainings"),
        (("epochs = 40 }", 'epochs = 40, schedule.kind = "cosine" }'), "the learning rates of the cosine schedule depend on the length of the training"),
    ],
)  # fmt: skip
def test_a_longer_training_is_refused_where_what_was_trained_is_no_beginning_of_it(change, why):
    before = LONG.replace(*change)
    line, *_ = changed(*LONGER, old=before).refused
    assert line == f"training.epochs: 40 → 60, but the trials of stage[0] cannot train longer: {why}"


def test_a_higher_limit_of_the_trials_is_growth_and_a_lower_one_is_not():
    limited = LONG.replace('name = "x"', 'name = "x"\ntrial = { minutes = 5, memory = "2 GB" }')
    assert changed("minutes = 5", "minutes = 6", old=limited).relieved == ("one", "two", "final")
    assert changed(', memory = "2 GB"', "", old=limited).relieved == ("one", "two", "final")
    assert changed("2 GB", "2_GB".replace("_", ""), old=limited) == Growth([], (), ())
    assert changed("minutes = 5", "minutes = 4", old=limited).refused == ["trial.minutes: 5 → 4"]
    assert changed(*LONGER, old=limited).relieved == ()
