"""What mattered: each stage's searched keys and how much they had to do with success. May import our frames and views.

The computing is in `ped_anova`, the picture in `importance_figure`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import configuration_state
from hpsearch.reporting.sections.ranking_rows import Record, out_of_time
from hpsearch.reporting.sections.replicate_rows import configurations_of, counted
from hpsearch.reporting.sections.stage import StageView, searched_keys
from hpsearch.reporting.statistics import ped_anova
from hpsearch.reporting.statistics.comparison import LEVEL, holm
from hpsearch.reporting.statistics.ped_anova import Axis, Importance

FEWEST = 8
"""With fewer configurations nothing is said: a tenth of them, or five, would be most of them."""

_WORST = -1.0
"""Stands for the accuracy of a configuration that failed: below any. That of a pruned one is between it and 0."""


@dataclass(frozen=True)
class KeyImportance:
    """One searched key of one stage: its share of what all keys explain, its interval, and Holm's p over the stage."""

    key: str
    label: str
    share: float
    low: float
    high: float
    p: float

    @property
    def by_chance(self) -> bool:
        """Whether chance alone would explain as much."""
        return self.p > LEVEL

    @property
    def text(self) -> str:
        """The share with its interval: 62% (40–80)."""
        return f"{100 * self.share:.0f}% ({100 * self.low:.0f}–{100 * self.high:.0f})"


@dataclass(frozen=True)
class StageImportance:
    """What mattered in one stage: its keys, the most important first, and a sentence; no keys where it is untold."""

    stage: str
    index: int  # of the stage in its study, which has its colour and mark
    configurations: int
    best: int  # how many of the configurations count as the best
    keys: tuple[KeyImportance, ...]

    @property
    def sentence(self) -> str:
        """What mattered in this stage, in words."""
        there = f"In {self.stage}"
        if not self.keys:
            return f"{there}, {formatting.count(self.configurations, 'configuration')} are too few to tell (fewer than {FEWEST})."
        what = f"being among the best {self.best:,} of {formatting.count(self.configurations, 'configuration')}"
        real = [key for key in self.keys if not key.by_chance]
        if not real:
            return f"{there}, no key explains {what} better than chance does."
        if len(self.keys) == 1:
            p = formatting.p_value(real[0].p)
            return f"{there}, only {real[0].label} was searched, and it matters for {what} ({p})."
        first, *rest = real
        others = [f"{key.label} {key.text}" for key in rest]
        then = f"; then {formatting.listing(others)}" if others else ""
        chance = [key.label for key in self.keys if key.by_chance]
        no_more = f"; {formatting.listing(chance)} no more than chance explains" if chance else ""
        return f"{there}, {first.label} matters most for {what}: {first.text}{then}{no_more}."


def stage_importances(frames: Frames, stages: Sequence[StageView]) -> list[StageImportance]:
    """Return what mattered in each searching stage with two keys or configurations to compare, in order."""
    labels = formatting.labels(searched_keys(frames.trials["params"]))
    found = []
    for index, (view, stage) in enumerate(zip(stages, frames.stage_rows, strict=True)):
        if view.kind == "final":
            continue
        tried, scores = _scored(configurations_of(frames.by_stage[stage["name"]]))
        axes = _axes(stage["space"] or {}, [members[0]["params"] for members in tried])
        if axes:
            found.append(_importance(view.name, index, scores, axes, labels))
    return found


def _importance(
    name: str, index: int, scores: NDArray[np.float64], axes: Mapping[str, Axis], labels: Mapping[str, str]
) -> StageImportance:
    tried = len(scores)
    best = math.ceil(ped_anova.top_share(tried) * tried) if tried else 0
    if tried < FEWEST or not (scores > _WORST).any():
        return StageImportance(name, index, tried, best, ())
    rated: list[Importance] = ped_anova.importances(list(axes.values()), scores)
    p_values = holm([each.p for each in rated]).tolist()
    keys = [
        KeyImportance(key, labels[key], each.share, each.low, each.high, p)
        for key, each, p in zip(axes, rated, p_values, strict=True)
    ]
    return StageImportance(name, index, tried, best, tuple(sorted(keys, key=lambda key: -key.share)))


def _scored(configurations: Sequence[Sequence[Record]]) -> tuple[list[Sequence[Record]], NDArray[np.float64]]:
    """Return the configurations that have ended, and what they are ordered by, (configurations,).

    That is the mean accuracy of the finished. Below these come those that a pruner decided against, the later the
    better, then by their accuracy; the failed are last. An audited one that ended below all that went on stands where
    it would had it been cut. Configurations that no time was left for are not counted.
    """
    ended = [(members, state) for members in configurations if (state := _state(members))]
    on = [_accuracy(members) for members, state in ended if state == "complete" and not _doomed(members)]
    worst = min(on, default=0.0)
    cut = [_cut(members) for members, state in ended if _is_cut(members, state, worst)]
    place = {each: _WORST * (1 - (index + 1) / (len(cut) + 1)) for index, each in enumerate(sorted({*cut}))}
    scores = [
        place[_cut(members)] if _is_cut(members, state, worst) else _WORST if state == "failed" else _accuracy(members)
        for members, state in ended
    ]
    return [members for members, _ in ended], np.array(scores, dtype=np.float64)


def _state(members: Sequence[Record]) -> str:
    """Return how a configuration ended for what it is: complete, pruned or failed; "" if it did not."""
    if members[0]["rank"]:
        return "complete"
    ended = [trial["state"] for trial in members if not out_of_time(trial)]
    state = configuration_state(ended) if len(ended) == len(members) else ""
    return state if state in ("failed", "pruned") else ""


def _is_cut(members: Sequence[Record], state: str, worst: float) -> bool:
    audited = state == "complete" and _doomed(members)
    return state == "pruned" or (audited and _accuracy(members) < worst)


def _doomed(members: Sequence[Record]) -> bool:
    return any(trial["pruned_at"] for trial in members)


def _cut(members: Sequence[Record]) -> tuple[int, float]:
    """Return where a configuration was decided against, and its accuracy."""
    return max(trial["pruned_at"] or 0 for trial in members), _accuracy(members)


def _accuracy(members: Sequence[Record]) -> float:
    return fmean(trial["value"] or 0.0 for trial in counted(members))


def _axes(space: Mapping[str, Mapping[str, Any]], params: Sequence[Mapping[str, Any]]) -> dict[str, Axis]:
    """Return the axis of each key that has several values: numeric where the stage had a range for it."""
    axes = {}
    for key in searched_keys(params):
        values: list[Any] = [each.get(key) for each in params]
        if len({formatting.any_value(value) for value in values}) < 2:
            continue
        spec = space.get(key) or {}
        if "low" in spec and all(formatting.is_number(value) for value in values):
            low, high = min(spec["low"], *values), max(spec["high"], *values)
            log = bool(spec.get("log")) and low > 0
            axes[key] = ped_anova.numeric_axis(values, low, high, log, bool(spec.get("integer")))
        else:
            axes[key] = ped_anova.category_axis([formatting.any_value(value) for value in values])
    return axes
