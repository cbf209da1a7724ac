"""How far a stage's choice can be trusted: its winner's corrected accuracy, and the final's test beside it.

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
from hpsearch.reporting.sections.ranking_rows import Record
from hpsearch.reporting.sections.replicate_rows import Replication, configurations_of, counted
from hpsearch.reporting.sections.stage import StageView
from hpsearch.reporting.statistics.comparison import Interval, difference_interval, wilson_interval
from hpsearch.reporting.statistics.selection import RESAMPLES, Chosen, correct_for_choosing


@dataclass(frozen=True)
class Choice:
    """One stage's choice: its winner's accuracy as measured and corrected; every text as the table shows it."""

    stage: str
    configurations: str
    samples: str
    raw: str
    corrected: str
    interval: str
    selection_bias: str  # in points
    again: str
    chosen: Chosen


@dataclass(frozen=True)
class FinalCheck:
    """The final's accuracy on the test images, and how the last search stage's corrected accuracy differs from it."""

    stage: str
    accuracy: str
    interval: str
    test_evaluations: int  # how often the test set was evaluated on, by any trial of the study
    trained: str  # on how many images, where the search had fewer
    difference: Interval | None  # corrected validation accuracy − test accuracy, as shares
    places: int

    @property
    def difference_text(self) -> str:
        """The difference with its interval, in points: +0.30 (−0.90 to +1.50)."""
        if self.difference is None:
            return formatting.MISSING
        apart, low, high = (points(value, self.places) for value in self.difference)
        return f"{apart} ({low} to {high})"


def points(share: float, places: int) -> str:
    """Write a difference of shares in percentage points, with its sign.

    >>> points(0.012, 1), points(-0.0003, 2), points(0.0, 1)
    ('+1.2', '−0.03', '0.0')
    """
    text = f"{100 * share:+.{places}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def view_choices(frames: Frames, stages: Sequence[StageView]) -> list[Choice]:
    """Return what each searching stage's choice is worth, where it was kept which images each configuration gets right."""
    found = []
    for stage in stages:
        if stage.kind == "final" or len(stage.ranked) < 2:
            continue
        configurations = _contestants(frames, configurations_of(frames.by_stage[stage.name]))
        seeds = (
            len(configurations[0]) if configurations and stage.replication and stage.replication.noun == "seed" else 1
        )
        chosen = correct_for_choosing(_right(frames, configurations, stage.replication), seeds)
        if chosen:
            found.append(_choice(stage, chosen))
    return found


def _contestants(frames: Frames, configurations: Sequence[Sequence[Record]]) -> list[list[Record]]:
    """Return the configurations among which the choice was made, the best first; none where it is not known of all.

    These are the finished ones with the most replicates. Those that were pruned were in the race too, and take part
    with the networks that they had when they were cut.
    """
    ranked = [counted(members) for members in configurations if members[0]["rank"]]
    ranked = [members for members in ranked if len(members) == len(ranked[0])]
    if len({_sizes(frames, members) for members in ranked}) != 1 or None in _sizes(frames, ranked[0]):
        return []
    cut = [
        list(members)
        for members in configurations
        if configuration_state([each["state"] for each in members]) == "pruned"
    ]
    return ranked + [members for members in cut if _sizes(frames, members) == _sizes(frames, ranked[0])]


def _sizes(frames: Frames, members: Sequence[Record]) -> tuple[int | None, ...]:
    kept = (frames.correct(trial["id"]) for trial in members)
    return tuple(None if right is None else right.size for right in kept)


