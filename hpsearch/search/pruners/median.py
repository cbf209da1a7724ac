"""The median rule. May import the standard library."""

from bisect import insort
from collections.abc import Iterator, Sequence

from hpsearch.search.pruners.pruner import REPLICATE_FAILED, Candidate, Pruner, RungDecision


class MedianPruner(Pruner):
    """The median rule (Golovin et al. 2017): a configuration below the median of the earlier ones at a rung is pruned.

    The earlier ones are all configurations of lower number that reached the rung. The first `startup` configurations
    are never pruned.
    """

    def __init__(self, startup: int, rungs: Sequence[int]) -> None:
        self.startup = startup
        self.rungs = tuple(rungs)
        self._candidates: list[Candidate] = []
        self._decided = [0] * len(rungs)  # by rung: how many of the first candidates
        self._accuracies: list[list[float]] = [[] for _ in rungs]  # by rung, sorted

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
        rung, earlier = self.rungs[index], self._accuracies[index]
        score = candidate.scores[rung]
        if score is None:
            return REPLICATE_FAILED
        value = score[0]
        middle = (earlier[(len(earlier) - 1) // 2] + earlier[len(earlier) // 2]) / 2 if earlier else value
        reason = None
        if candidate.number >= self.startup and value < middle:
            reason = f"{value:.2%} after epoch {rung}, below {middle:.2%}, the median of the {len(earlier)} before it"
        insort(earlier, value)
        return reason
