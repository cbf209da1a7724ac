"""Hyperband. May import the standard library."""

from collections.abc import Iterator, Sequence

from hpsearch.search.pruners.halving import HalvingPruner
from hpsearch.search.pruners.pruner import Candidate, Pruner, RungDecision


class HyperbandPruner(Pruner):
    """Hyperband (Li et al. 2018): brackets of successive halving, whose first rungs range from early to late."""

    def __init__(self, keep: float, brackets: Sequence[Sequence[int]]) -> None:
        self._brackets = [HalvingPruner(keep, rungs) for rungs in brackets]

    def add(self, candidate: Candidate) -> None:
        self._brackets[candidate.bracket].add(candidate)

    def close(self, batch: int) -> None:
        for bracket in self._brackets:
            bracket.close(batch)

    def report(self, candidate: Candidate) -> None:
        self._brackets[candidate.bracket].report(candidate)

    def decisions(self) -> Iterator[RungDecision]:
        for bracket in self._brackets:
            yield from bracket.decisions()
