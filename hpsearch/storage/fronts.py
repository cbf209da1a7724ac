"""Configurations in order: while their trials run, and by several objectives at once.

All scores are turned so that a higher one is better. May import the standard library.
"""

import math
from collections.abc import Sequence

Scores = Sequence[float]

Place = tuple[int, int, float]


def place(complete: int, known: int, replicates: int, ended: float, so_far: float) -> Place:
    """Where a configuration stands while its stage runs, as the search ranks it in the end; the greater is the better.

    By how many of its trials are complete beyond the `replicates` that each has, which confirm it; by how many of those
    have a score, since a trial that has ended does not come before one that trains: an audited one ends before all that
    were not pruned; then by a mean, over those that are complete if they are enough, else over all.
    """
    mean = ended if complete >= replicates else so_far
    return max(0, complete - replicates), min(known, replicates), mean


def dominates(one: Scores, other: Scores) -> bool:
    """Is `one` at least as good in each objective, and better in some?"""
    return all(a >= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def front_ranks(scores: Sequence[Scores]) -> list[int]:
    """The non-dominated rank of each: 0 for the front, 1 for the front of the others, and so on.

    Efficient non-dominated sorting with binary search (Zhang et al. 2015): from the best in the first objective on,
    each goes to the first front of which no member dominates it. Equal ones have equal ranks.
    """
    found = [0] * len(scores)
    fronts: list[list[Scores]] = []
    for i in sorted(range(len(scores)), key=lambda i: tuple(-value for value in scores[i])):
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if any(dominates(member, scores[i]) for member in reversed(fronts[middle])):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append([])
        fronts[low].append(scores[i])
        found[i] = low
    return found


def crowding(scores: Sequence[Scores]) -> list[float]:
    """The crowding distance of each member of one front (Deb et al. 2002): infinite at the ends of each objective.

    Values that are not finite count as the nearest finite one.
    """
    found = [0.0] * len(scores)
    for k in range(len(scores[0]) if scores else 0):
        finite = [one[k] for one in scores if math.isfinite(one[k])]
        low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
        values = [min(max(one[k], low), high) for one in scores]
        order = sorted(range(len(scores)), key=lambda i: (values[i], i))
        found[order[0]] = found[order[-1]] = math.inf
        for before, i, after in zip(order, order[1:], order[2:], strict=False):
            if high > low:
                found[i] += (values[after] - values[before]) / (high - low)
    return found


def order(scores: Sequence[Scores]) -> list[int]:
    """The positions from best to worst: by rank, within one by the larger crowding distance, then by position."""
    ranks = front_ranks(scores)
    distances = [0.0] * len(scores)
    for rank in set(ranks):
        members = [i for i, each in enumerate(ranks) if each == rank]
        for i, distance in zip(members, crowding([scores[i] for i in members]), strict=True):
            distances[i] = distance
    return sorted(range(len(scores)), key=lambda i: (ranks[i], -distances[i], i))
