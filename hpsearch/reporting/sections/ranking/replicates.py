"""The rows of a ranking table for a stage whose configurations have replicates, seeds or folds: one per configuration.

A configuration is ranked by the mean over its replicates, and compared with the best over those that both have. May
import our rows and statistics.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hpsearch.reporting import formatting
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import configuration_state
from hpsearch.reporting.sections.ranking.rows import (
    Estimate,
    Record,
    Row,
    column_of,
    early_reason,
    estimate,
    mark_of,
    out_of_time,
    pruned,
    samples_of,
    stopped_early,
    trained,
    values_of,
    verdict,
    why,
)
from hpsearch.reporting.statistics.student_t import StudentT
from hpsearch.reporting.statistics.tests import holm, mcnemar_exact
from hpsearch.storage.records import ACCURACY, Goal


@dataclass(frozen=True)
class Replication:
    """What the replicates of a stage's configurations are, and how their mean varies (see `StudentT`)."""

    noun: str  # seed or fold
    number: int  # the most that a configuration has
    overlap: float  # n_test / n_train for folds, which share training samples; 0 for seeds
    fewest: int  # of the finished configurations

    @property
    def even(self) -> bool:
        """Whether all finished configurations have the same number."""
        return self.fewest == self.number

    @property
    def over(self) -> str:
        """What a comparison rests on, as a text."""
        return f"these {formatting.count(self.number, self.noun)}" if self.even else f"the {self.noun}s that both have"

    @property
    def text(self) -> str:
        """How many: 3 seeds, or 1 to 10 seeds."""
        span = "" if self.even else f"{self.fewest:,} to "
        return span + formatting.count(self.number, self.noun)

    def spread(self, samples: int, number: int, goal: Goal = ACCURACY) -> StudentT:
        """Return how means over `number` values, each on `samples` samples, vary; shares by at least one sample."""
        return StudentT.of(goal, number, samples, self.overlap)


def replication_of(stage: Record, trials: Sequence[Record]) -> Replication | None:
    """Return what the replicates of a searching stage are, None where each configuration has one trial."""
    configurations = configurations_of(trials)
    number = max((len(members) for members in configurations), default=0)
    if (stage["kind"] == "final" and len(configurations) < 2) or number < 2:
        return None
    fewest = min((len(counted(members)) for members in configurations if members[0]["rank"]), default=number)
    data = stage["data"] or {}
    if not data.get("folds"):
        return Replication("seed", number, 0.0, fewest)
    return Replication("fold", number, data["validation"] / data["train"], fewest)


def configurations_of(trials: Sequence[Record]) -> list[list[Record]]:
    """Return the trials of each configuration, whose replicates follow one another."""
    return [list(members) for _, members in groupby(trials, lambda trial: trial["point"])]


def counted(replicates: Sequence[Record]) -> list[Record]:
    """Return the replicates that a configuration's rank rests on; all of them where it has no rank."""
    return [trial for trial in replicates if trial["rank"]] or list(replicates)


def configuration_rows(
    frames: Frames, stage: Record, trials: Sequence[Record], styles: Mapping[str, NumberStyle], how: Replication
) -> list[Row]:
    """Return a row per configuration; `styles` has the hyperparameters in the order of their columns."""
    configurations = configurations_of(trials)
    ranked = [each for members in configurations if (each := counted(members))[0]["rank"]]
    p = compare_configurations(frames, stage, ranked, how)
    return [_row(frames, stage, members, styles, how, p.get(members[0]["point"])) for members in configurations]


def compare_configurations(
    frames: Frames, stage: Record, ranked: Sequence[Sequence[Record]], how: Replication
) -> dict[int, float]:
    """Compare each finished configuration of one table with the best; return Holm's p by point where there is a test.

    The test is a paired t test over the replicates that both have, or McNemar's test where both have only one.
    """
    samples = samples_of(frames, stage, ranked[0][0], "validation") if ranked else None
    if not ranked or (not samples and frames.goal == ACCURACY):
        return {}
    best, *others = ranked
    found = {members[0]["point"]: compare_pair(frames, best, members, how, samples or 0) for members in others}
    known = {point: p for point, p in found.items() if p is not None}
    return dict(zip(known, holm(list(known.values())).tolist(), strict=True))


