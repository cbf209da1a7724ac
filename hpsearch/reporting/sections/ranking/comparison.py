"""The evidence of a stage's table, and its configurations compared with the best. May import our statistics."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.statistics.comparison.best import AgainstBest, compare
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.intervals import SHARE, Bounds
from hpsearch.storage.records import ACCURACY, Goal

Record = dict[str, Any]
OfSamples = NDArray[np.bool_] | NDArray[np.floating]


@dataclass(frozen=True)
class Verdict:
    """How a configuration compares with the best of its table; `found` has scores, of which a higher one is better."""

    found: AgainstBest
    goal: Goal
    rope: float | None = None  # the region of practical equivalence

    @property
    def equivalent(self) -> bool:
        """Whether it is shown to differ from the best by less than matters: the whole interval is within the region."""
        return self.rope is not None and self.found.low >= -self.rope

    @property
    def mark(self) -> str:
        """The mark of its row."""
        return "worse" if self.found.worse else "tied"

    def text(self, places: int) -> str:
        """Write it with the difference from the best and its interval: worse (−3.1, −5.0 to −1.2)."""
        sign = self.goal.sign
        low, high = sorted((sign * self.found.low, sign * self.found.high))
        written = [goal_text.difference(self.goal, each, places) for each in (sign * self.found.difference, low, high)]
        mark = f"{'worse' if self.found.worse else '≈ best'}{', equivalent' if self.equivalent else ''}"
        return f"{mark} ({written[0]}, {written[1]} to {written[2]})"


@dataclass(frozen=True)
class Compared:
    """The finished configurations of a stage, the best first: their evidence, verdicts by their first trial's id."""

    evidence: Evidence
    verdicts: dict[int, Verdict]
    index: dict[int, int]  # of each configuration in the evidence, by its first trial's id


def compared(
    frames: Frames, ranked: Sequence[Sequence[Record]], samples: int, overlap: float | None = None
) -> Compared | None:
    """Compare finished configurations, the best first, with the best; `overlap` is n_test/n_train of folds."""
    if not ranked:
        return None
    evidence = evidence_of(frames, ranked, samples, overlap)
    ids = [members[0]["id"] for members in ranked]
    evidence, found = compare(evidence)
    known = zip(ids, found, strict=True)
    verdicts = {trial: Verdict(each, frames.goal, frames.rope) for trial, each in known if each is not None}
    return Compared(evidence, verdicts, {trial: index for index, trial in enumerate(ids)})


def evidence_of(
    frames: Frames, configurations: Sequence[Sequence[Record]], samples: int, overlap: float | None = None
) -> Evidence:
    """Return the evidence on some configurations; `overlap` is n_test/n_train of folds."""
    runs = tuple(runs_of(frames, members, folds=overlap is not None) for members in configurations)
    return Evidence(runs, samples, overlap, bounds_of(frames, runs[0]))


def bounds_of(frames: Frames, runs: Runs) -> Bounds:
    """Return the lowest and the highest score of the objective; none where nothing is known of the samples."""
    return SHARE if frames.goal.share else frames.sample_scores.bounds if runs.right else Bounds()


def runs_of(frames: Frames, members: Sequence[Record], *, folds: bool = False, split: str = "validation") -> Runs:
    """Return the networks of a configuration; with which samples each classifies correctly, or what these contribute.

    A configuration that was drawn several times has several networks of a fold, which count as one.
    """
    column = column_of(frames.goal, split)
    worst = 0.0 if frames.goal.share else -np.inf
    scores = [worst if trial[column] is None else frames.goal.sign * trial[column] for trial in members]
    right = [of_samples(frames, trial, split) for trial in members]
    known = [each for each in right if each is not None]
    if len(known) < len(members) or (len({each.size for each in known}) > 1 and not folds):
        known = []
    if not folds:
        return Runs(tuple(scores), tuple(known))
    by_fold: dict[int, list[tuple[float, OfSamples | None]]] = defaultdict(list)
    for number, (trial, score) in enumerate(zip(members, scores, strict=True)):
        by_fold[trial["replicate"]].append((score, known[number] if known else None))
    numbers = tuple(sorted(by_fold))
    kept = tuple(each for fold in numbers if (each := by_fold[fold][0][1]) is not None)
    return Runs(tuple(fmean(score for score, _ in by_fold[fold]) for fold in numbers), kept, numbers)


def of_samples(frames: Frames, trial: Record, split: str) -> OfSamples | None:
    """Return which samples a trial classifies correctly, or of another objective what each contributes to the score."""
    if frames.goal == ACCURACY:
        return frames.correct(trial["id"], split)
    return frames.sample_scores.of(trial, split)


def interval_of(frames: Frames, trials: Sequence[Record], split: str) -> tuple[float, float] | None:
    """Return the 95% interval of a trial's objective on other samples, of several trials also over other seeds.

    None where nothing is known of them.
    """
    runs = runs_of(frames, trials, split=split)
    found = Evidence((runs,), runs.right[0].size if runs.right else 0, None, bounds_of(frames, runs)).interval(0)
    if found is None:
        return None
    low, high = sorted(frames.goal.sign * edge for edge in found)
    return low, high


def sampling_variance(frames: Frames, trials: Sequence[Record], split: str) -> float:
    """Return the variance that the samples give to the mean objective of some trials, 0 where it is not known."""
    runs = runs_of(frames, trials, split=split)
    return float(runs.shares(False).var(ddof=1, dtype=np.float64)) / runs.right[0].size if runs.right else 0.0


def knows_samples(frames: Frames, trials: Sequence[Record]) -> bool:
    """Whether it is known what each validation sample contributes to the objective of the finished trials."""
    first = next((trial for trial in trials if trial["rank"]), None)
    return first is not None and of_samples(frames, first, "validation") is not None


def column_of(goal: Goal, split: str) -> str:
    """Return the column of `Frames.trials` with the objective on the validation or the test samples."""
    if goal == ACCURACY:
        return f"{split}_accuracy"
    return "value" if split == "validation" else "test_value"
