"""What mattered: each stage's searched keys and how much they had to do with success. May import our frames and views.

The computing is in `ped_anova`, the picture in `importance_figure`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from hpsearch.reporting import ped_anova, words
from hpsearch.reporting.frames import Frames, records
from hpsearch.reporting.ped_anova import Axis, Importance
from hpsearch.reporting.rows import Record
from hpsearch.reporting.setting_rows import settings_of
from hpsearch.reporting.stage_view import StageView, searched_keys
from hpsearch.reporting.statistics import LEVEL, holm

FEWEST = 8
"""With fewer settings nothing is said: a tenth of them, or five, would be most of them."""

_WORST = -1.0
"""Stands for the accuracy of a setting that diverged or was pruned: below any."""


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
    settings: int
    best: int  # how many of the settings count as the best
    keys: tuple[KeyImportance, ...]

    @property
    def sentence(self) -> str:
        """What mattered in this stage, in words."""
        there = f"In {self.stage}"
        if not self.keys:
            return f"{there}, {words.count(self.settings, 'setting')} are too few to tell (fewer than {FEWEST})."
        what = f"being among the best {self.best:,} of {words.count(self.settings, 'setting')}"
        real = [key for key in self.keys if not key.by_chance]
        if not real:
            return f"{there}, no key explains {what} better than chance does."
        if len(self.keys) == 1:
            p = words.p_value(real[0].p)
            return f"{there}, only {real[0].label} was searched, and it matters for {what} ({p})."
        first, *rest = real
        others = [f"{key.label} {key.text}" for key in rest]
        then = f"; then {words.listing(others)}" if others else ""
        chance = [key.label for key in self.keys if key.by_chance]
        no_more = f"; {words.listing(chance)} no more than chance explains" if chance else ""
        return f"{there}, {first.label} matters most for {what}: {first.text}{then}{no_more}."


def stage_importances(frames: Frames, stages: Sequence[StageView]) -> list[StageImportance]:
    """Return what mattered in each searching stage with two keys or settings to compare, in order."""
    labels = words.labels(searched_keys(frames.trials["params"]))
    trials = records(frames.trials)
    found = []
    for index, (view, stage) in enumerate(zip(stages, records(frames.stages), strict=True)):
        if view.kind == "final":
            continue
        tried = settings_of([trial for trial in trials if trial["stage_id"] == stage["id"]])
        tried = [members for members in tried if _score(members) is not None]
        axes = _axes(stage["space"] or {}, [members[0]["params"] for members in tried])
        if axes:
            found.append(_importance(view.name, index, tried, axes, labels))
    return found


def _importance(
    name: str, index: int, tried: Sequence[Sequence[Record]], axes: Mapping[str, Axis], labels: Mapping[str, str]
) -> StageImportance:
    scores = np.array([_score(members) for members in tried], dtype=np.float64)
    best = math.ceil(ped_anova.top_share(len(tried)) * len(tried))
    if len(tried) < FEWEST or not (scores > _WORST).any():
        return StageImportance(name, index, len(tried), best, ())
    rated: list[Importance] = ped_anova.importances(list(axes.values()), scores)
    p_values = holm([each.p for each in rated]).tolist()
    keys = [
        KeyImportance(key, labels[key], each.share, each.low, each.high, p)
        for key, each, p in zip(axes, rated, p_values, strict=True)
    ]
    return StageImportance(name, index, len(tried), best, tuple(sorted(keys, key=lambda key: -key.share)))


def _score(replicates: Sequence[Record]) -> float | None:
    """Return a setting's mean accuracy, the worst if it diverged or was pruned, None if it is not finished."""
    states = {trial["state"] for trial in replicates}
    if states & {"failed", "pruned"}:
        return _WORST
    values = [trial["value"] for trial in replicates]
    return fmean(values) if states == {"complete"} and None not in values else None


def _axes(space: Mapping[str, Mapping[str, Any]], params: Sequence[Mapping[str, Any]]) -> dict[str, Axis]:
    """Return the axis of each key that has several values: numeric where the stage had a range for it."""
    axes = {}
    for key in searched_keys(params):
        values: list[Any] = [each.get(key) for each in params]
        if len({words.any_value(value) for value in values}) < 2:
            continue
        spec = space.get(key) or {}
        if "low" in spec and all(words.is_number(value) for value in values):
            low, high = min(spec["low"], *values), max(spec["high"], *values)
            log = bool(spec.get("log")) and low > 0
            axes[key] = ped_anova.numeric_axis(values, low, high, log, bool(spec.get("integer")))
        else:
            axes[key] = ped_anova.category_axis([words.any_value(value) for value in values])
    return axes
