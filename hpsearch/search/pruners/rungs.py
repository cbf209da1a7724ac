"""The scores of a stage's configurations at their rungs, from the trials' curves to the pruner and its decisions.

May import spec and storage's records.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from hpsearch.search.pruners.factory import pruner_of, rungs_of
from hpsearch.search.pruners.pruner import Candidate, RungDecision, Score
from hpsearch.spec import Pruner
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, CurvePoint, Goal, TrialRow

Curve = Sequence[CurvePoint]
"""The epochs of a trial, in order."""


@dataclass
class TrialScores:
    """A trial's score at each rung that it has reached: that of the weights that it would keep if it ended there."""

    best: Score | None = None
    at: dict[int, Score] = field(default_factory=dict)

    def add(self, rungs: Container[int], curve: Curve, sign: float, *, last: bool) -> None:
        """Take further epochs in; `last` where the last epoch's weights are kept, and not the best one's."""
        for epoch, value, loss, *scores in curve:
            if last or self.best is None or sign * value > self.best[0]:
                self.best = (sign * value, loss, *scores)
            if epoch in rungs:
                self.at[epoch] = self.best


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean over replicates, of the objective, the loss and each of several objectives."""
    score, loss, *others = (fmean(column) for column in zip(*scores, strict=True))
    return score, loss, *others


class Rungs:
    """Follows all configurations of a stage with a pruner."""

    def __init__(self, pruner: Pruner, longest: int, goal: Goal) -> None:
        """`longest` is the number of epochs of the stage's longest training."""
        self.pruner, self.longest, self.goal = pruner, longest, goal
        self._pruner = pruner_of(pruner, longest, goal)
        self._candidates: list[Candidate] = []
        self._rungs: list[frozenset[int]] = []
        self._scores: dict[int, TrialScores] = {}

    def add(self, batch: int, epochs: int) -> None:
        """The next configuration, which trains for so many epochs."""
        number = len(self._candidates)
        rungs, bracket = rungs_of(self.pruner, number, self.longest)
        candidate = Candidate(number, batch, tuple(rung for rung in rungs if rung < epochs), bracket)
        self._candidates.append(candidate)
        self._rungs.append(frozenset(candidate.rungs))
        self._pruner.add(candidate)

    def close(self, batch: int) -> None:
        """No further configuration joins this batch."""
        self._pruner.close(batch)

    def follow(self, row: TrialRow, curve: Curve) -> None:
        """A trial has trained on, or ended."""
        last = row.configuration["training"].get("keep") == "last"
        self._scores.setdefault(row.id, TrialScores()).add(self._rungs[row.point], curve, self.goal.sign, last=last)

    def report(self, number: int, rows: Sequence[TrialRow]) -> None:
        """Report a configuration to the pruner if all its replicates have reached its next rung."""
        candidate = self._candidates[number]
        rung = candidate.next_rung
        if rung is None or rung in candidate.scores:
            return
        found: list[Score | None] = []
        for row in rows:
            scores = self._scores.get(row.id, TrialScores())
            if rung in scores.at:
                found.append(scores.at[rung])
            elif row.state == COMPLETE:  # it stopped early, and its score does not change any more
                found.append(scores.best)
            elif row.state in (FAILED, PRUNED):
                found.append(None)
            else:
                return
        known = [score for score in found if score is not None]
        whole = len(known) == len(found)
        candidate.scores[rung] = mean_score(known) if whole else None
        self._pruner.report(candidate)

    def decisions(self) -> list[RungDecision]:
        """The decisions that can be made now."""
        return list(self._pruner.decisions())

    def limit(self, number: int) -> int | None:
        """The epoch at which the configuration waits for a decision; None if it may train to its end."""
        return self._candidates[number].next_rung

    def values(self, number: int) -> tuple[tuple[int, float], ...]:
        """The configuration's scores at the rungs that it has reached."""
        return tuple((rung, s[0]) for rung, s in sorted(self._candidates[number].scores.items()) if s is not None)
