"""The rows of a ranking table for a stage whose configurations have replicates, seeds or folds: one per configuration.

Equal configurations that were drawn several times are one, and their trials are its replicates. May import our rows and
their comparison.
"""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hpsearch.reporting import formatting
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import configuration_state
from hpsearch.reporting.sections.ranking.comparison import (
    Compared,
    Record,
    Verdict,
    bounds_of,
    column_of,
    compared,
    runs_of,
)
from hpsearch.reporting.sections.ranking.rows import (
    NOT_YET,
    Estimate,
    Row,
    early_reason,
    estimate,
    mark_of,
    one_again,
    out_of_time,
    pruned,
    samples_of,
    stopped_early,
    trained,
    values_of,
    verdict,
    why,
    would_be_pruned,
)
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.storage.records import ACCURACY, Goal


@dataclass(frozen=True)
class Replication:
    """What the replicates of a stage's configurations are."""

    noun: str  # seed or fold
    number: int  # the most that a configuration has
    overlap: float  # n_test / n_train for folds, which share training samples; 0 for seeds
    fewest: int  # of the finished configurations
    confirmed: bool = False  # whether different numbers come from further seeds, and not only from further draws
    drawn: bool = False  # whether any configuration was drawn more than once

    @property
    def even(self) -> bool:
        """Whether all finished configurations have the same number."""
        return self.fewest == self.number

    @property
    def over(self) -> str:
        """What a comparison rests on, as a text."""
        return f"these {formatting.count(self.number, self.noun)}" if self.even else f"the {self.noun}s of both"

    @property
    def folds(self) -> float | None:
        """The overlap of folds, None for seeds."""
        return self.overlap if self.noun == "fold" else None

    @property
    def text(self) -> str:
        """How many: 3 seeds, or 1 to 10 seeds."""
        span = "" if self.even else f"{self.fewest:,} to "
        return span + formatting.count(self.number, self.noun)


def replication_of(stage: Record, trials: Sequence[Record]) -> Replication | None:
    """Return what the replicates of a searching stage are, None where each configuration has one trial."""
    configurations = configurations_of(trials)
    number = max((len(members) for members in configurations), default=0)
    if (stage["kind"] == "final" and len(configurations) < 2) or number < 2:
        return None
    kept = [counted(members) for members in configurations if members[0]["rank"]]
    fewest = min((len(members) for members in kept), default=number)
    points = [Counter(trial["point"] for trial in members) for members in kept]
    confirmed = len({size for each in points for size in each.values()}) > 1
    drawn = any(len(each) > 1 for each in points)
    data = stage["data"] or {}
    if not data.get("folds"):
        return Replication("seed", number, 0.0, fewest, confirmed, drawn)
    return Replication("fold", number, data["validation"] / data["train"], fewest, confirmed, drawn)


def configurations_of(trials: Sequence[Record]) -> list[list[Record]]:
    """Return the trials of each configuration, whose replicates follow one another."""
    return [list(members) for _, members in groupby(trials, lambda trial: trial["drawn"])]


def points_of(trials: Sequence[Record]) -> list[list[Record]]:
    """Return the trials of each point that a sampler drew, in the order of their configurations."""
    found: dict[int, list[Record]] = {}
    for trial in trials:
        found.setdefault(trial["point"], []).append(trial)
    return list(found.values())


def counted(replicates: Sequence[Record]) -> list[Record]:
    """Return the replicates that a configuration's rank rests on; all of them where it has no rank."""
    return [trial for trial in replicates if trial["rank"]] or list(replicates)


def configuration_rows(
    frames: Frames, stage: Record, trials: Sequence[Record], styles: Mapping[str, NumberStyle], how: Replication
) -> list[Row]:
    """Return a row per configuration; `styles` has the hyperparameters in the order of their columns."""
    configurations = configurations_of(trials)
    found = comparison_of(frames, stage, trials, how)
    return [_row(frames, stage, members, styles, how, found) for members in configurations]


def comparison_of(
    frames: Frames, stage: Record, trials: Sequence[Record], how: Replication | None = None
) -> Compared | None:
    """Compare the finished configurations of a stage with the best; None where it trains one again."""
    ranked = [each for members in configurations_of(trials) if (each := counted(members))[0]["rank"]]
    if not ranked or one_again(stage, trials):
        return None
    samples = samples_of(frames, stage, ranked[0][0], "validation")
    return compared(frames, ranked, samples or 0, how.folds if how else None)


def compare_configurations(
    frames: Frames, stage: Record, ranked: Sequence[Sequence[Record]], how: Replication
) -> dict[int, float]:
    """Compare some configurations with the first, the best of them; return p by point, adjusted over all of them."""
    samples = samples_of(frames, stage, ranked[0][0], "validation") if ranked else None
    found = compared(frames, ranked, samples or 0, how.folds)
    known = found.verdicts if found else {}
    return {each[0]["point"]: known[each[0]["id"]].found.p for each in ranked if each[0]["id"] in known}


