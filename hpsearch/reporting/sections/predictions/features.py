"""How much a table's columns matter to the winner: its permutation importance, as `exporting` computed it.

May import our formatting and figures.
"""

from dataclasses import dataclass
from typing import Any, Self

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.predictions import features_figure
from hpsearch.storage.records import Goal

DRAWN = 15
"""At most so many columns are drawn, the most important ones."""


@dataclass(frozen=True)
class ColumnImportance:
    """By how much the metric got worse when a column was permuted: mean and standard deviation over the repeats."""

    column: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class FeatureImportance:
    """The importance of columns to one trial's model, or in `missing` why it is not known."""

    trial: str = ""
    goal: Goal | None = None
    value: float = 0.0  # of the metric, on the samples as they are
    samples: int = 0
    repeats: int = 0
    columns: tuple[ColumnImportance, ...] = ()
    further: int = 0  # columns that were left out
    missing: str = ""

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """Make it of its fields, as `asdict` has them."""
        goal = None if given["goal"] is None else Goal(**given["goal"])
        columns = tuple(ColumnImportance(**each) for each in given["columns"])
        return cls(**given | {"goal": goal, "columns": columns})


@dataclass(frozen=True)
class FeatureTable:
    """What the page shows of it: sentences, a row of texts for each column, and the figure."""

    sentence: str
    heading: str
    rows: tuple[tuple[str, str, str], ...]
    figure: str


def view_features(found: FeatureImportance | None) -> FeatureTable | None:
    """Return the section, None where the samples are no rows of a table."""
    if found is None:
        return None
    if found.goal is None:
        return FeatureTable(f"Not known: {found.missing}.", "", (), "")
    goal, places = found.goal, formatting.decimals(found.samples)
    ordered = sorted(found.columns, key=lambda each: (each.mean != each.mean, -each.mean))
    rows = tuple(
        (each.column, _size(goal, each.mean, places), _spread(goal, each.deviation, places)) for each in ordered
    )
    more = f" Of {found.further:,} further columns nothing is computed." if found.further else ""
    sentence = (
        f"Of {found.trial}, whose {goal.metric} on {found.samples:,} validation samples is"
        f" {goal_text.text(goal, found.value, places)}: by how much that gets worse when the values of one column are"
        f" exchanged at random among the samples; mean and standard deviation of {found.repeats} repeats.{more}"
    )
    unit = " (points)" if goal.share else ""
    drawn = [(each.column, each.mean, each.deviation) for each in ordered if each.mean == each.mean][:DRAWN]
    return FeatureTable(sentence, f"{goal.metric} worse by{unit}", rows, features_figure(drawn, goal))


def _size(goal: Goal, value: float, places: int) -> str:
    return (
        goal_text.difference(goal, value, places) if value == value else formatting.MISSING
    )  # NaN: it could not be computed


def _spread(goal: Goal, value: float, places: int) -> str:
    return goal_text.spread(goal, value, places) if value == value else formatting.MISSING
