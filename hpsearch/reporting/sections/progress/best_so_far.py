"""The best configuration so far against the epochs and the time that a study had spent. May import our views."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.progress.times import Span, busy_seconds
from hpsearch.reporting.sections.ranking.stage import StageView


@dataclass(frozen=True)
class Step:
    """After so much was spent, a configuration was better than all before it in its stage; `number` is of its trial."""

    at: float
    value: float
    number: int


@dataclass(frozen=True)
class Course:
    """One stage: its steps, and what had been spent at its end."""

    stage: int
    steps: tuple[Step, ...]
    end: float


@dataclass(frozen=True)
class BestSoFar:
    """The courses of the search stages against epochs, and against seconds; none where that is not known."""

    epochs: tuple[Course, ...]
    seconds: tuple[Course, ...]


def best_so_far(frames: Frames, stages: Sequence[StageView], found: Mapping[int, Span]) -> BestSoFar:
    """Return how the best improved; replicates of a configuration count together, when the last of them has ended.

    Epochs are those of all trials, in the order of their numbers, whichever ended first: then the same results give
    the same figure. Seconds leave out pauses in which nothing was in training.
    """
    done, total = {}, 0
    for stage in stages:
        for trial in sorted(frames.by_stage[stage.name], key=lambda each: each["number"]):
            total += trial["epochs_done"]
            done[trial["id"]] = float(total)
    seconds = busy_seconds(found)
    ended = [trial for stage in stages for row in stage.ranked for trial in row.trial_ids]
    known = bool(seconds) and all(trial in seconds for trial in ended)
    return BestSoFar(_courses(stages, done.__getitem__), _courses(stages, seconds.__getitem__) if known else ())


def _courses(stages: Sequence[StageView], spent: Callable[[int], float]) -> tuple[Course, ...]:
    courses = []
    for index, stage in enumerate(stages):
        if stage.kind == "final" or len(stage.ranked) < 2:
            continue
        sign = stage.goal.sign
        finished = [
            Step(max(map(spent, row.trial_ids)), row.validation.value, row.number)
            for row in stage.ranked
            if row.validation
        ]
        finished.sort(key=lambda step: (step.at, -sign * step.value))
        steps: list[Step] = []
        for step in finished:
            if not steps or sign * step.value > sign * steps[-1].value:
                steps.append(step)
        if steps:
            courses.append(Course(index, tuple(steps), finished[-1].at))
    return tuple(courses)
