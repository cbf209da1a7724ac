"""A stage's configurations on their way past a pruner, from the trials and their curves. May import spec and our frames.

What counts at a rung is what the search itself went by: the means over the replicates of the best accuracy so far.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from hpsearch.reporting.curves import Curve, curves_of
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking_rows import Record, out_of_time
from hpsearch.reporting.sections.replicate_rows import configurations_of
from hpsearch.reporting.statistics.pruning_loss import Went
from hpsearch.spec import Hyperband, Pruner, Study, data_of, epochs, probes, replicates_of, resolve


@dataclass(frozen=True)
class Racer:
    """A configuration, without the replicates that confirm it: its trials, the rungs it meets, its accuracy at each."""

    trials: tuple[Record, ...]
    rungs: tuple[int, ...]
    at: Mapping[int, float]
    cut: int | None  # the rung at which the pruner decided against it
    end: float | None  # the mean accuracy, where all its trials are complete

    @property
    def number(self) -> int:
        """The number of its first trial."""
        return int(self.trials[0]["number"])

    @property
    def place(self) -> tuple[float, float, int]:
        """What those that ended are sorted by, the best first: as the ranking does it."""
        losses = [trial["validation_loss"] for trial in self.trials]
        loss = math.inf if None in losses else fmean(losses)
        return -(self.end or 0.0), loss, self.number

    @property
    def audited(self) -> bool:
        """Whether it trained on though it was out of the race."""
        return self.cut is not None and all(trial["state"] != "pruned" for trial in self.trials)

    @property
    def past(self) -> int:
        """The last epoch that all its trials have trained."""
        return min(int(trial["epochs_done"]) for trial in self.trials)

    @property
    def finished(self) -> bool:
        """Whether none of its trials trains on."""
        return all(trial["state"] in ("complete", "failed", "pruned") for trial in self.trials)

    def came(self, rung: int) -> bool:
        """Whether it was in the race at a rung, and came to it."""
        return rung in self.rungs and rung in self.at and (self.cut is None or self.cut >= rung)

    def went_on(self, rung: int) -> bool:
        """Whether it came to a rung, and was let pass."""
        return self.came(rung) and self.cut != rung and (self.past > rung or self.finished or self.cut is not None)


@dataclass(frozen=True)
class Race:
    """A stage with a pruner: all configurations that had a chance, so none that failed or that no time was left for."""

    racers: tuple[Racer, ...]
    rungs: tuple[int, ...]
    audit: float | None  # the share of the cut that was to train on, None where that is not known

    @property
    def cut(self) -> list[Racer]:
        """Those that were decided against."""
        return [racer for racer in self.racers if racer.cut is not None]

    @property
    def survivor(self) -> Racer | None:
        """The best of those that were never decided against."""
        ended = [racer for racer in self.racers if racer.cut is None and racer.end is not None]
        return min(ended, key=lambda racer: racer.place, default=None)

    @property
    def went(self) -> list[Went]:
        """How each went, for the model of what was lost."""
        return [Went(racer.at, racer.cut, racer.end) for racer in self.racers if racer.finished]


def races(frames: Frames) -> dict[str, Race]:
    """Return the race of each stage in which a pruner decided against any trial, by the stage's name."""
    ran = [stage["name"] for stage in frames.stage_rows if any(t["pruned_at"] for t in frames.by_stage[stage["name"]])]
    curves = curves_of(frames) if ran else {}
    return {name: _race(frames, name, curves) for name in ran}


def _race(frames: Frames, name: str, curves: Mapping[int, Curve]) -> Race:
    configurations = configurations_of(frames.by_stage[name])
    stage = next((each for each in frames.written.stages if each.name == name), None) if frames.written else None
    base = min(len(members) for members in configurations)
    pruner, longest = None, max(trial["epochs"] for members in configurations for trial in members)
    if stage is not None and frames.written is not None:
        base, pruner = replicates_of(frames.written, stage), stage.pruner
        longest = max(longest, _longest(frames.written, name))
    met = tuple(sorted({trial["pruned_at"] for members in configurations for trial in members if trial["pruned_at"]}))
    racers = []
    for members in configurations:
        trials = sorted((t for t in members if t["replicate"] < base), key=lambda t: t["replicate"])
        if any(trial["state"] == "failed" or out_of_time(trial) for trial in trials):
            continue
        rungs = _met(pruner, trials[0]["point"], longest) if pruner else met
        racers.append(_racer(trials, rungs, curves))
    rungs = tuple(sorted({rung for racer in racers for rung in racer.rungs if racer.came(rung)}))
    return Race(tuple(racers), rungs, pruner.audit if pruner else None)


def _longest(study: Study, name: str) -> int:
    """The epochs of a stage's longest training, as the search reckons them (hpsearch/search/plan.py)."""
    stage = next(each for each in study.stages if each.name == name)
    samples = data_of(study, stage).train
    return max(epochs(resolve(study, stage, params).training, samples) for params in probes(study, stage))


def _met(pruner: Pruner, point: int, longest: int) -> tuple[int, ...]:
    if isinstance(pruner, Hyperband):
        return pruner.brackets_for(longest)[pruner.bracket_of(point, longest)]
    return pruner.rungs_for(longest)


def _racer(trials: Sequence[Record], rungs: tuple[int, ...], curves: Mapping[int, Curve]) -> Racer:
    shortest = min(trial["epochs"] for trial in trials)
    rungs = tuple(rung for rung in rungs if rung < shortest)
    standings = [_standings(trial, curves.get(trial["id"])) for trial in trials]
    reach = [len(each) for each in standings]
    # One that stopped early stays what it is: at later rungs it stands as at its end.
    ended = [trial["state"] == "complete" for trial in trials]
    at = {
        rung: fmean(float(each[min(rung, len(each)) - 1]) for each in standings)
        for rung in rungs
        if all(length and (rung <= length or whole) for length, whole in zip(reach, ended, strict=True))
    }
    cut = max((trial["pruned_at"] for trial in trials if trial["pruned_at"]), default=None)
    whole = all(trial["state"] == "complete" and trial["value"] is not None for trial in trials)
    return Racer(tuple(trials), rungs, at, cut, fmean(trial["value"] for trial in trials) if whole else None)


def _standings(trial: Record, curve: Curve | None) -> np.ndarray:
    """Return what a trial's kept weights would have scored had it ended there, epoch by epoch."""
    if curve is None:
        return np.empty(0)
    kept_last = trial["configuration"].get("training", {}).get("keep") == "last"
    return curve.validation_accuracy if kept_last else np.fmax.accumulate(curve.validation_accuracy)
