"""What the tables of judgement.py have in common: a goal, and whether it is met. May import nothing of ours."""

import math
from dataclasses import dataclass

LIKELY = 2.0
"""A goal is missed where the measured value is so many standard errors beyond it, else not clearly."""


@dataclass(frozen=True)
class Goal:
    """The bounds of a measured value, as a text and as numbers."""

    text: str
    low: float
    high: float

    def missing(self, value: float) -> float:
        """Return how far a value is beyond the bounds, 0 within them or where it is not known."""
        return 0.0 if math.isnan(value) else max(0.0, self.low - value, value - self.high)

    def met(self, value: float, error: float) -> str:
        """Say whether a measured value meets the goal, given its standard error."""
        short = self.missing(value)
        return "yes" if not short else "no" if short > LIKELY * error else "not clearly missed"
