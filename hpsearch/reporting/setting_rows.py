"""The rows of a stage whose settings have replicates, seeds or folds: one per setting. May import our rows, statistics.

A setting counts by the mean over its replicates, and is compared with the best seed by seed or fold by fold.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hpsearch.reporting import words
from hpsearch.reporting.frames import Frames, setting_state
from hpsearch.reporting.rows import (
    Estimate,
    Record,
    Row,
    early_reason,
    images_of,
    mark_of,
    stopped_early,
    trained,
    values_of,
    verdict,
)
from hpsearch.reporting.statistics import Spread
from hpsearch.reporting.words import NumberStyle


@dataclass(frozen=True)
class Replication:
    """What the replicates of a stage's settings are, and how their mean varies (see `Spread`)."""

    noun: str  # seed or fold
    number: int
    overlap: float  # n_test / n_train for folds, which share training images; 0 for seeds

    def spread(self, images: int) -> Spread:
        """Return how means over accuracies on so many images vary."""
        return Spread(1 / self.number + self.overlap, 1 / images)


def replication_of(stage: Record, trials: Sequence[Record]) -> Replication | None:
    """Return what the replicates of a searching stage are, None where each setting has one trial."""
    number = max((len(members) for members in settings_of(trials)), default=0)
    if stage["kind"] == "final" or number < 2:
        return None
    data = stage["data"] or {}
    if not data.get("folds"):
        return Replication("seed", number, 0.0)
    return Replication("fold", number, data["validation"] / data["train"])


def settings_of(trials: Sequence[Record]) -> list[list[Record]]:
    """Return the trials of each setting, whose replicates stand together."""
    return [list(members) for _, members in groupby(trials, lambda trial: trial["point"])]


def setting_rows(
    frames: Frames, stage: Record, trials: Sequence[Record], styles: Mapping[str, NumberStyle], how: Replication
) -> list[Row]:
    """Return a row per setting; `styles` has the searched keys in the order of their columns."""
    settings = settings_of(trials)
    p = compare_settings(frames, stage, [members for members in settings if members[0]["rank"]], how)
    return [_row(frames, stage, members, styles, how, p.get(members[0]["point"])) for members in settings]


def compare_settings(
    frames: Frames, stage: Record, ranked: Sequence[Sequence[Record]], how: Replication
) -> dict[int, float]:
    """Compare each finished setting of one table with the best by a paired t test; return Holm's p by point."""
    images = images_of(frames, stage, ranked[0][0], "validation") if ranked else None
    if not images:
        return {}
    best, *others = ([trial["value"] or 0.0 for trial in members] for members in ranked)
    p_values = how.spread(images).compare_with_best(best, others)
    return {members[0]["point"]: p for members, p in zip(ranked[1:], p_values, strict=True)}


def mean_estimate(
    frames: Frames, stage: Record, replicates: Sequence[Record], split: str, how: Replication
) -> Estimate | None:
    """Return the mean accuracy of a setting's replicates, None where they are not two that were all measured."""
    shares = [trial[f"{split}_accuracy"] for trial in replicates if trial[f"{split}_accuracy"] is not None]
    images = images_of(frames, stage, replicates[0], split)
    if not images or len(shares) < len(replicates) or len(shares) < 2:
        return None
    low, high = how.spread(images).interval(shares)
    return Estimate(statistics.fmean(shares), low, high, images, statistics.stdev(shares))


def _row(
    frames: Frames,
    stage: Record,
    replicates: Sequence[Record],
    styles: Mapping[str, NumberStyle],
    how: Replication,
    p: float | None,
) -> Row:
    first, complete = replicates[0], replicates[0]["rank"] is not None
    state = setting_state([trial["state"] for trial in replicates])
    losses = [trial["validation_loss"] for trial in replicates]
    seconds = sum(trial["seconds"] for trial in replicates)
    mark = mark_of(first["rank"], p)
    return Row(
        trial_ids=tuple(trial["id"] for trial in replicates),
        state=state,
        rank=str(first["rank"] or words.MISSING),
        trial=words.numbers([trial["number"] for trial in replicates]),
        values=values_of(first, styles),
        validation=mean_estimate(frames, stage, replicates, "validation", how) if complete else None,
        loss=f"{statistics.fmean(losses):.4f}" if complete and None not in losses else words.MISSING,
        best_epoch=_best_epochs(replicates) if complete else words.MISSING,
        test=mean_estimate(frames, stage, replicates, "test", how) if complete else None,
        seconds=seconds,
        time=words.duration(seconds) if any(trial["epochs_done"] for trial in replicates) else words.MISSING,
        mark=mark,
        remark=_remark(replicates, state, verdict(mark, p, stage), how),
    )


def _best_epochs(replicates: Sequence[Record]) -> str:
    epochs = [trial["best_epoch"] for trial in replicates if trial["best_epoch"] is not None]
    longest = max(trained(trial) for trial in replicates)
    return f"{words.span(min(epochs), max(epochs))} of {longest}" if epochs else words.MISSING


def _remark(replicates: Sequence[Record], state: str, compared: str, how: Replication) -> str:
    number = len(replicates)
    if state in ("failed", "pruned"):
        ended = [trial for trial in replicates if trial["state"] == state]
        which = words.count_of(len(ended), number, how.noun)
        return f"{state}: {which}; {how.noun} {ended[0]['replicate']}: {ended[0]['reason'] or 'no reason was kept'}"
    if state != "complete":
        done = sum(trial["state"] == "complete" for trial in replicates)
        return f"running, {words.count_of(done, number, how.noun)} done" if state == "running" else state
    early = [trial for trial in replicates if stopped_early(trial)]
    stopped = f"{early_reason(early[0])[0]}: {words.count_of(len(early), number, how.noun)}" if early else ""
    return "; ".join(part for part in (compared, stopped) if part)
