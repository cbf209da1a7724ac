"""The rungs of a pruner that is given none."""

import pytest
from study_parts import HEAD, random

from hpsearch.spec import chosen_rungs, parse, with_rungs


def chosen(pruner, epochs=50, *more):
    head = HEAD.replace("epochs = 3", f"epochs = {epochs}") + "\n".join(more)
    study = parse(head + "\n" + random(9, f"pruner = {{ {pruner} }}"), "study")
    return chosen_rungs(study, study.stages[0])


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(2, (1,)), (3, (1, 2)), (8, (1, 2)), (27, (2, 3)), (40, (3, 5)), (50, (3, 5)), (200, (13, 20))]
)
def test_halving_decides_twice_within_the_first_tenth_of_the_training(epochs, rungs):
    assert chosen('kind = "halving"', epochs) == rungs


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
    study = parse(HEAD + random(9, 'pruner = { kind = "halving" }'), "study")
    assert with_rungs(study.stages[0].pruner, None).rungs_for(50) == (1, 3, 9, 27)
    assert with_rungs(study.stages[0].pruner, (3, 5)).rungs_for(50) == (3, 5)
    assert with_rungs(study.stages[0].pruner, (3, 5)).rungs_for(4) == (3,)
