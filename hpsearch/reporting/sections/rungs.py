"""The configurations of a stage with a pruner, rung by rung, from trials and curves. May import spec and our frames.

The score at a rung is the one that the search used: the mean over the replicates of the best objective so far, turned
so that a higher one is better.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.replicates import points_of
from hpsearch.reporting.sections.ranking.rows import Record, out_of_time
from hpsearch.spec import Hyperband, Pruner, Study, length_of, probes, replicates_of, resolve, with_rungs


@dataclass(frozen=True)
class Candidate:
    """A configuration, without the replicates that confirm it: its trials, its rungs, its score at each."""

    trials: tuple[Record, ...]
    rungs: tuple[int, ...]
    at: Mapping[int, float]
    pruned_at: int | None  # the rung at which the pruner decided against it, also where it was audited
    end: float | None  # the mean score, where all its trials are complete

    @property
    def number(self) -> int:
        """The number of its first trial."""
        return int(self.trials[0]["number"])

    @property
    def order(self) -> tuple[float, float, int]:
        """What complete candidates are sorted by, the best first: as in the ranking."""
        losses = [trial["validation_loss"] for trial in self.trials]
        loss = math.inf if None in losses else fmean(losses)
        return -(self.end or 0.0), loss, self.number

    @property
    def audited(self) -> bool:
        """Whether it would have been pruned, but was selected to train to the end."""
        return self.pruned_at is not None and all(trial["state"] != "pruned" for trial in self.trials)

    @property
    def trained(self) -> int:
        """The last epoch that all its trials have trained."""
        return min(int(trial["epochs_done"]) for trial in self.trials)

    @property
    def finished(self) -> bool:
        """Whether none of its trials is still training."""
        return all(trial["state"] in ("complete", "failed", "pruned") for trial in self.trials)

    def reached(self, rung: int) -> bool:
        """Whether it was compared at a rung: it got there, and the pruner had not decided against it before."""
        return rung in self.rungs and rung in self.at and (self.pruned_at is None or self.pruned_at >= rung)

    def promoted(self, rung: int) -> bool:
        """Whether it reached a rung and the pruner let it train on."""
        on = self.trained > rung or self.finished or self.pruned_at is not None
        return self.reached(rung) and self.pruned_at != rung and on


@dataclass(frozen=True)
class PruningHistory:
    """A stage with a pruner: its configurations, without those that failed and those whose time ran out."""

    candidates: tuple[Candidate, ...]
    rungs: tuple[int, ...]
    audit: float | None  # the share of the pruned that was to be audited, None where that is not known

    @property
    def pruned(self) -> list[Candidate]:
        """Those that the pruner decided against, the audited ones among them."""
        return [candidate for candidate in self.candidates if candidate.pruned_at is not None]

    @property
    def survivor(self) -> Candidate | None:
        """The best of those that the pruner never decided against."""
        ended = [each for each in self.candidates if each.pruned_at is None and each.end is not None]
        return min(ended, key=lambda candidate: candidate.order, default=None)


def pruning_histories(frames: Frames) -> dict[str, PruningHistory]:
    """Return the history of each stage in which a pruner decided against any trial, by the stage's name."""
    ran = [stage["name"] for stage in frames.stage_rows if any(t["pruned_at"] for t in frames.by_stage[stage["name"]])]
    curves = curves_of(frames) if ran else {}
    return {name: _history(frames, name, curves) for name in ran}


def _history(frames: Frames, name: str, curves: Mapping[int, Curve]) -> PruningHistory:
    configurations = points_of(frames.by_stage[name])
    stage = next((each for each in frames.written.stages if each.name == name), None) if frames.written else None
    base = min(len(members) for members in configurations)
    pruner, longest = None, max(trial["epochs"] for members in configurations for trial in members)
    if stage is not None and frames.written is not None:
        base = replicates_of(frames.written, stage)
        stored = next(row["data"] for row in frames.stage_rows if row["name"] == name)
        pruner = with_rungs(stage.pruner, (stored or {}).get("rungs"))
        longest = max(longest, _longest(frames.written, name))
    used = tuple(sorted({trial["pruned_at"] for members in configurations for trial in members if trial["pruned_at"]}))
    candidates, sign = [], frames.goal.sign
    for members in configurations:
        trials = sorted((t for t in members if t["replicate"] < base), key=lambda t: t["replicate"])
        if any(trial["state"] == "failed" or out_of_time(trial) for trial in trials):
            continue
        rungs = _rungs_of(pruner, trials[0]["point"], longest) if pruner else used
        candidates.append(_candidate(trials, rungs, curves, sign))
    rungs = tuple(sorted({rung for each in candidates for rung in each.rungs if each.reached(rung)}))
    return PruningHistory(tuple(candidates), rungs, pruner.audit if pruner else None)


def _longest(study: Study, name: str) -> int:
    """Return the epochs of a stage's longest training, as the search does (hpsearch/search/stages/space.py)."""
    stage = next(each for each in study.stages if each.name == name)
    return max(length_of(study, stage, resolve(study, stage, params).training) for params in probes(study, stage))


def _rungs_of(pruner: Pruner, point: int, longest: int) -> tuple[int, ...]:
    if isinstance(pruner, Hyperband):
        return pruner.brackets_for(longest)[pruner.bracket_of(point, longest)]
    return pruner.rungs_for(longest)


def _candidate(trials: Sequence[Record], rungs: tuple[int, ...], curves: Mapping[int, Curve], sign: float) -> Candidate:
    shortest = min(trial["epochs"] for trial in trials)
    rungs = tuple(rung for rung in rungs if rung < shortest)
    scores = [_scores(trial, curves.get(trial["id"]), sign) for trial in trials]
    lengths = [len(each) for each in scores]
    # A trial that stopped early keeps its last score at later rungs.
    complete = [trial["state"] == "complete" for trial in trials]
    at = {
        rung: fmean(float(each[min(rung, len(each)) - 1]) for each in scores)
        for rung in rungs
        if all(length and (rung <= length or ended) for length, ended in zip(lengths, complete, strict=True))
    }
    pruned_at = max((trial["pruned_at"] for trial in trials if trial["pruned_at"]), default=None)
    known = all(trial["state"] == "complete" and trial["value"] is not None for trial in trials)
    end = sign * fmean(trial["value"] for trial in trials) if known else None
    return Candidate(tuple(trials), rungs, at, pruned_at, end)


def _scores(trial: Record, curve: Curve | None, sign: float) -> np.ndarray:
    """Return the score that a trial's kept weights would have had if it had ended at each epoch, (epochs,)."""
    if curve is None:
        return np.empty(0)
    kept_last = trial["configuration"].get("training", {}).get("keep") == "last"
    scores = sign * curve.objective
    return scores if kept_last else np.fmax.accumulate(scores)
