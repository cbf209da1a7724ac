"""A step of a stage's plan. May import storage's records."""

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.storage.records import Decision, NewTrial


@dataclass(frozen=True)
class Step:
    """What to store next."""

    decisions: Sequence[Decision]
    trials: Sequence[NewTrial]

    def __bool__(self) -> bool:
        return bool(self.decisions or self.trials)
