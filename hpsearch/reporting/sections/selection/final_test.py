"""The final's accuracy on the test set beside the last search's corrected accuracy. May import our frames and views."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import column_of
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, Worth
from hpsearch.reporting.statistics.intervals import Interval, difference_interval, wilson_interval
from hpsearch.reporting.statistics.selection import BiasCorrection
from hpsearch.storage.records import ACCURACY

_NORMAL = 1.959964


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
    seeds_known: bool = False  # whether the difference allows for the seeds

    @property
    def difference_text(self) -> str:
        """The difference with its interval, in percentage points: +0.30 (−0.90 to +1.50)."""
        if self.difference is None:
            return formatting.MISSING
        difference, low, high = (formatting.points(value, self.places) for value in self.difference)
        return f"{difference} ({low} to {high})"


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
    train = {row["name"]: (row["data"] or {}).get("train") for row in frames.stage_rows}
    before, after = train.get(search.name) if search else None, train.get(last.name)
    return FinalTest(
        stage=last.name,
        accuracy=formatting.percent(share, places),
        interval=formatting.between(low, high, places),
        test_evaluations=sum(evaluations_on_test(frames)),
        trained=f"{after:,} samples instead of {before:,}" if before and after and before != after else "",
        difference=compare_with_test(selected.chosen, selected.worth, (share, low, high), len(tests))
        if selected
        else None,
        places=places,
        seeds_known=selected is not None and selected.worth is not None,
    )


def compare_with_test(chosen: BiasCorrection, worth: Worth | None, test: Interval, replicates: int) -> Interval:
    """Return the corrected accuracy − the mean test accuracy over `replicates`, with its 95% interval.

    Where the variance of the seeds is known, the corrected accuracy is that expected with any seed, the final's mean
    varies by the seeds too, and the interval is wider by Student's t, because that variance is an estimate.
    """
    if worth is None:
        return difference_interval((chosen.corrected, chosen.low, chosen.high), test)
    difference, low, high = difference_interval((worth.accuracy, worth.low, worth.high), test)
    of_seeds = worth.seeds.variance / replicates
    narrowed = [max(0.0, b - a) for a, b in zip(_halves(chosen), worth.half_widths, strict=True)]
    bounds = []
    for half, further in zip((difference - low, high - difference), narrowed, strict=True):
        total = (half / _NORMAL) ** 2 + of_seeds
        uncertain = of_seeds + (further / _NORMAL) ** 2
        degrees = worth.seeds.degrees * (total / uncertain) ** 2 if uncertain else math.inf
        factor = _NORMAL if degrees > 1e6 else float(stdtrit(degrees, 0.975))
        bounds.append(factor * math.sqrt(total))
    return difference, difference - bounds[0], difference + bounds[1]


def _halves(chosen: BiasCorrection) -> tuple[float, float]:
    return chosen.corrected - chosen.low, chosen.high - chosen.corrected


def evaluations_on_test(frames: Frames) -> list[int]:
    """Return each stage's number of evaluations on the test set, those of trials that have been deleted included."""
    kept = frames.trials.groupby("stage")[column_of(frames.goal, "test")].count()
    return [int(kept.get(stage["name"], 0)) + int(stage["test_evaluations"] or 0) for stage in frames.stage_rows]


def evaluations_sentence(frames: Frames, stages: Sequence[StageView]) -> str:
    """Count the test-set evaluations, and say how many came before the choice that they might bias."""
    evaluations = [pair for pair in zip(stages, evaluations_on_test(frames), strict=True) if pair[1]]
    total = sum(number for _, number in evaluations)
    if not total:
        return "No trial has been evaluated on the test set."
    before = sum(number for stage, number in evaluations if stage.kind != "final")
    deleted = sum(int(row["test_evaluations"] or 0) for row in frames.stage_rows)
    by = formatting.listing([f"{number:,} in {stage.name}" for stage, number in evaluations])
    said = f"Test-set evaluations: {total:,} ({by})"
    said += f", of which {deleted:,} by trials that were deleted when their stage began again" if deleted else ""
    if not before:
        if _grown_since_final(frames, stages):
            return f"{said}. The study has grown since: what was added later may have been chosen knowing them."
        return f"{said}, after all configurations had been chosen."
    when = "all" if before == total else f"{before:,} of them"
    metric = frames.goal.metric
    if total == 1:
        return f"{said}."
    return (
        f"{said}; {when} before the best configuration was chosen. It was chosen by validation {metric}. A"
        f" configuration chosen by test {metric} would have a selection bias in its test {metric}."
    )


def _grown_since_final(frames: Frames, stages: Sequence[StageView]) -> bool:
    """Whether search stages were added after the final's, or trials to a stage before it."""
    first = next((index for index, stage in enumerate(stages) if stage.kind == "final"), len(stages))
    later = any(stage.kind != "final" for stage in stages[first + 1 :])
    return later or any(row["stale"] for row in frames.stage_rows[first:])


def final_sentence(test: FinalTest | None) -> str:
    """Compare the test accuracy with the corrected validation accuracy, and say what cannot be excluded."""
    if test is None or test.difference is None:
        return ""
    difference, low, high = test.difference
    size = f"{100 * abs(difference):.{test.places}f} points {'below' if difference > 0 else 'above'}"
    trained = f"; the final was trained on {test.trained}" if test.trained else ""
    interval = f"95% interval of test − corrected {formatting.points(-high, test.places)} to"
    interval += f" {formatting.points(-low, test.places)}{trained}"
    said = f"The test accuracy is {size} the corrected validation accuracy"
    said += " expected with any seed" if test.seeds_known else ""
    if low <= 0 <= high:
        said += (
            f", not a statistically significant difference ({interval}): that it is {_points(high, test.places)} below"
            f" or {_points(-low, test.places)} above cannot be excluded."
        )
    else:
        said += f", a statistically significant difference ({interval})."
    if not test.seeds_known:
        said += " The variance of the seeds is not known, so the interval leaves it out: it is about these networks."
    return said


def _points(value: float, places: int) -> str:
    return f"{100 * value:.{places}f} points"
