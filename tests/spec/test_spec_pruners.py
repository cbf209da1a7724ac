"""At which epochs a pruner prunes, and how Hyperband assigns configurations to its brackets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.spec import Halving, Hyperband, Median

KEEPS = st.floats(0.05, 0.9)


def halving(**keys):
    return Halving.of({"kind": "halving", **keys})


def test_rungs_follow_one_another_by_a_factor_below_the_length_of_the_training():
    assert halving().rungs_for(81) == (1, 3, 9, 27)
    assert halving(keep=0.333).rungs_for(1000) == (1, 3, 9, 27, 81, 243, 730)
    assert halving(keep=0.5, min_epochs=3).rungs_for(24) == (3, 6, 12)
    assert halving(keep=0.5, rungs=2).rungs_for(24) == (1, 2)
    assert halving(rungs=[2, 5, 8]).rungs_for(8) == (2, 5)
    assert halving().rungs_for(1) == ()


def test_rungs_are_whole_epochs_however_many_trials_are_kept():
    assert halving(keep=0.9, rungs=4).rungs_for(40) == (1, 2, 3, 4)
    assert halving(keep=1e-320).rungs_for(40) == (1,)
    assert halving(keep=1 - 1e-16, rungs=1000).rungs_for(10**9) == tuple(range(1, 1001))


@given(KEEPS, st.integers(1, 5), st.integers(1, 300), st.integers(1, 300))
def test_a_shorter_trial_meets_the_first_rungs_of_a_longer_one(keep, first, one, other):
    short, long = sorted((one, other))
    for pruner in (
        halving(keep=keep, min_epochs=first),
        Median.of({"kind": "median", "min_epochs": first}),
        Median.of({"kind": "median", "min_epochs": first, "rungs": 3}),
    ):
        rungs = pruner.rungs_for(long)
        assert pruner.rungs_for(short) == tuple(rung for rung in rungs if rung < short)
        assert all(earlier < later for earlier, later in pairwise(rungs))


def test_the_median_pruner_prunes_after_every_epoch_unless_it_is_given_rungs():
    assert Median.of({"kind": "median", "min_epochs": 3}).rungs_for(7) == (3, 4, 5, 6)
    assert Median.of({"kind": "median", "min_epochs": 3, "rungs": 3}).rungs_for(40) == (3, 6, 12)
    assert Median.of({"kind": "median", "rungs": [5, 10]}).rungs_for(40) == (5, 10)


def test_each_bracket_begins_a_rung_later_and_the_last_prunes_nothing():
    pruner = Hyperband.of({"kind": "hyperband"})
    assert pruner.brackets_for(27) == ((1, 3, 9), (3, 9), (9,), ())
    assert pruner.brackets_for(2) == ((1,), ())


@pytest.mark.parametrize("epochs", [27, 81])
def test_brackets_get_the_shares_of_the_paper(epochs):
    pruner = Hyperband.of({"kind": "hyperband"})
    last = len(pruner.brackets_for(epochs)) - 1
    weights = [3.0 ** (last - b) / (last - b + 1) for b in range(last + 1)]
    dealt = [pruner.bracket_of(n, epochs) for n in range(1000)]
    for bracket, weight in enumerate(weights):
        assert dealt.count(bracket) == pytest.approx(1000 * weight / sum(weights), abs=1)


@given(KEEPS, st.integers(2, 200), st.integers(1, 400))
def test_configurations_are_assigned_evenly_from_the_first_on(keep, epochs, points):
    pruner = Hyperband.of({"kind": "hyperband", "keep": keep})
    last = len(pruner.brackets_for(epochs)) - 1
    dealt = [pruner.bracket_of(n, epochs) for n in range(points)]
    eager = keep**-last / (last + 1)
    share = eager / sum(keep**-s / (s + 1) for s in range(last + 1))
    assert set(dealt) <= set(range(last + 1))
    assert abs(dealt.count(0) - points * share) <= 0.5 + 1e-6


def test_shares_too_small_for_a_float_leave_all_to_the_brackets_that_prune_first():
    assert Hyperband.of({"kind": "hyperband", "keep": 1e-320}).bracket_of(10**5, 40) == 0
    assert Hyperband.of({"kind": "hyperband", "keep": 0.999}).bracket_of(10**5, 10_000) >= 0