def _right(
    frames: Frames, configurations: Sequence[Sequence[Record]], how: Replication | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield for each configuration how many of its seeds get each image right; folds, on images of their own, are pooled."""
    for members in configurations:
        kept = [frames.correct(trial["id"]) for trial in members]
        right = [each.astype(np.uint8) for each in kept if each is not None]
        if how and how.noun == "fold":
            yield np.concatenate(right)
        else:
            yield np.sum(right, axis=0, dtype=np.uint8)


def _choice(stage: StageView, chosen: Chosen) -> Choice:
    places = formatting.decimals(chosen.samples)
    return Choice(
        stage=stage.name,
        configurations=f"{chosen.configurations:,}",
        samples=f"{chosen.samples:,}",
        raw=formatting.percent(chosen.raw, places),
        corrected=formatting.percent(chosen.corrected, places),
        interval=formatting.between(chosen.low, chosen.high, places),
        selection_bias=points(chosen.selection_bias, places),
        again=f"{100 * chosen.again:.0f}%",
        chosen=chosen,
    )


def check_final(frames: Frames, stages: Sequence[StageView], choices: Sequence[Choice]) -> FinalCheck | None:
    """Return the final's test accuracy beside the last search's corrected one, None where nothing was tested."""
    last = next((stage for stage in stages if stage.kind == "final" and stage.ranked), None)
    tests = [row.test for row in last.ranked if row.test] if last else []
    if last is None or not tests:
        return None
    samples, places = tests[0].samples, formatting.decimals(tests[0].samples)
    share = statistics.fmean(test.share for test in tests)
    low, high = wilson_interval(share * samples, samples)
    search = next((stage for stage in reversed(stages) if stage.kind != "final" and stage.ranked), None)
    choice = next((choice for choice in choices if search and choice.stage == search.name), None)
    difference = None
    if choice:
        chosen = choice.chosen
        difference = difference_interval((chosen.corrected, chosen.low, chosen.high), (share, low, high))
    train = {row["name"]: (row["data"] or {}).get("train") for row in frames.stage_rows}
    before, after = train.get(search.name) if search else None, train.get(last.name)
    return FinalCheck(
        stage=last.name,
        accuracy=formatting.percent(share, places),
        interval=formatting.between(low, high, places),
        test_evaluations=sum(evaluates_on_test(frames)),
        trained=f"{after:,} images instead of {before:,}" if before and after and before != after else "",
        difference=difference,
        places=places,
    )


def evaluates_on_test(frames: Frames) -> list[int]:
    """Return how often each stage's trials looked at the test images, those among them that have been deleted since."""
    kept = frames.trials.groupby("stage")["test_accuracy"].count()
    return [int(kept.get(stage["name"], 0)) + int(stage["test_evaluations"] or 0) for stage in frames.stage_rows]


def corrected_sentence(stage: StageView, choices: Sequence[Choice]) -> str:
    """Say what the best of a stage is worth without the selection_bias of the choice, "" where that is not known."""
    choice = next((choice for choice in choices if choice.stage == stage.name), None)
    if choice is None:
        return ""
    chosen = choice.chosen
    size = f"{100 * abs(chosen.selection_bias):.{formatting.decimals(chosen.samples)}f} points"
    less = f"{size} less than measured" if chosen.selection_bias > 0 else "no less than measured"
    return (
        f"Corrected for having been chosen, that accuracy is {choice.corrected} (95% interval {choice.interval}),"
        f" {less}: when the choice is repeated on {RESAMPLES:,} resamples of the images and scored on the images left"
        f" out, this is the mean. The same configuration wins in {choice.again} of them."
    )


def final_sentence(check: FinalCheck | None) -> str:
    """Say how the test accuracy compares with what the search promised."""
    if check is None or check.difference is None:
        return ""
    apart, low, high = check.difference
    size = f"{100 * abs(apart):.{check.places}f} points {'below' if apart > 0 else 'above'}"
    verdict = "no more than chance explains" if low <= 0 <= high else "more than chance explains"
    trained = f", trained on {check.trained}" if check.trained else ""
    return (
        f"That is {size} the corrected validation accuracy, {verdict} (95% interval of the difference"
        f" {points(low, check.places)} to {points(high, check.places)}{trained})."
    )