def compare_pair(
    frames: Frames, best: Sequence[Record], other: Sequence[Record], how: Replication, samples: int
) -> float | None:
    """Return the p-value of a difference in the objective between two configurations, None where there is no test."""
    there = {trial["replicate"]: trial for trial in other}
    both = [(trial, there[trial["replicate"]]) for trial in best if trial["replicate"] in there]
    if len(both) > 1:
        values = [[trial["value"] or 0.0 for trial in side] for side in zip(*both, strict=True)]
        return how.spread(samples, len(both), frames.goal).paired_test(*values)
    if frames.goal != ACCURACY:
        return None
    first, second = (frames.correct(trial["id"]) for trial in both[0]) if both else (None, None)
    if first is None or second is None or first.size != second.size:
        return None
    return float(mcnemar_exact((first & ~second).sum(), (second & ~first).sum()))


def mean_estimate(
    frames: Frames, stage: Record, replicates: Sequence[Record], split: str, how: Replication
) -> Estimate | None:
    """Return the mean objective of a configuration's replicates, None where they were not all evaluated.

    The interval is Student's; of a single replicate Wilson's if the objective is the accuracy, else there is none.
    """
    if len(replicates) == 1:
        return estimate(frames, stage, replicates[0], split)
    column = column_of(frames.goal, split)
    values = [trial[column] for trial in replicates if trial[column] is not None]
    samples = samples_of(frames, stage, replicates[0], split) or 0
    if (not samples and frames.goal == ACCURACY) or len(values) < len(replicates):
        return None
    low, high = how.spread(samples, len(values), frames.goal).interval(values)
    return Estimate(statistics.fmean(values), low, high, samples, statistics.stdev(values), frames.goal)


def _row(
    frames: Frames,
    stage: Record,
    replicates: Sequence[Record],
    styles: Mapping[str, NumberStyle],
    how: Replication,
    p: float | None,
) -> Row:
    held = counted(replicates)
    first, complete = held[0], held[0]["rank"] is not None
    losses = [trial["validation_loss"] for trial in held]
    numbers = sorted(trial["number"] for trial in held)
    seconds = sum(trial["seconds"] for trial in replicates)
    mark = mark_of(first["rank"], p)
    state = "complete" if complete else configuration_state([trial["state"] for trial in replicates])
    ended = state in ("complete", "pruned")  # its metrics will not change
    return Row(
        trial_ids=tuple(trial["id"] for trial in held),
        state=state,
        rank=str(first["rank"] or formatting.MISSING),
        trial=formatting.trial_names(stage["name"], numbers),
        number=numbers[0],
        values=values_of(first, styles),
        validation=mean_estimate(frames, stage, held, "validation", how) if ended else None,
        loss=formatting.loss(statistics.fmean(losses)) if ended and None not in losses else formatting.MISSING,
        best_epoch=_best_epochs(held) if ended else formatting.MISSING,
        test=mean_estimate(frames, stage, held, "test", how) if complete else None,
        seconds=seconds,
        time=formatting.duration(seconds) if any(trial["epochs_done"] for trial in replicates) else formatting.MISSING,
        mark=mark,
        remark=_remark(replicates, held, state, verdict(mark, p, stage), how),
        replicates=len(held),
    )


def _best_epochs(replicates: Sequence[Record]) -> str:
    epochs = [trial["best_epoch"] for trial in replicates if trial["best_epoch"] is not None]
    longest = max(trained(trial) for trial in replicates)
    return f"{formatting.span(min(epochs), max(epochs))} of {longest}" if epochs else formatting.MISSING


def _remark(replicates: Sequence[Record], held: Sequence[Record], state: str, compared: str, how: Replication) -> str:
    number = len(replicates)
    if state in ("failed", "pruned"):
        ended = [trial for trial in replicates if trial["state"] == state]
        if state == "pruned" and len(ended) == number and not out_of_time(ended[0]):
            return pruned(ended[0])
        which = formatting.count_of(len(ended), number, how.noun)
        said = "stopped" if out_of_time(ended[0]) else state
        return f"{said}: {which}; {how.noun} {ended[0]['replicate']}: {why(ended[0])}"
    if state != "complete":
        done = sum(trial["state"] == "complete" for trial in replicates)
        return f"running, {formatting.count_of(done, number, how.noun)} done" if state == "running" else state
    parts = [compared]
    early = [trial for trial in held if stopped_early(trial)]
    if early:
        parts.append(f"{early_reason(early[0])[0]}: {formatting.count_of(len(early), number, how.noun)}")
    pruned_at = max((trial["pruned_at"] for trial in held if trial["pruned_at"]), default=None)
    if pruned_at is not None:
        parts.append(f"audited (would have been pruned at epoch {pruned_at:,})")
    late = sum(out_of_time(trial) for trial in replicates)
    if late:
        parts.append(f"no time left for {formatting.count_of(late, number, how.noun)}")
    further = number - len(held) - late
    if further:
        parts.append(f"{formatting.count(further, f'further {how.noun}')} in training")
    return "; ".join(part for part in parts if part)
