"""What a report shows in addition to its usual contents: learning curves of chosen trials, example images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.errors import InputError

if TYPE_CHECKING:
    from hpsearch.reporting.frames import Frames
    from hpsearch.reporting.sections.predictions.features import FeatureImportance


@dataclass(frozen=True)
class ReportOptions:
    """Trials to draw the learning curves of, by stage and number; whether to show example images of the test set.

    `features` computes the importance of a table's columns: it predicts, which this package cannot.
    """

    trials: tuple[tuple[str, int], ...] = ()
    examples: bool = False
    features: Callable[[Frames], FeatureImportance | None] | None = None


def chosen_trials(text: str) -> tuple[tuple[str, int], ...]:
    """Return the trials in a comma list. Raises InputError for what is not STAGE:NUMBER.

    >>> chosen_trials("fine:3, final:0")
    (('fine', 3), ('final', 0))
    """
    found = []
    for part in text.split(","):
        stage, _, number = (each.strip() for each in part.rpartition(":"))
        if not stage or not number.isdecimal():
            raise InputError(f"--trials must name trials as STAGE:NUMBER, e.g. fine:3,final:0, got {part.strip()!r}")
        found.append((stage, int(number)))
    return tuple(dict.fromkeys(found))
