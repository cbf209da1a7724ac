"""What the best of more or fewer random configurations would score. May import our frames, views and statistics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Estimate
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.statistics.expected_best import ExpectedBest, expected_best
from hpsearch.storage.records import Goal

FEWEST = 8
"""Of fewer configurations there is no table."""

MOST = 1_000
"""Of more, the first so many are used: they are as random as all."""


@dataclass(frozen=True)
class BestBySize:
    """A row for a number of random configurations, every cell a text."""

    configurations: str
    expected: str
    median: str
    band: str


@dataclass(frozen=True)
class BestBySizes:
    """The table of one stage."""

    stage: str
    tried: str  # how many its search tried
    rows: tuple[BestBySize, ...]
    points: tuple[ExpectedBest, ...]  # the same as scores, of which a higher one is better


def best_by_sizes(frames: Frames, stages: Sequence[StageView]) -> list[BestBySizes]:
    """Return the table of each stage that sampled its configurations at random and pruned none.

    With other samplers the configurations are not independent, and of the pruned no final score is known.
    """
    found = []
    for stage, row in zip(stages, frames.stage_rows, strict=True):
        if row["kind"] != "random" or stage.state != "complete" or stage.any_pruned or len(stage.ranked) < FEWEST:
            continue
        chosen = sorted(stage.ranked, key=lambda each: each.number)[:MOST]
        scores = [stage.goal.sign * each.validation.value for each in chosen if each.validation]
        if len(scores) == len(chosen):
            found.append(_table(stage, scores, chosen[0].validation))
    return found


def _table(stage: StageView, scores: Sequence[float], first: Estimate | None) -> BestBySizes:
    goal, places = stage.goal, formatting.decimals(first.samples if first else None)
    total = len(scores)
    numbers = [2**power for power in range(int(math.log2(total)) + 1)]
    rows, points = [], expected_best(scores, sorted({*numbers, total}))
    for each in points:
        low, high = sorted(goal.sign * edge for edge in (each.low, each.high))
        rows.append(
            BestBySize(
                f"{each.configurations:,}",
                goal_text.text(goal, goal.sign * each.mean, places),
                goal_text.text(goal, goal.sign * each.median, places),
                _band(goal, low, high, places),
            )
        )
    return BestBySizes(stage.name, f"{total:,}", tuple(rows), tuple(points))


def _band(goal: Goal, low: float, high: float, places: int) -> str:
    """Write the band; an end that so few configurations do not bound is left open."""
    if math.isfinite(low) and math.isfinite(high):
        return goal_text.interval(goal, low, high, places)
    if math.isfinite(low):
        return f"above {goal_text.text(goal, low, places)}"
    return f"below {goal_text.text(goal, high, places)}" if math.isfinite(high) else formatting.MISSING
