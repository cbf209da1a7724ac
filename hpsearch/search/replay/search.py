"""One search replayed: a chooser and a pruner over configurations that trained to their end. May import spec."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpsearch import spec
from hpsearch.search.pruners.factory import pruner_of, rungs_of
from hpsearch.search.pruners.pruner import Candidate
from hpsearch.search.replay.choosers import Chooser
from hpsearch.search.replay.curves import Trained, best_of
from hpsearch.search.samplers.points import Point
from hpsearch.storage.records import ACCURACY, COMPLETE, PRUNED, Goal


@dataclass(frozen=True)
class Plan:
    """What is replayed: so many configurations, in batches of `batch` or all at once, with or without a pruner.

    `lag` is how many of the configurations before one its sampler does not know yet, of a sampler with a window.
    """

    trials: int
    pruner: spec.Pruner | None = None
    batch: int | None = None
    lag: int = 0
    goal: Goal = ACCURACY


@dataclass(frozen=True)
class Replayed:
    """How a replayed search ended: what it chose, and how many epochs it trained, audits as their expected number."""

    chosen: Trained
    epochs: float
    pruned: int


def replay(configurations: Sequence[Trained], chooser: Chooser, plan: Plan) -> Replayed:
    """Replay one search. A configuration that the pruner decides against is not chosen, as in the ranking."""
    return _Search(configurations, chooser, plan).run()


class _Search:
    def __init__(self, configurations: Sequence[Trained], chooser: Chooser, plan: Plan) -> None:
        self.configurations, self.chooser, self.plan = configurations, chooser, plan
        self.longest = max(each.epochs for each in configurations)
        self.pruner = pruner_of(plan.pruner, self.longest, plan.goal) if plan.pruner else None
        self.drawn: list[Trained] = []
        self.candidates: list[Candidate] = []
        self._reported = 0

    def run(self) -> Replayed:
        size = self.plan.batch or self.plan.trials
        for first in range(0, self.plan.trials, size):
            numbers = range(first, min(first + size, self.plan.trials))
            for point in self._outcomes(first - self.plan.lag):
                self.chooser.tell(point)
            for number in numbers:
                self._add(number, first // size)
            if self.pruner:
                self.pruner.close(first // size)
                self._decide(self.candidates[first:])
        return self._replayed()

    def _add(self, number: int, batch: int) -> None:
        found = self.configurations[self.chooser.choose(number)]
        rungs, bracket = rungs_of(self.plan.pruner, number, self.longest) if self.plan.pruner else ((), 0)
        candidate = Candidate(number, batch, tuple(rung for rung in rungs if rung < found.epochs), bracket)
        self.drawn.append(found)
        self.candidates.append(candidate)
        if self.pruner:
            self.pruner.add(candidate)

    def _decide(self, candidates: Sequence[Candidate]) -> None:
        """Train each to its next rung, and let the pruner decide, until none waits."""
        assert self.pruner
        waiting = list(candidates)
        while waiting:
            for candidate in waiting:
                rung = candidate.next_rung
                if rung is not None and rung not in candidate.scores:
                    candidate.scores[rung] = self.drawn[candidate.number].at(rung)
                    self.pruner.report(candidate)
            waiting = [decision.candidate for decision in self.pruner.decisions()]

    def _outcomes(self, until: int) -> Iterator[Point]:
        """The outcomes of the configurations before number `until` that the chooser does not know yet."""
        for number in range(self._reported, max(self._reported, until)):
            candidate, found = self.candidates[number], self.drawn[number]
            rungs = tuple((rung, score[0]) for rung, score in sorted(candidate.scores.items()) if score is not None)
            pruned = candidate.pruned_at
            score = found.end[0] if pruned is None else found.at(pruned)[0]
            yield Point(number, found.params, COMPLETE if pruned is None else PRUNED, score, rungs, None)
            self._reported = number + 1

    def _replayed(self) -> Replayed:
        audit, epochs = self.plan.pruner.audit if self.plan.pruner else 0.0, 0.0
        pairs = list(zip(self.drawn, self.candidates, strict=True))
        for found, candidate in pairs:
            spent = found.cost(candidate.pruned_at)
            epochs += spent + audit * (found.cost() - spent)
        left = [found for found, candidate in pairs if candidate.pruned_at is None]
        return Replayed(best_of(left), epochs, len(pairs) - len(left))
