"""The median rule. May import storage's records."""

from bisect import insort
from collections.abc import Iterator, Sequence

from hpsearch.search.pruners.places import Places
from hpsearch.search.pruners.pruner import REPLICATE_FAILED, Candidate, Pruner, RungDecision, Score
from hpsearch.storage.records import Goal


class MedianPruner(Pruner):
    """The median rule (Golovin et al. 2017): a configuration worse than the earlier ones' median at a rung is pruned.

    The earlier ones are all configurations of lower number that reached the rung. The first `startup` configurations
    are never pruned. With several objectives, one is pruned if more than half of the earlier ones have a better
    non-dominated rank among these and itself.
    """

    def __init__(self, startup: int, rungs: Sequence[int], goal: Goal) -> None:
        self.startup, self.goal = startup, goal
        self.rungs = tuple(rungs)
        self._candidates: list[Candidate] = []
        self._decided = [0] * len(rungs)  # by rung: how many of the first candidates
        self._scores: list[list[float]] = [[] for _ in rungs]  # by rung, sorted
        self._places = [Places() for _ in rungs]  # by rung, of several objectives

    def add(self, candidate: Candidate) -> None:
        self._candidates.append(candidate)

    def close(self, batch: int) -> None:
        pass  # a decision needs the earlier configurations alone

    def report(self, candidate: Candidate) -> None:
        pass

    def decisions(self) -> Iterator[RungDecision]:
        for index, rung in enumerate(self.rungs):
            while self._decided[index] < len(self._candidates):
                candidate = self._candidates[self._decided[index]]
                at = candidate.next_rung
                if at is not None and (at < rung or (at == rung and rung not in candidate.scores)):
                    break
                self._decided[index] += 1
                if candidate.next_rung == rung:
                    yield candidate.decide(rung, self._reason(candidate, index))

    def _reason(self, candidate: Candidate, index: int) -> str | None:
        """Why a configuration is pruned; None if it is not."""
        rung, earlier = self.rungs[index], self._scores[index]
        score = candidate.scores[rung]
        if score is None:
            return REPLICATE_FAILED
        if score[2:]:
            return self._by_rank(candidate.number, score, index)
        value = score[0]
        middle = (earlier[(len(earlier) - 1) // 2] + earlier[len(earlier) // 2]) / 2 if earlier else value
        reason = None
        if candidate.number >= self.startup and value < middle:
            here, there = (self.goal.text(self.goal.sign * score) for score in (value, middle))
            side = "below" if self.goal.sign > 0 else "above"
            reason = f"{here} after epoch {rung}, {side} {there}, the median of the {len(earlier)} before it"
        insort(earlier, value)
        return reason

    def _by_rank(self, number: int, score: Score, index: int) -> str | None:
        """The same by several objectives."""
        places = self._places[index]
        many, (rank, ahead) = len(places), places.ahead(score)
        places.add(number, score)
        if number < self.startup or 2 * ahead <= many:
            return None
        return f"non-dominated rank {rank} after epoch {self.rungs[index]}, behind {ahead} of the {many} before it"
