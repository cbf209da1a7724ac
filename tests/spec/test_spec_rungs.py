"""The rungs of a pruner that is given none."""

import pytest
from tiny import TINY

from hpsearch.spec import chosen_rungs, parse, with_rungs


def study_text(pruner, epochs=50, schedule='kind = "constant"'):
    text = TINY.replace("epochs = 3", f"epochs = {epochs}\nschedule = {{ {schedule} }}").replace(
        "trials = 5", "trials = 9"
    )
    return text.replace("trials = 9 }", f"trials = 9 }}\npruner = {{ {pruner} }}")


def study_of(*given):
    return parse(study_text(*given), "study")


def chosen(*given):
    study = study_of(*given)
    return chosen_rungs(study, study.stages[0])


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [(2, (1,)), (3, (1,)), (8, (1, 3, 5)), (27, (2, 5, 18)), (50, (3, 8, 33)), (200, (13, 33, 133))],
)
def test_halving_decides_twice_early_and_once_when_most_of_the_training_is_over(epochs, rungs):
    assert chosen('kind = "halving"', epochs) == rungs


@pytest.mark.parametrize(
    ("keep", "rungs"),
    [(1e-320, (3,)), (0.1, (3,)), (0.2, (3, 33)), (0.5, (3, 4, 6, 8, 33)), (1 - 1e-16, tuple(range(3, 50)))],
)
def test_halving_that_keeps_more_decides_more_often_so_that_about_as_many_are_left(keep, rungs):
    assert chosen(f'kind = "halving", keep = {keep}') == rungs


def test_no_rung_is_before_the_end_of_the_longest_warm_up():
    assert chosen('kind = "halving"', 50, 'kind = "cosine", warmup_epochs = 10') == (10, 25, 33)
    # 200 samples are 4 updates an epoch in batches of 50
    assert chosen('kind = "halving"', 50, 'kind = "cosine", warmup_updates = 40') == (10, 25, 33)
    assert chosen('kind = "hyperband"', 50, 'kind = "cosine", warmup_epochs = 10') == (10, 30)


def test_the_rungs_are_those_of_the_epochs_that_a_limit_of_updates_leaves():
    text = study_text('kind = "halving"')
    limited = parse(f"trial = {{ updates = {27 * 4} }}\n{text}", "study")
    assert chosen_rungs(limited, limited.stages[0]) == chosen('kind = "halving"', 27)


def test_hyperband_and_the_median_rule_begin_where_halving_does():
    assert chosen('kind = "hyperband"') == (3, 9, 27)
    assert chosen('kind = "median"') == (3,)


def test_a_number_of_rungs_begins_earlier_where_so_many_would_not_fit():
    assert chosen('kind = "halving", rungs = 3') == (3, 9, 27)
    assert chosen('kind = "halving", rungs = 4') == (1, 3, 9, 27)


@pytest.mark.parametrize("given", ["rungs = [2, 4]", "min_epochs = 1"])
def test_nothing_is_chosen_where_the_file_says_it(given):
    assert chosen(f'kind = "halving", {given}') is None


def test_a_study_from_before_there_was_a_choice_has_rungs_from_the_first_epoch_on():
    pruner = study_of('kind = "halving"', 50).stages[0].pruner
    assert with_rungs(pruner, None).rungs_for(50) == (1, 3, 9, 27)
    assert with_rungs(pruner, (3, 5)).rungs_for(50) == (3, 5)
    assert with_rungs(pruner, (3, 5)).rungs_for(4) == (3,)