def mean_estimate(
    frames: Frames,
    stage: Record,
    replicates: Sequence[Record],
    split: str,
    how: Replication,
    table: Compared | None = None,
) -> Estimate | None:
    """Return the mean objective of a configuration's replicates, None where they were not all evaluated.

    Its interval covers other seeds, and other samples where their contributions are known.
    """
    column = column_of(frames.goal, split)
    values = [trial[column] for trial in replicates if trial[column] is not None]
    samples = samples_of(frames, stage, replicates[0], split) or 0
    if len(values) < len(replicates) or (not samples and frames.goal == ACCURACY):
        return None
    runs = runs_of(frames, replicates, folds=how.noun == "fold", split=split)
    index = table.index.get(replicates[0]["id"]) if table and split == "validation" else None
    if table is not None and index is not None:
        interval = table.evidence.interval(index)
    elif table is not None and split == "validation":
        interval = table.evidence.interval_of(runs)
    else:
        overlap = how.folds if split == "validation" else None
        interval = Evidence((runs,), samples, overlap, bounds_of(frames, runs)).interval(0)
    if interval is None and len(values) < 2:
        return estimate(frames, stage, replicates[0], split)
    value = statistics.fmean(values)
    low, high = sorted(frames.goal.sign * edge for edge in interval or (math.nan, math.nan))
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Estimate(value, low, high, samples, deviation, frames.goal)


def _row(
    frames: Frames,
    stage: Record,
    replicates: Sequence[Record],
    styles: Mapping[str, NumberStyle],
    how: Replication,
    table: Compared | None,
) -> Row:
    held = counted(replicates)
    first, complete = held[0], held[0]["rank"] is not None
    losses = [trial["validation_loss"] for trial in held]
    numbers = sorted(trial["number"] for trial in held)
    seconds = sum(trial["seconds"] for trial in replicates)
    found = table.verdicts.get(first["id"]) if table else None
    mark = mark_of(first["rank"], found)
    state = "complete" if complete else configuration_state([trial["state"] for trial in replicates])
    state = state if complete or state != "complete" else "running"  # an audited one that is not ranked yet
    ended = state in ("complete", "pruned")  # its metrics will not change
    return Row(
        trial_ids=tuple(trial["id"] for trial in held),
        state=state,
        rank=str(first["rank"] or formatting.MISSING),
        trial=formatting.trial_names(stage["name"], numbers),
        number=numbers[0],
        values=values_of(first, styles),
        validation=mean_estimate(frames, stage, held, "validation", how, table) if ended else None,
        loss=formatting.loss(statistics.fmean(losses)) if ended and None not in losses else formatting.MISSING,
        best_epoch=_best_epochs(held) if ended else formatting.MISSING,
        test=mean_estimate(frames, stage, held, "test", how) if complete else None,
        seconds=seconds,
        time=formatting.duration(seconds) if any(trial["epochs_done"] for trial in replicates) else formatting.MISSING,
        mark=mark,
        remark=_remark(replicates, held, state, _verdict(frames, stage, first, mark, found), how, frames.goal),
        replicates=len(held),
        verdict=found,
        cause=_cause(replicates, state, how),
    )


def _verdict(frames: Frames, stage: Record, first: Record, mark: str, found: Verdict | None) -> str:
    return verdict(mark, found, stage, samples_of(frames, stage, first, "validation"))


def _best_epochs(replicates: Sequence[Record]) -> str:
    epochs = [trial["best_epoch"] for trial in replicates if trial["best_epoch"] is not None]
    longest = max(trained(trial) for trial in replicates)
    return f"{formatting.span(min(epochs), max(epochs))} of {longest}" if epochs else formatting.MISSING


def _cause(replicates: Sequence[Record], state: str, how: Replication) -> str:
    """Return why the first replicate that failed did, or why a budget stopped it, as the remark has it."""
    ended = [trial for trial in replicates if trial["state"] == state]
    if state not in ("failed", "pruned") or (
        state == "pruned" and len(ended) == len(replicates) and not out_of_time(ended[0])
    ):
        return ""
    return f"{how.noun} {ended[0]['replicate']}: {why(ended[0])}"


def _remark(
    replicates: Sequence[Record], held: Sequence[Record], state: str, compared: str, how: Replication, goal: Goal
) -> str:
    number = len(replicates)
    if state in ("failed", "pruned"):
        ended = [trial for trial in replicates if trial["state"] == state]
        if state == "pruned" and len(ended) == number and not out_of_time(ended[0]):
            return pruned(ended[0], goal)
        which = formatting.count_of(len(ended), number, how.noun)
        said = "stopped" if out_of_time(ended[0]) else state
        return f"{said}: {which}; {_cause(replicates, state, how)}"
    if state != "complete":
        done = sum(trial["state"] == "complete" for trial in replicates)
        if done == number:
            return f"{NOT_YET}; {would_be_pruned(max(trial['pruned_at'] or 0 for trial in held), goal)}"
        return f"running, {formatting.count_of(done, number, how.noun)} done" if state == "running" else state
    parts = [compared]
    early = [trial for trial in held if stopped_early(trial)]
    if early:
        parts.append(f"{early_reason(early[0])[0]}: {formatting.count_of(len(early), number, how.noun)}")
    pruned_at = max((trial["pruned_at"] for trial in held if trial["pruned_at"]), default=None)
    if pruned_at is not None:
        parts.append(would_be_pruned(pruned_at, goal))
    late = sum(out_of_time(trial) for trial in replicates)
    if late:
        parts.append(f"no time left for {formatting.count_of(late, number, how.noun)}")
    further = number - len(held) - late
    if further:
        parts.append(f"{formatting.count(further, f'further {how.noun}')} under way")
    return "; ".join(part for part in parts if part)
