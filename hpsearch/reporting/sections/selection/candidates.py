"""What a stage's best was selected from: its configurations, and the epochs of their trials. May import our frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import Record, configuration_state
from hpsearch.reporting.sections.ranking.comparison import of_samples
from hpsearch.reporting.sections.ranking.replicates import configurations_of, counted
from hpsearch.reporting.statistics.bootstrap.runs import AnyRun, Run, Valued, reachable
from hpsearch.storage.records import ACCURACY

EVERY, SOME, ONLY_BEST, NO_CHOICE = "every", "some", "only best", "no choice"

_CELLS = 40_000_000
"""So many contributions are kept, 160 MB: the trials that are ranked last take part with their best epoch alone."""

_AT_ONCE = 50
"""So many trials are read before the contributions are counted again."""

_COSTLY = 50
"""Of so many trials the contributions to a metric of one's own are computed at every epoch: it is called for each."""


@dataclass(frozen=True)
class Candidates:
    """The configurations that the best was selected from, the best first, and what each sample adds to their scores."""

    members: list[list[Record]]
    runs: list[list[AnyRun]]
    samples: int  # of each run
    folds: bool
    epochs: str  # whether the predictions at every epoch are stored, at some, only at the best; or no epoch was chosen


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
    chosen_from = {trial["id"]: trial for trial in choosing if trial["epochs_done"] > 1}
    stored: dict[int, int] = {}
    runs = {}
    for trial_id, epochs, run in _by_epoch(frames, list(chosen_from), samples):
        stored[trial_id] = epochs
        runs[trial_id] = run.within_reach()
    for index in near:
        best[index] = [runs.get(trial["id"], run) for trial, run in zip(members[index], best[index], strict=True)]
    return Candidates(members, best, samples, folds, _which_epochs(members[0], chosen_from, stored))


def _by_epoch(frames: Frames, trials: Sequence[int], samples: int) -> Iterator[tuple[int, int, AnyRun]]:
    """Yield trials with the number of epochs that are stored, and what each sample adds at each of them."""
    known = {trial["id"]: trial for trial in frames.rows}
    if frames.goal == ACCURACY:
        for trial, (epochs, correct) in frames.correct_by_epoch(trials).items():
            if known[trial]["best_epoch"] in epochs:
                yield trial, len(epochs), Run(correct, epochs.index(known[trial]["best_epoch"]))
        return
    if frames.sample_scores.costly:
        trials = trials[:_COSTLY]
    cells = 0
    for stage in dict.fromkeys(known[trial]["stage_id"] for trial in trials):
        here = [trial for trial in trials if known[trial]["stage_id"] == stage]
        for start in range(0, len(here), _AT_ONCE):
            if cells > _CELLS:
                return
            for trial, epochs, values in frames.sample_scores.by_epoch(stage, here[start : start + _AT_ONCE]):
                if known[trial]["best_epoch"] in epochs and values.shape[1] == samples:
                    cells += values.size
                    chosen = epochs.index(known[trial]["best_epoch"])
                    yield trial, len(epochs), Valued(values, chosen, frames.sample_scores.bounds.both)


def _which_epochs(best: Sequence[Record], choosing: dict[int, Record], stored: dict[int, int]) -> str:
    """Say of which epochs the predictions are known, as they are of the best configuration."""
    if not choosing:
        return NO_CHOICE
    if not any(number > 1 for number in stored.values()):
        return ONLY_BEST
    whole = all(stored.get(trial["id"], 0) >= trial["epochs_done"] for trial in best if trial["id"] in choosing)
    return EVERY if whole else SOME


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
    kept = (of_samples(frames, trial, "validation") for trial in members)
    return tuple(None if right is None else right.size for right in kept)


def _at_best(frames: Frames, trial: Record) -> AnyRun:
    found = of_samples(frames, trial, "validation")
    assert found is not None, "only trials whose samples are known are candidates"
    if found.dtype == np.bool_:
        return Run(np.packbits(found.astype(np.bool_))[None])
    return Valued(np.asarray(found[None], np.result_type(np.float32, found)), bounded=frames.sample_scores.bounds.both)


def _keeps_last(trial: Record) -> bool:
    return bool((trial["configuration"] or {}).get("training", {}).get("keep") == "last")
