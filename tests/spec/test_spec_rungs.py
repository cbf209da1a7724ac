"""The rungs of a pruner that is given none."""

import pytest
from tiny import TINY

from hpsearch.spec import chosen_rungs, parse, with_rungs


def study_of(pruner, epochs):
    text = TINY.replace("epochs = 3", f"epochs = {epochs}").replace("trials = 5", "trials = 9")
    return parse(text.replace("trials = 9 }", f"trials = 9 }}\npruner = {{ {pruner} }}"), "study")


def chosen(pruner, epochs=50):
    study = study_of(pruner, epochs)
    return chosen_rungs(study, study.stages[0])


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [(2, (1,)), (3, (1, 2)), (8, (1, 2)), (27, (2, 3)), (40, (3, 5)), (50, (3, 5)), (200, (13, 20))],
)
def test_halving_decides_twice_within_the_first_tenth_of_the_training(epochs, rungs):
    assert chosen('kind = "halving"', epochs) == rungs


@pytest.mark.parametrize(
    ("keep", "rungs"), [(0.1, (3,)), (0.25, (3, 5)), (0.5, (3, 5, 8)), (0.9, (3, 5, 8, 12, 18, 27, 41)), (1e-320, (3,))]
)
def test_halving_that_keeps_more_decides_more_often_so_that_about_a_ninth_is_left(keep, rungs):
    assert chosen(f'kind = "halving", keep = {keep}') == rungs


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
