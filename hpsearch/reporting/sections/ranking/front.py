"""The front of each stage by several objectives, and which configurations may be on it. May import our statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.comparison import evidence_of
from hpsearch.reporting.sections.ranking.rows import Record, Row, samples_of
from hpsearch.reporting.sections.ranking.stage import SHOWN, StageView
from hpsearch.reporting.statistics.tests import holm, tied
from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.records import ACCURACY, Goal

ON, NEAR, BEHIND = "on the front", "≈ front", "behind"
"""Where a configuration is: NEAR is not statistically distinguishable from the front."""


@dataclass(frozen=True)
class FrontPoint:
    """A finished configuration: its row, its objectives, and where it is; p of the test against the front."""

    row: Row
    values: tuple[float, ...]
    where: str
    p: float | None = None

    @property
    def remark(self) -> str:
        """Where it is, with the p-value that it rests on."""
        return self.where if self.p is None else f"{self.where} ({formatting.p_value(self.p)})"


@dataclass(frozen=True)
class FrontView:
    """The finished configurations of one stage by several objectives, the main one first."""

    index: int  # of the stage
    stage: str
    labels: tuple[str, ...]  # of the hyperparameters
    objectives: tuple[Goal, ...]
    points: tuple[FrontPoint, ...]
    sentences: tuple[str, ...]

    @property
    def shown(self) -> tuple[FrontPoint, ...]:
        """The points of the table: those that are, or may be, on the front."""
        return tuple(point for point in self.points if point.where != BEHIND)[:SHOWN]

    @property
    def places(self) -> tuple[str, ...]:
        """The places that a point can have: without a test none is indistinguishable from the front."""
        tested = any(point.p is not None for point in self.points)
        return (ON, NEAR, BEHIND) if tested else (ON, BEHIND)

    @property
    def intervals(self) -> bool:
        """Whether the main objective has intervals."""
        return any(point.row.validation and point.row.validation.has_interval for point in self.points)

    def cells(self, point: FrontPoint) -> list[str]:
        """The objectives of a point as texts."""
        others = zip(self.objectives[1:], point.values[1:], strict=True)
        return [point.row.objective, *(goal_text.text(goal, value) for goal, value in others)]


def named(goals: Sequence[Goal]) -> str:
    """Name objectives with their directions."""
    return formatting.listing([f"{goal.metric} ({goal_text.better(goal)} is better)" for goal in goals])


def view_fronts(frames: Frames, stages: Sequence[StageView]) -> list[FrontView]:
    """Return the front of each stage that has finished configurations, none where there is one objective."""
    goals = frames.goal.objectives
    if not goals:
        return []
    found = []
    for index, (view, stage) in enumerate(zip(stages, frames.stage_rows, strict=True)):
        stored = {trial["id"]: trial for trial in frames.by_stage[view.name]}
        rows = [(row, values) for row in view.ranked if (values := _values(row, stored, goals))]
        if not rows or view.one_again:
            continue
        points = _points(frames, view, stage, rows, stored)
        sentences = tuple(_sentences(view, points))
        found.append(FrontView(index, view.name, view.labels, goals, tuple(points), sentences))
    return found


def _values(row: Row, stored: Mapping[int, Record], goals: Sequence[Goal]) -> tuple[float, ...] | None:
    columns = ["value", *(f"validation_{goal.metric}" for goal in goals[1:])]
    each: list[list[Any]] = [[stored[trial].get(column) for trial in row.trial_ids] for column in columns]
    return None if any(None in values for values in each) else tuple(fmean(values) for values in each)


def _points(
    frames: Frames,
    view: StageView,
    stage: Record,
    rows: Sequence[tuple[Row, tuple[float, ...]]],
    stored: Mapping[int, Record],
) -> list[FrontPoint]:
    """Compare each configuration behind the front with the best one on it that is no worse in the other objectives.

    The main objective decides, by the tests of the ranking; the other objectives are taken as they were measured.
    """
    goal = frames.goal
    scores = [goal.scores(values) for _, values in rows]
    ranks = front_ranks(scores)
    members = [[stored[trial] for trial in row.trial_ids] for row, _ in rows]
    samples = samples_of(frames, stage, members[0][0], "validation") or 0
    evidence = evidence_of(frames, members, samples, view.replication.folds if view.replication else None)
    raw: dict[int, float] = {}
    for i, own in enumerate(scores):
        if ranks[i] == 0:
            continue
        ahead = [
            j
            for j, other in enumerate(scores)
            if ranks[j] == 0 and all(a >= b for a, b in zip(other, own, strict=True))
        ]
        best = max(ahead, key=lambda j: scores[j][0])
        difference = evidence.difference(best, i)
        if difference is not None:
            raw[i] = difference.p
    adjusted = dict(zip(raw, holm(list(raw.values())).tolist(), strict=True))
    return [
        FrontPoint(row, values, ON if ranks[i] == 0 else NEAR if _near(adjusted.get(i)) else BEHIND, adjusted.get(i))
        for i, (row, values) in enumerate(rows)
    ]


def _near(p: float | None) -> bool:
    return p is not None and tied(p)


def _sentences(view: StageView, points: Sequence[FrontPoint]) -> list[str]:
    on, near = (sum(point.where == where for point in points) for where in (ON, NEAR))
    goal = view.goal
    found = [
        f"{formatting.count_of(on, len(points), 'finished configuration')} of {view.name} {'is' if on == 1 else 'are'}"
        " on the front: no other one is at least as good in each objective and better in one."
    ]
    behind = len(points) - on
    if not behind:
        return found
    if all(point.p is None for point in points):
        return [
            *found,
            f"For single runs the report has no test of the {goal.metric}, so it is not known which of the others are"
            " behind the front by chance: with `replicates = 3` or more it has one.",
        ]
    how = view.replication
    paired = "an exact McNemar test" if goal == ACCURACY else "a test of the paired differences"
    test = f"the variance over {how.noun}s and samples" if how else f"{paired} on the same samples"
    return [
        *found,
        f"“{NEAR}”: {near:,} of the other {behind:,} {'is' if near == 1 else 'are'} not statistically distinguishable"
        f" from the front at the 5% level. Each is compared by {goal.metric} with the best configuration on the front"
        f" that is no worse in the other objectives, by {test}, with p adjusted for the {behind:,} tests by Holm's"
        " method. The other objectives are taken as they were measured.",
    ]


def front_sentences(fronts: Sequence[FrontView], search: StageView | None) -> list[str]:
    """Say in the summary what the objectives are, and how large the front of the last search stage is."""
    found = next((front for front in fronts if search and front.stage == search.name), None)
    if found is None:
        return []
    main = found.objectives[0].metric
    objectives = f"The study has {len(found.objectives)} objectives: {named(found.objectives)}."
    return [f"{objectives} Rankings have the front first, and then go by {main}, the main one.", found.sentences[0]]


def best_of_each(front: FrontView) -> list[Row]:
    """Return the configuration on the front that is best by each objective, the main one first."""
    on = [point for point in front.points if point.where == ON]
    return [
        max(on, key=lambda point: goal.sign * point.values[index]).row
        for index, goal in enumerate(front.objectives)
        if on
    ]
