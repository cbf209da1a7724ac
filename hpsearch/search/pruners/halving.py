"""Successive halving. May import the standard library."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hpsearch.search.pruners.places import Places
from hpsearch.search.pruners.pruner import REPLICATE_FAILED, Candidate, Pruner, RungDecision


@dataclass
class _Batch:
    """The configurations of one batch: its decided rungs, and how many reached the next one of those that remain."""

    candidates: list[Candidate] = field(default_factory=list)
    decided: int = 0
    reached: int = 0
    remaining: int = 0


class HalvingPruner(Pruner):
    """Successive halving (Jamieson and Talwalkar 2016), batch by batch.

    Once all remaining configurations of a batch have reached a rung, those train on that are among the best share
    `keep` of all that have reached it so far, earlier batches included. With one batch this is successive halving; with
    many it is its asynchronous form (Li et al. 2020), but in trial order.
    """

    def __init__(self, keep: float, rungs: Sequence[int]) -> None:
        self.keep = keep
        self.rungs = tuple(rungs)
        self._batches: defaultdict[int, _Batch] = defaultdict(_Batch)
        self._closed = -1
        self._places = [Places() for _ in rungs]
        self._failed = [0] * len(rungs)

    def add(self, candidate: Candidate) -> None:
        batch = self._batches[candidate.batch]
        batch.candidates.append(candidate)
        batch.remaining += candidate.next_rung is not None

    def close(self, batch: int) -> None:
        self._closed = max(self._closed, batch)

    def report(self, candidate: Candidate) -> None:
        self._batches[candidate.batch].reached += 1

    def decisions(self) -> Iterator[RungDecision]:
        before = len(self.rungs)  # decided by the batch before: a batch never overtakes it
        for number in sorted(self._batches):
            batch = self._batches[number]
            while number <= self._closed and batch.decided < before and batch.reached == batch.remaining:
                yield from self._decide_rung(batch)
            before = batch.decided
            if not before:
                return

    def _decide_rung(self, batch: _Batch) -> Iterator[RungDecision]:
        index = batch.decided
        rung, places = self.rungs[index], self._places[index]
        here = [candidate for candidate in batch.candidates if candidate.next_rung == rung]
        for candidate in here:
            score = candidate.scores[rung]
            if score is None:
                self._failed[index] += 1
            else:
                places.add(candidate.number, score)
        many = len(places) + self._failed[index]
        kept = max(1, math.ceil(self.keep * many - 1e-9))
        batch.decided += 1
        batch.reached = 0
        for candidate in here:
            yield candidate.decide(rung, self._reason(candidate, index, kept, many))
        batch.remaining = sum(candidate.next_rung is not None for candidate in here)

    def _reason(self, candidate: Candidate, index: int, kept: int, many: int) -> str | None:
        """Why a configuration is pruned, None if it is not: the best `kept` of `many` train on."""
        rung = self.rungs[index]
        score = candidate.scores[rung]
        if score is None:
            return REPLICATE_FAILED
        place = self._places[index].place(candidate.number, score)
        if place <= kept:
            return None
        best = "the best one" if kept == 1 else f"the best {kept}"
        by = " by non-dominated rank" if score[2:] else ""
        return f"place {place} of {many}{by} after epoch {rung}, where {best} went on"
