"""The accuracy of each stage's best configuration, corrected for selection bias, and the final's test accuracy.

May import our frames, views and statistics.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import configuration_state
from hpsearch.reporting.sections.ranking.replicates import Replication, configurations_of, counted
from hpsearch.reporting.sections.ranking.rows import Record, column_of
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.statistics.intervals import Interval, difference_interval, wilson_interval
from hpsearch.reporting.statistics.selection import RESAMPLES, BiasCorrection, correct_selection_bias
from hpsearch.storage.records import ACCURACY


@dataclass(frozen=True)
class CorrectedAccuracy:
    """The accuracy of one stage's best configuration, measured and corrected; every text as the table shows it."""

    stage: str
    configurations: str
    samples: str
    raw: str
    corrected: str
    interval: str
    selection_bias: str  # in percentage points
    again: str  # the share of bootstrap samples in which the same configuration is the best
    chosen: BiasCorrection


@dataclass(frozen=True)
class FinalTest:
    """The final's accuracy on the test set, and how the last search stage's corrected accuracy differs from it."""

    stage: str
    accuracy: str
    interval: str
    test_evaluations: int  # of all trials of the study
    trained: str  # on how many samples, where the search had another number
    difference: Interval | None  # corrected validation accuracy − test accuracy, as shares
    places: int

    @property
    def difference_text(self) -> str:
        """The difference with its interval, in percentage points: +0.30 (−0.90 to +1.50)."""
        if self.difference is None:
            return formatting.MISSING
        difference, low, high = (formatting.points(value, self.places) for value in self.difference)
        return f"{difference} ({low} to {high})"


def corrected_accuracies(frames: Frames, stages: Sequence[StageView]) -> list[CorrectedAccuracy]:
    """Return the corrected accuracy of each search stage's best configuration, where all predictions were stored.

    Of another objective none is known: the correction resamples whether each sample is classified correctly.
    """
    if frames.goal != ACCURACY:
        return []
    found = []
    for stage in stages:
        if stage.kind == "final" or len(stage.ranked) < 2:
            continue
        configurations = _candidates(frames, configurations_of(frames.by_stage[stage.name]))
        seeds = (
            len(configurations[0]) if configurations and stage.replication and stage.replication.noun == "seed" else 1
        )
        chosen = correct_selection_bias(_correct(frames, configurations, stage.replication), seeds)
        if chosen:
            found.append(_view(stage, chosen))
    return found


def _candidates(frames: Frames, configurations: Sequence[Sequence[Record]]) -> list[list[Record]]:
    """Return the configurations that the best was selected from, the best first; none where predictions are missing.

    These are the finished ones with the most replicates, and the pruned ones with their predictions at that time.
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


def _correct(
    frames: Frames, configurations: Sequence[Sequence[Record]], how: Replication | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield for each configuration how many of its seeds classify each sample correctly; folds are concatenated."""
    for members in configurations:
        kept = [frames.correct(trial["id"]) for trial in members]
        correct = [each.astype(np.uint8) for each in kept if each is not None]
        if how and how.noun == "fold":
            yield np.concatenate(correct)
        else:
            yield np.sum(correct, axis=0, dtype=np.uint8)


def _view(stage: StageView, chosen: BiasCorrection) -> CorrectedAccuracy:
    places = formatting.decimals(chosen.samples)
    return CorrectedAccuracy(
        stage=stage.name,
        configurations=f"{chosen.configurations:,}",
        samples=f"{chosen.samples:,}",
        raw=formatting.percent(chosen.raw, places),
        corrected=formatting.percent(chosen.corrected, places),
        interval=formatting.between(chosen.low, chosen.high, places),
        selection_bias=formatting.points(chosen.selection_bias, places),
        again=f"{100 * chosen.chosen_again:.0f}%",
        chosen=chosen,
    )


def final_test(frames: Frames, stages: Sequence[StageView], corrected: Sequence[CorrectedAccuracy]) -> FinalTest | None:
    """Return the final's test accuracy and its difference from the search, None where the test set was not used."""
    if frames.goal != ACCURACY:
        return None
    last = next((stage for stage in stages if stage.kind == "final" and stage.ranked), None)
    tests = [row.test for row in last.ranked if row.test] if last else []
    if last is None or not tests or not last.one_again:
        return None
    samples, places = tests[0].samples, formatting.decimals(tests[0].samples)
    share = statistics.fmean(test.value for test in tests)
    low, high = wilson_interval(share * samples, samples)
    search = next((stage for stage in reversed(stages) if stage.kind != "final" and stage.ranked), None)
    selected = next((each for each in corrected if search and each.stage == search.name), None)
    difference = None
    if selected:
        chosen = selected.chosen
        difference = difference_interval((chosen.corrected, chosen.low, chosen.high), (share, low, high))
    train = {row["name"]: (row["data"] or {}).get("train") for row in frames.stage_rows}
    before, after = train.get(search.name) if search else None, train.get(last.name)
    return FinalTest(
        stage=last.name,
        accuracy=formatting.percent(share, places),
        interval=formatting.between(low, high, places),
        test_evaluations=sum(evaluations_on_test(frames)),
        trained=f"{after:,} samples instead of {before:,}" if before and after and before != after else "",
        difference=difference,
        places=places,
    )


def evaluations_on_test(frames: Frames) -> list[int]:
    """Return each stage's number of evaluations on the test set, those of trials that have been deleted included."""
    kept = frames.trials.groupby("stage")[column_of(frames.goal, "test")].count()
    return [int(kept.get(stage["name"], 0)) + int(stage["test_evaluations"] or 0) for stage in frames.stage_rows]


def corrected_sentence(stage: StageView, corrected: Sequence[CorrectedAccuracy]) -> str:
    """State the corrected accuracy of a stage's best configuration, "" where it is not known."""
    found = next((each for each in corrected if each.stage == stage.name), None)
    if found is None:
        return ""
    chosen = found.chosen
    size = f"{100 * abs(chosen.selection_bias):.{formatting.decimals(chosen.samples)}f} points"
    less = f"{size} less than measured" if chosen.selection_bias > 0 else "not less than measured"
    return (
        f"Corrected for selection bias, its validation accuracy is {found.corrected} (95% interval {found.interval}),"
        f" {less}. The same configuration is the best in {found.again} of {RESAMPLES:,} bootstrap samples."
    )


def final_sentence(test: FinalTest | None) -> str:
    """Compare the test accuracy with the corrected validation accuracy."""
    if test is None or test.difference is None:
        return ""
    difference, low, high = test.difference
    size = f"{100 * abs(difference):.{test.places}f} points {'below' if difference > 0 else 'above'}"
    verdict = "a statistically significant difference"
    if low <= 0 <= high:
        most = f"{100 * max(-low, high):.{test.places}f}"
        verdict = f"not a statistically significant difference, but up to {most} points are not excluded"
    trained = f"; the final was trained on {test.trained}" if test.trained else ""
    return (
        f"The test accuracy is {size} the corrected validation accuracy, {verdict} (95% interval of test −"
        f" corrected {formatting.points(-high, test.places)} to {formatting.points(-low, test.places)}{trained})."
    )
