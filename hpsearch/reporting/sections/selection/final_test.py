"""The final's objective on the test set beside the last search's corrected one. May import our frames and views."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.comparison import bounds_of, runs_of
from hpsearch.reporting.sections.ranking.rows import Estimate, column_of
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, Worth
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.intervals import Interval, difference_interval, wilson_interval
from hpsearch.reporting.statistics.selection import BiasCorrection
from hpsearch.storage.records import ACCURACY, Goal

_NORMAL = 1.959964

GROWN = "The study was extended after the test set had been used"


@dataclass(frozen=True)
class FinalTest:
    """The final's objective on the test set, and how the last search stage's corrected one differs from it."""

    stage: str
    value: str
    interval: str
    test_evaluations: int  # of all trials of the study
    trained: str  # on how many samples, where the search had another number
    difference: Interval | None  # corrected validation − test, values of the objective
    places: int
    seeds_known: bool = False  # whether the difference allows for the seeds
    goal: Goal = ACCURACY
    mean: float = math.nan  # `value` and `interval` as numbers
    low: float = math.nan
    high: float = math.nan

    @property
    def difference_text(self) -> str:
        """The difference with its interval, of shares in percentage points: +0.30 (−0.90 to +1.50)."""
        if self.difference is None:
            return formatting.MISSING
        difference, low, high = (goal_text.difference(self.goal, value, self.places) for value in self.difference)
        return f"{difference} ({low} to {high})"


def final_test(frames: Frames, stages: Sequence[StageView], corrected: Sequence[CorrectedAccuracy]) -> FinalTest | None:
    """Return the final's value on the test set and its difference from the search.

    None where the test set was not used, or it is not known what its samples contribute to the objective.
    """
    goal = frames.goal
    last = next((stage for stage in stages if stage.kind == "final" and stage.ranked), None)
    tests = [row.test for row in last.ranked if row.test] if last else []
    if last is None or not tests or not last.one_again:
        return None
    places = formatting.decimals(tests[0].samples)
    score = goal.sign * statistics.fmean(test.value for test in tests)
    edges = _of_samples(frames, last, tests)
    if edges is None:
        return None
    search = next((stage for stage in reversed(stages) if stage.kind != "final" and stage.ranked), None)
    selected = next((each for each in corrected if search and each.stage == search.name), None)
    train = {row["name"]: (row["data"] or {}).get("train") for row in frames.stage_rows}
    before, after = train.get(search.name) if search else None, train.get(last.name)
    difference = None
    if selected:
        found = compare_with_test(selected.chosen, selected.worth, (score, *edges), len(tests))
        difference = found if goal.sign > 0 else (-found[0], -found[2], -found[1])
    low, high = sorted(goal.sign * edge for edge in edges)
    return FinalTest(
        stage=last.name,
        value=goal_text.text(goal, goal.sign * score, places),
        interval=goal_text.interval(goal, low, high, places),
        test_evaluations=sum(evaluations_on_test(frames)),
        trained=f"{after:,} samples instead of {before:,}" if before and after and before != after else "",
        difference=difference,
        places=places,
        seeds_known=selected is not None and selected.worth is not None,
        goal=goal,
        mean=goal.sign * score,
        low=low,
        high=high,
    )


def _of_samples(frames: Frames, last: StageView, tests: Sequence[Estimate]) -> tuple[float, float] | None:
    """Return the 95% interval of the networks' mean score on other samples."""
    mean, samples = statistics.fmean(test.value for test in tests), tests[0].samples
    if frames.goal == ACCURACY:
        return wilson_interval(mean * samples, samples) if samples else None
    again = [trial for trial in frames.by_stage[last.name] if trial["rank"] and trial["test_value"] is not None]
    runs = runs_of(frames, again, split="test")
    if not runs.right:
        return None
    one = Runs((runs.mean,), (runs.shares(False),))
    return Evidence((one,), one.right[0].size, None, bounds_of(frames, one)).interval(0)


def compare_with_test(chosen: BiasCorrection, worth: Worth | None, test: Interval, replicates: int) -> Interval:
    """Return the corrected score − the mean test score over `replicates`, with its 95% interval.

    Where the variance of the seeds is known, the corrected score is that expected with any seed, the final's mean
    varies by the seeds too, and the interval is wider by Student's t, because that variance is an estimate.
    """
    if worth is None:
        return difference_interval((chosen.corrected, chosen.low, chosen.high), test)
    difference, low, high = difference_interval((worth.score, worth.low, worth.high), test)
    of_seeds = worth.seeds.variance / replicates
    narrowed = [max(0.0, b - a) for a, b in zip(chosen.half_widths, worth.half_widths, strict=True)]
    bounds = []
    for half, further in zip((difference - low, high - difference), narrowed, strict=True):
        total = (half / _NORMAL) ** 2 + of_seeds
        uncertain = of_seeds + (further / _NORMAL) ** 2
        degrees = worth.seeds.degrees * (total / uncertain) ** 2 if uncertain else math.inf
        factor = _NORMAL if degrees > 1e6 else float(stdtrit(degrees, 0.975))
        bounds.append(factor * math.sqrt(total))
    return difference, difference - bounds[0], difference + bounds[1]


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
        if grown_since_test(frames):
            return f"{said}. {GROWN}: what was added later may have been chosen knowing it."
        return f"{said}, after all configurations had been chosen."
    when = "all" if before == total else f"{before:,} of them"
    metric = frames.goal.metric
    if total == 1:
        return f"{said}."
    return (
        f"{said}; {when} before the best configuration was chosen. It was chosen by validation {metric}. A"
        f" configuration chosen by test {metric} would have a selection bias in its test {metric}."
    )


def grown_since_test(frames: Frames) -> bool:
    """Whether the study was extended after a final had been evaluated on the test set.

    A final whose winner stayed the same is kept, and began before a search stage ended that went on; of one that began
    again only the number of evaluations is left.
    """
    searches = [row for row in frames.stage_rows if row["kind"] != "final"]
    ended = max((row["finished_at"] or row["started_at"] or "" for row in searches), default="")
    finals = [row for row in frames.stage_rows if row["kind"] == "final"]
    return any(row["stale"] or row["test_evaluations"] or (row["started_at"] or ended) < ended for row in finals)


def final_sentence(test: FinalTest | None) -> str:
    """Compare the test value with the corrected validation value, and say what cannot be excluded."""
    if test is None or test.difference is None:
        return ""
    difference, low, high = test.difference
    goal, places = test.goal, test.places
    size = f"{goal_text.size(goal, difference, places)} {'below' if difference > 0 else 'above'}"
    trained = f"; the final was trained on {test.trained}" if test.trained else ""
    interval = f"95% interval of test − corrected {goal_text.difference(goal, -high, places)} to"
    interval += f" {goal_text.difference(goal, -low, places)}{trained}"
    said = f"The test {goal.metric} is {size} the corrected validation {goal.metric}"
    said += " expected with any seed" if test.seeds_known else ""
    if low <= 0 <= high:
        said += (
            f", not a statistically significant difference ({interval}): that it is"
            f" {goal_text.size(goal, high, places)} below or {goal_text.size(goal, low, places)} above cannot be"
            " excluded."
        )
    else:
        said += f", a statistically significant difference ({interval})."
    if not test.seeds_known:
        said += " The variance of the seeds is not known, so the interval leaves it out: it is of these trained models."
    return said
