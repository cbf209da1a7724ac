"""The hyperparameter importance of each search stage, as numbers and as a sentence. May import our statistics, views.

`statistics.importance` computes it, `figures.importance` draws it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import configuration_state
from hpsearch.reporting.sections.ranking.replicates import configurations_of, counted
from hpsearch.reporting.sections.ranking.rows import Record, out_of_time
from hpsearch.reporting.sections.ranking.stage import StageView, hyperparameters_of
from hpsearch.reporting.statistics.importance import (
    Axis,
    Importance,
    category_axis,
    importances,
    numeric_axis,
    top_share,
)
from hpsearch.reporting.statistics.influence import STATED, power, rank_correlation_text, trials_needed
from hpsearch.reporting.statistics.tests import LEVEL, holm
from hpsearch.spec import Choices
from hpsearch.spec.spaces.branches import belonging, entry_from_json
from hpsearch.spec.tables.space import same
from hpsearch.storage.records import Goal

FEWEST = 8
"""Fewer configurations are too few: the best five would be most of them."""

_WORST = -1.0
"""The score of a configuration that failed, below any other. That of a pruned one is between it and 0.

With an objective that can be negative, both are so far below the lowest score of a finished one.
"""


LOW_POWER = 0.8
"""A power below this is low."""


@dataclass(frozen=True)
class HyperparameterImportance:
    """One hyperparameter of a stage, rated in three ways; Holm's p over the stage."""

    key: str
    label: str
    share: float  # PED-ANOVA
    explained: float  # fANOVA
    correlation: float | None
    p: float

    @property
    def significant(self) -> bool:
        """Whether its influence is larger than by chance, at the 5% level."""
        return self.p <= LEVEL

    @property
    def text(self) -> str:
        """PED-ANOVA's share: 62%."""
        return f"{100 * self.share:.0f}%"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """PED-ANOVA's share, fANOVA's, the rank correlation and p as the cells of a table."""
        alone = f"{100 * self.explained:.0f}%"
        return self.text, alone, rank_correlation_text(self.correlation), formatting.p_value(self.p)


@dataclass(frozen=True)
class StageImportance:
    """One stage: its hyperparameters, the most important first; none where there are too few configurations."""

    stage: str
    index: int  # of the stage in its study, which has its colour and mark
    configurations: int
    best: int  # how many of the configurations count as the best
    hyperparameters: tuple[HyperparameterImportance, ...]

    @property
    def sentence(self) -> str:
        """Which hyperparameters have an influence, and what could not be seen."""
        tried = formatting.count(self.configurations, "configuration")
        if not self.hyperparameters:
            return f"{self.stage}: {tried} are too few to estimate importance (at least {FEWEST} are needed)."
        found = [each for each in self.hyperparameters if each.significant]
        named = [f"{each.label} ({formatting.p_value(each.p)})" for each in found]
        have = "has a" if len(found) == 1 else "have a"
        influence = f"statistically significant influence on the order of {tried}"
        said = f"{formatting.listing(named)} {have} {influence}" if found else f"no hyperparameter has a {influence}"
        return f"{self.stage}: {said}. {self._not_detected}".rstrip()

    @property
    def _not_detected(self) -> str:
        """What was not detected, and with which probability it would have been."""
        missed = [each.label for each in self.hyperparameters if not each.significant]
        if not missed:
            return ""
        number = len(self.hyperparameters)
        chance = power(self.configurations, number)
        what = f"Not detected: {formatting.listing(missed)}"
        stated = f"an influence with a rank correlation of {STATED}"
        if chance < LOW_POWER:
            needed = trials_needed(number, LOW_POWER)
            return (
                f"{what}, but the power was low: {stated} would have been found with a probability of about"
                f" {100 * chance:.0f}%; {100 * LOW_POWER:.0f}% needs {needed:,} configurations."
            )
        return f"{what}; {stated} would have been found with a probability of {_above(chance)}."


def _above(chance: float) -> str:
    return "over 99%" if chance > 0.99 else f"about {100 * chance:.0f}%"


def stage_importances(frames: Frames, stages: Sequence[StageView]) -> list[StageImportance]:
    """Return the importances of each search stage with a hyperparameter that has several values, in order."""
    labels = formatting.labels(hyperparameters_of(frames.trials["params"]))
    found = []
    for index, (view, stage) in enumerate(zip(stages, frames.stage_rows, strict=True)):
        if view.kind == "final":
            continue
        tried, scores, failed = scored(configurations_of(frames.by_stage[stage["name"]]), frames.goal)
        space, params = stage["space"] or {}, [members[0]["params"] for members in tried]
        inner = belonging(space)
        axes = _axes(space, [{key: value for key, value in each.items() if key not in inner} for each in params])
        parts = list(_parts(space, params, inner))
        if axes or parts:
            found.append(_importance(view.name, index, scores, failed, axes, parts, labels))
    return found


@dataclass(frozen=True)
class _Part:
    """Hyperparameters that only some configurations have: those, their axes, and which of these are to be rated."""

    members: list[int]
    axes: Mapping[str, Axis]
    keys: tuple[str, ...]


def _parts(space: Mapping[str, Any], params: Sequence[Mapping[str, Any]], inner: set[str]) -> Iterator[_Part]:
    """Yield what belongs to a choice, rated among the configurations that took it, with all that they have."""
    having: dict[tuple[int, ...], list[str]] = {}
    for key in (key for key in space if key in inner):
        having.setdefault(tuple(i for i, each in enumerate(params) if key in each), []).append(key)
    for members, keys in having.items():
        common = set.intersection(*(set(params[i]) for i in members)) if members else set()
        axes = _axes(space, [{key: value for key, value in params[i].items() if key in common} for i in members])
        rated = tuple(key for key in keys if key in axes)
        if len(members) >= FEWEST and rated:
            yield _Part(list(members), axes, rated)


