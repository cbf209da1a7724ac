"""What the figures of hyperparameters share: the configurations that they show, and the axis of a hyperparameter."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.style import one_line
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Estimate, Row
from hpsearch.reporting.sections.ranking.stage import StageView, hyperparameters_of
from hpsearch.storage.records import ACCURACY, Goal

MANY = 400
"""With more marks, not all can be pointed at: their names would make the page slow."""


@dataclass(frozen=True)
class Point:
    """A trial, or a configuration with replicates, at its value of a hyperparameter; `estimate` is None if it failed.

    A pruned one has the value at the time when it was pruned. `number` is that of its first trial.
    """

    stage: int
    number: int
    x: float
    estimate: Estimate | None
    pruned: bool = False


@dataclass(frozen=True)
class HyperparameterPoints:
    """All points of one hyperparameter; `choices` are the names of x = 0, 1, … where the axis is not numeric."""

    key: str
    points: tuple[Point, ...]
    ranges: Mapping[int, tuple[float, float]]  # of each stage that searches a range
    log: bool
    choices: tuple[str, ...]
    goal: Goal = ACCURACY
    whole: bool = False  # whether all values are whole numbers


def hyperparameter_points(frames: Frames, stages: Sequence[StageView], key: str) -> HyperparameterPoints:
    """Return the points of one hyperparameter in all stages."""
    spaces = [(space or {}).get(key) or {} for space in frames.stages["space"]]
    ranges = {
        index: (float(space["low"]), float(space["high"])) for index, space in enumerate(spaces) if "low" in space
    }
    params = {trial["id"]: trial["params"] for trial in frames.rows}
    found: list[tuple[int, int, Any, Estimate | None, bool]] = [
        (
            index,
            row.number,
            params[row.trial_ids[0]][key],
            None if row.state == "failed" else row.validation,
            row.state == "pruned",
        )
        for index, stage in enumerate(stages)
        for row in stage.drawn
        if key in params[row.trial_ids[0]] and (row.validation or row.state == "failed")
    ]
    values = [value for _, _, value, *_ in found]
    if ranges and all(formatting.is_number(value) for value in values):
        points = tuple(Point(index, number, float(x), score, pruned) for index, number, x, score, pruned in found)
        positive = all(point.x > 0 for point in points) and all(low > 0 for low, _ in ranges.values())
        log = positive and any(space.get("log") for space in spaces)
        whole = all(point.x.is_integer() for point in points)
        return HyperparameterPoints(key, points, ranges, log, (), frames.goal, whole)
    choices, present = _choices(values), sorted({index for index, *_ in found})
    points = tuple(
        Point(
            index,
            number,
            choices.index(formatting.any_value(value)) + _offset(present.index(index), len(present)),
            estimate,
            pruned,
        )
        for index, number, value, estimate, pruned in found
    )
    return HyperparameterPoints(key, points, {}, False, choices, frames.goal)


def _choices(values: Sequence[Any]) -> tuple[str, ...]:
    """Return the distinct values as texts: numbers and lists of numbers in order, others as they appear."""
    numeric = all(
        formatting.is_number(each) for value in values for each in (value if isinstance(value, list) else [value])
    )
    ordered = sorted(values, key=lambda value: value if isinstance(value, list) else [value]) if numeric else values
    return tuple(dict.fromkeys(formatting.any_value(value) for value in ordered))


def _offset(index: int, stages: int) -> float:
    """Return the offset of a stage's points, so that the stages of one choice are beside each other."""
    return 0.5 * ((index + 0.5) / stages - 0.5)


@dataclass(frozen=True)
class Configuration:
    """A configuration: its stage's index, its values by key, its score, and whether it is the stage's best.

    The score, the objective turned so that a higher one is better, is None if it was pruned or failed.
    """

    stage: int
    params: dict[str, Any]
    score: float | None
    best: bool
    pruned: bool
    number: int  # of its first trial


@dataclass(frozen=True)
class HyperparameterAxis:
    """The axis of one hyperparameter: numeric, linear or logarithmic, or a position for each choice."""

    key: str
    label: str
    log: bool
    choices: tuple[str, ...]
    low: float
    high: float
    whole: bool = False

    def position(self, params: dict[str, Any]) -> float:
        """Return the position of a configuration."""
        value = params[self.key]
        return float(self.choices.index(formatting.any_value(value))) if self.choices else float(value)

    def share(self, params: dict[str, Any]) -> float:
        """Return the position as a share of the axis' length."""
        scale = math.log if self.log else float
        span = scale(self.high) - scale(self.low)
        return (scale(self.position(params)) - scale(self.low)) / span if span else 0.5


def searched_configurations(frames: Frames, stages: Sequence[StageView]) -> list[Configuration]:
    """Return the configurations of all search stages."""
    params = {trial["id"]: trial["params"] for trial in frames.rows}
    return [
        Configuration(index, params[row.trial_ids[0]], _score(row), row.rank == "1", row.state == "pruned", row.number)
        for index, stage in enumerate(stages)
        if stage.kind != "final"
        for row in stage.drawn
        if row.validation or row.state == "failed"
    ]


def _score(row: Row) -> float | None:
    estimate = None if row.state in ("failed", "pruned") else row.validation
    return estimate.goal.sign * estimate.value if estimate else None


def hyperparameter_axes(
    frames: Frames, stages: Sequence[StageView], configurations: Sequence[Configuration]
) -> list[HyperparameterAxis]:
    """Return an axis for each hyperparameter with more than one value."""
    labels = formatting.labels(hyperparameters_of(frames.trials["params"]))
    found = []
    for key, label in labels.items():
        points = hyperparameter_points(frames, stages, key)
        values = [configuration.params[key] for configuration in configurations if key in configuration.params]
        if len({formatting.any_value(value) for value in values}) < 2:
            continue
        numbers = [float(value) for value in values] if not points.choices else [0.0, len(points.choices) - 1.0]
        low, high = min(numbers), max(numbers)
        found.append(HyperparameterAxis(key, one_line(label, 24), points.log, points.choices, low, high, points.whole))
    return found
