"""The interface of a pruner, and what all pruners share. May import the standard library.

A decision depends on the configurations' scores at their rungs alone, and not on the order in which they were trained.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

Score = tuple[float, float, *tuple[float, ...]]
"""A configuration's best score up to a rung, which is its value of the objective turned so that a higher one is better,
and its validation loss there; with several objectives then the scores of all of them there. Means over its replicates.
"""

REPLICATE_FAILED = "another replicate of its configuration failed"


@dataclass
class Candidate:
    """A configuration that meets the pruner at `rungs`; `scores` has its score at each so far, None if it failed."""

    number: int
    batch: int
    rungs: tuple[int, ...]
    bracket: int = 0
    scores: dict[int, Score | None] = field(default_factory=dict)
    passed: int = 0  # the number of rungs after which it trained on
    pruned_at: int | None = None  # the rung at which it was pruned

    @property
    def next_rung(self) -> int | None:
        """The rung at which it waits for a decision; None once it may train to its end."""
        return None if self.pruned_at is not None or self.passed == len(self.rungs) else self.rungs[self.passed]

    def decide(self, rung: int, reason: str | None) -> "RungDecision":
        """Prune it at a rung for a reason, or let it train on."""
        if reason is None:
            self.passed += 1
        else:
            self.pruned_at = rung
        return RungDecision(self, rung, reason)


@dataclass(frozen=True)
class RungDecision:
    """What was decided about a configuration at a rung; `reason` is None if it trains on."""

    candidate: Candidate
    rung: int
    reason: str | None


class Pruner(Protocol):
    """Makes each decision as soon as the scores that it depends on are known."""

    def add(self, candidate: Candidate) -> None:
        """A configuration was sampled; they come in order."""

    def close(self, batch: int) -> None:
        """No further configuration joins this batch or an earlier one."""

    def report(self, candidate: Candidate) -> None:
        """The configuration's score at its next rung is known."""

    def decisions(self) -> Iterator[RungDecision]:
        """Make the decisions that can be made now, and record each in its candidate."""


def sort_key(number: int, score: Score) -> tuple[float, float, int]:
    """Sorts configurations as the ranking does, the best first."""
    return -score[0], score[1], number