def _importance(
    name: str,
    index: int,
    scores: NDArray[np.float64],
    failed: float,
    axes: Mapping[str, Axis],
    parts: Sequence[_Part],
    labels: Mapping[str, str],
) -> StageImportance:
    tried = len(scores)
    best = math.ceil(top_share(tried) * tried) if tried else 0
    if tried < FEWEST or not (scores > failed).any():
        return StageImportance(name, index, tried, best, ())
    rated: list[tuple[str, str, Importance]] = []
    if axes:
        each_rated = importances(list(axes.values()), scores)
        rated += [(key, labels[key], each) for key, each in zip(axes, each_rated, strict=True)]
    for part in parts:
        own = scores[part.members]
        if not (own > failed).any():
            continue
        among = f" (of the {len(part.members)} with it)"
        each_rated = importances(list(part.axes.values()), own)
        named = dict(zip(part.axes, each_rated, strict=True))
        rated += [(key, labels[key] + among, named[key]) for key in part.keys]
    p_values = holm([each.p for _, _, each in rated]).tolist() if rated else []
    found = [
        HyperparameterImportance(key, label, each.share, each.explained, each.correlation, p)
        for (key, label, each), p in zip(rated, p_values, strict=True)
    ]
    return StageImportance(
        name, index, tried, best, tuple(sorted(found, key=lambda each: (not each.significant, -each.share)))
    )


def scored(
    configurations: Sequence[Sequence[Record]], goal: Goal
) -> tuple[list[Sequence[Record]], NDArray[np.float64], float]:
    """Return the configurations that have ended, their scores, (configurations,), and the score of the failed.

    The score of a finished one is its mean objective, turned so that a higher one is better. The pruned come below, in
    the order of the rung and then of their score there; the failed come last. An audited one that ended below all that
    were not pruned has the score that it would have had as a pruned one. Configurations whose time ran out are left
    out.
    """
    ended = [(members, state) for members in configurations if (state := _state(members))]
    known = [(members, state, _score(members, goal)) for members, state in ended]
    kept = [score for members, state, score in known if state == "complete" and not _decided_against(members)]
    worst = min(kept, default=0.0)
    pruned = [(_rung(members), score) for members, state, score in known if _as_pruned(members, state, score < worst)]
    lowest = min((score for _, state, score in known if state == "complete"), default=0.0)
    floor = min(0.0, lowest - abs(lowest))  # 0 unless scores can be negative
    below = {each: _WORST * (1 - (index + 1) / (len(pruned) + 1)) for index, each in enumerate(sorted({*pruned}))}
    scores = [
        floor + (1 - floor) * below[_rung(members), score]
        if _as_pruned(members, state, score < worst)
        else floor + _WORST * (1 - floor)
        if state == "failed"
        else score
        for members, state, score in known
    ]
    return [members for members, _ in ended], np.array(scores, dtype=np.float64), floor + _WORST * (1 - floor)


def _state(members: Sequence[Record]) -> str:
    """Return how a configuration ended: complete, pruned or failed; "" if it has not, or if its time ran out."""
    if members[0]["rank"]:
        return "complete"
    ended = [trial["state"] for trial in members if not out_of_time(trial)]
    state = configuration_state(ended) if len(ended) == len(members) else ""
    return state if state in ("failed", "pruned") else ""


def _as_pruned(members: Sequence[Record], state: str, below: bool) -> bool:
    """Whether it counts as pruned: it was, or it was audited and ended below all that were not pruned."""
    audited = state == "complete" and _decided_against(members)
    return state == "pruned" or (audited and below)


def _decided_against(members: Sequence[Record]) -> bool:
    return any(trial["pruned_at"] for trial in members)


def _rung(members: Sequence[Record]) -> int:
    """Return what pruned configurations are sorted by first."""
    return max(trial["pruned_at"] or 0 for trial in members)


def _score(members: Sequence[Record], goal: Goal) -> float:
    return fmean(goal.sign * (trial["value"] or 0.0) for trial in counted(members))


def _cells(spec: Mapping[str, Any], low: float, high: float) -> int | None:
    """Return how many values a range has that were searched in whole numbers or steps."""
    step = spec.get("step") or (1 if spec.get("integer") else None)
    return None if step is None else round((high - low) / step) + 1


def _axes(space: Mapping[str, Mapping[str, Any]], params: Sequence[Mapping[str, Any]]) -> dict[str, Axis]:
    """Return the axis of each hyperparameter with several values: in order where it had a range or ordered choices."""
    axes = {}
    for key in hyperparameters_of(params):
        values: list[Any] = [each.get(key) for each in params]
        if len({formatting.any_value(value) for value in values}) < 2:
            continue
        spec = space.get(key) or {}
        if "low" in spec and all(formatting.is_number(value) for value in values):
            low, high = min(spec["low"], *values), max(spec["high"], *values)
            log = bool(spec.get("log")) and low > 0
            axes[key] = numeric_axis(values, low, high, log, _cells(spec, low, high))
        elif spec.get("ordered") and {*map(same, values)} <= {*map(same, spec["choices"])}:
            entry = entry_from_json(spec)
            assert isinstance(entry, Choices)
            order = [same(choice) for choice in entry.in_order]
            axes[key] = Axis(np.array([order.index(same(value)) for value in values]), len(order), True)
        else:
            axes[key] = category_axis([formatting.any_value(value) for value in values])
    return axes
