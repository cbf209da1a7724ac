"""Pruners decide at rungs, from the scores there alone, in whatever order trials were trained."""

import random
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.search.pruners.factory import pruner_of, rungs_of
from hpsearch.search.pruners.pruner import Candidate, Pruner
from hpsearch.spec.tables.pruners import Halving, Hyperband, Median

Curves = list[list[float]]
"""By configuration, the accuracy so far after each epoch."""


def pruned(
    pruner: Pruner, candidates: list[Candidate], curves: Curves, shuffle: random.Random
) -> dict[int, int | None]:
    """Train all configurations to their rungs in any order; return the epoch at which each was pruned."""
    for candidate in candidates:
        pruner.add(candidate)
    pruner.close(max(candidate.batch for candidate in candidates))
    waiting = list(candidates)
    while waiting:
        candidate = waiting.pop(shuffle.randrange(len(waiting)))
        rung = candidate.next_rung
        if rung is None:
            continue
        candidate.scores[rung] = curves[candidate.number][rung - 1], 0.0
        pruner.report(candidate)
        waiting += [decision.candidate for decision in pruner.decisions()]
    assert all(candidate.next_rung is None for candidate in candidates)
    return {candidate.number: candidate.pruned_at for candidate in candidates}


def run(
    pruner: Halving | Hyperband | Median, curves: Curves, seed: int = 0, batch: int = 10_000
) -> dict[int, int | None]:
    epochs = len(curves[0])
    candidates = []
    for number in range(len(curves)):
        rungs, bracket = rungs_of(pruner, number, epochs)
        candidates.append(Candidate(number, number // batch, rungs, bracket))
    return pruned(pruner_of(pruner, epochs), candidates, curves, random.Random(seed))


def drawn(configurations: int, epochs: int, seed: int = 1) -> Curves:
    rng = random.Random(seed)
    return [[round(rng.random(), 2) for _ in range(epochs)] for _ in range(configurations)]


def halved(curves: Curves, numbers: list[int], rungs: tuple[int, ...], keep: float) -> dict[int, int | None]:
    """Successive halving as in a textbook: sort, and keep the best share."""
    pruned_at: dict[int, int | None] = dict.fromkeys(numbers)
    for rung in rungs:
        best = sorted(numbers, key=lambda number: (-curves[number][rung - 1], number))
        kept = max(1, -int(-len(numbers) * keep // 1))
        pruned_at |= dict.fromkeys(best[kept:], rung)
        numbers = best[:kept]
    return pruned_at


def test_halving_in_one_batch_is_the_textbooks():
    curves = drawn(23, 16)
    pruner = Halving(kind="halving", keep=0.5, rungs=(2, 4, 8))
    assert run(pruner, curves) == halved(curves, list(range(23)), (2, 4, 8), 0.5)


@given(st.integers(0, 1000), st.sampled_from([1, 3, 8, 100]), st.sampled_from(["halving", "hyperband", "median"]))
def test_decisions_do_not_depend_on_the_order_of_training(seed, batch, kind):
    kinds = {
        "halving": Halving(kind="halving", keep=0.4),
        "hyperband": Hyperband(kind="hyperband"),
        "median": Median(kind="median", startup=2),
    }
    curves = drawn(20, 9, seed)
    assert run(kinds[kind], curves, 1, batch) == run(kinds[kind], curves, 2, batch)


def test_a_batch_is_decided_before_the_next_one_is_known():
    curves = drawn(16, 8)
    pruner = Halving(kind="halving", keep=0.5, rungs=(1, 4))
    first = run(pruner, curves[:8], batch=8)
    both = run(pruner, curves, batch=8)
    assert {number: both[number] for number in range(8)} == first


def test_a_later_batch_is_compared_with_all_that_reached_the_rung():
    curves = [[0.9, 0.9]] * 4 + [[0.1, 0.1]] * 4
    pruned_at = run(Halving(kind="halving", keep=0.5, rungs=(1,)), curves, batch=4)
    assert [pruned_at[number] for number in range(4)] == [None, None, 1, 1]
    assert all(pruned_at[number] == 1 for number in range(4, 8))


def test_hyperband_is_a_halving_for_each_bracket():
    curves = drawn(40, 27)
    pruner = Hyperband(kind="hyperband", keep=1 / 3)
    brackets = pruner.brackets_for(27)
    members = {b: [n for n in range(40) if pruner.bracket_of(n, 27) == b] for b in range(len(brackets))}
    expected = {}
    for bracket, numbers in members.items():
        expected |= halved(curves, numbers, brackets[bracket], 1 / 3)
    assert run(pruner, curves) == expected


def test_the_median_rule_compares_with_those_before():
    curves = drawn(30, 6)
    pruned_at = run(Median(kind="median", startup=4), curves)
    expected: dict[int, int | None] = dict.fromkeys(range(30))
    for rung in range(1, 6):
        earlier: list[float] = []
        for number in range(30):
            if expected[number] is not None and expected[number] < rung:
                continue
            value = curves[number][rung - 1]
            if number >= 4 and earlier and value < median(earlier):
                expected[number] = rung
            earlier.append(value)
    assert pruned_at == expected


def test_a_failed_configuration_trains_no_further_and_takes_no_place_among_the_best():
    candidates = [Candidate(number, 0, (1,)) for number in range(4)]
    pruner = pruner_of(Halving(kind="halving", keep=0.5, rungs=(1,)), 4)
    for candidate, score in zip(candidates, [None, (0.5, 1.0), (0.6, 1.0), (0.4, 1.0)], strict=True):
        pruner.add(candidate)
        candidate.scores[1] = score
        pruner.report(candidate)
    pruner.close(0)
    assert [decision.candidate.number for decision in pruner.decisions() if decision.reason is None] == [1, 2]
    assert candidates[0].pruned_at == 1


def test_equal_accuracies_are_ranked_by_the_loss_and_then_by_the_number():
    candidates = [Candidate(number, 0, (1,)) for number in range(3)]
    pruner = pruner_of(Halving(kind="halving", keep=1 / 3, rungs=(1,)), 2)
    for candidate, loss in zip(candidates, [1.2, 1.1, 1.1], strict=True):
        pruner.add(candidate)
        candidate.scores[1] = 0.5, loss
        pruner.report(candidate)
    pruner.close(0)
    assert [decision.candidate.number for decision in pruner.decisions() if decision.reason is None] == [1]
    assert candidates[0].pruned_at == 1
