"""What a stage's best was selected from: its configurations, and the epochs of their trials. May import our frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import Record, configuration_state
from hpsearch.reporting.sections.ranking.replicates import configurations_of, counted
from hpsearch.reporting.statistics.selection import Run, reachable, within_reach

EVERY, ONLY_BEST, NO_CHOICE = "every", "only best", "no choice"


@dataclass(frozen=True)
class Candidates:
    """The configurations that the best was selected from, the best first, and their correct predictions."""

    members: list[list[Record]]
    runs: list[list[Run]]
    samples: int  # of each run
    folds: bool
    epochs: str  # whether the predictions at every epoch are stored, only those at the best; or no epoch was chosen


def candidates(frames: Frames, stage: str, *, folds: bool) -> Candidates | None:
    """Return what the best of a stage was selected from, None where predictions are missing."""
    members = _members(frames, configurations_of(frames.by_stage[stage]))
    if len(members) < 2:
        return None
    samples = _sizes(frames, members[0])[0]
    if samples is None or (folds and set(_sizes(frames, members[0])) != {samples}):
        return None
    best = [[_at_best(frames, trial) for trial in each] for each in members]
    near = reachable(best, samples, folds=folds)
    choosing = [trial for index in near for trial in members[index] if not _keeps_last(trial)]
    stored = frames.correct_by_epoch([trial["id"] for trial in choosing if trial["epochs_done"] > 1])
    for index in near:
        for place, trial in enumerate(members[index]):
            epochs, correct = stored.get(trial["id"], ([], None))
            if correct is not None and trial["best_epoch"] in epochs:
                best[index][place] = within_reach(Run(correct, epochs.index(trial["best_epoch"])))
    several = any(len(epochs) > 1 for epochs, _ in stored.values())
    return Candidates(members, best, samples, folds, EVERY if several else ONLY_BEST if stored else NO_CHOICE)


def _members(frames: Frames, configurations: Sequence[Sequence[Record]]) -> list[list[Record]]:
    """Return the finished configurations with the most replicates, and the pruned, with their predictions at that time.

    None where predictions are missing.
    """
    ranked = [counted(members) for members in configurations if members[0]["rank"]]
    ranked = [members for members in ranked if len(members) == len(ranked[0])]
    if len({_sizes(frames, members) for members in ranked}) != 1 or None in _sizes(frames, ranked[0]):
        return []
    pruned = [
        list(members)
        for members in configurations
        if configuration_state([each["state"] for each in members]) == "pruned"
    ]
    return ranked + [members for members in pruned if _sizes(frames, members) == _sizes(frames, ranked[0])]


def _sizes(frames: Frames, members: Sequence[Record]) -> tuple[int | None, ...]:
    kept = (frames.correct(trial["id"]) for trial in members)
    return tuple(None if right is None else right.size for right in kept)


def _at_best(frames: Frames, trial: Record) -> Run:
    right = frames.correct(trial["id"])
    assert right is not None, "only trials with predictions are candidates"
    return Run(np.packbits(right)[None])


def _keeps_last(trial: Record) -> bool:
    return bool((trial["configuration"] or {}).get("training", {}).get("keep") == "last")
