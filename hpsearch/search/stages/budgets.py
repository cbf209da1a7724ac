"""A stage's budgets: of epochs, a target of the objective, and patience.

They are checked over the first configurations of a stage, once these are settled, so that the end of a stage does not
depend on time. May import spec and storage's records.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.spec import Budget
from hpsearch.storage.records import COMPLETE, Goal, TrialRow


@dataclass(frozen=True)
class Spent:
    """The cost and the best score of the first configurations of a stage."""

    epochs: int = 0
    best: float = -math.inf
    since_best: int = 0
    reached: int | None = None  # the first trial of the first configuration that reached the target


class Ledger:
    """Sums up a stage's configurations as they are settled: as their trials have all ended, in order."""

    def __init__(self, budget: Budget, goal: Goal) -> None:
        self.budget, self.goal = budget, goal
        self.spent = [Spent()]
        """By the number of first configurations."""

    @property
    def settled(self) -> int:
        """The number of first configurations that are settled."""
        return len(self.spent) - 1

    def settle(self, rows: Sequence[TrialRow]) -> None:
        """The next configuration is settled, with these trials."""
        before = self.spent[-1]
        scores = [row.score for row in rows if row.state == COMPLETE and row.score is not None]
        score = fmean(scores) if len(scores) == len(rows) else -math.inf
        target, reached = self.budget.target, before.reached
        if reached is None and target is not None and score >= self.goal.sign * target:
            reached = rows[0].number
        since = 0 if score > before.best else before.since_best + 1
        epochs = before.epochs + sum(row.epochs_done for row in rows)
        self.spent.append(Spent(epochs, max(score, before.best), since, reached))

    def over(self, first: int) -> str | None:
        """Why the stage ends after the first configurations: by its target or its patience; None if it does not."""
        spent = self.spent[first]
        if spent.reached is not None:
            return f"Trial {spent.reached} reached the target, {self.goal.text(self.budget.target or 0.0)}."
        if self.budget.patience is not None and spent.since_best >= self.budget.patience:
            best = self.goal.text(self.goal.sign * spent.best if math.isfinite(spent.best) else 0.0)
            return f"No configuration was better than {best} for {spent.since_best} in a row."
        return None

    def too_long(self, used: int, further: int) -> str | None:
        """Why the stage ends before `further` epochs: by its budget of epochs; None if it does not."""
        most = self.budget.epochs
        if most is None or used + further <= most:
            return None
        return f"The budget of {most:,} epochs: {used:,} are used, and going on would take {further:,}."
