"""The limits of each trial: what its segments may take, and what reaching a limit means. May import spec and storage.

A cohort is no reason for a trial to fail: where several train together, or for several epochs, each goes on alone and
epoch by epoch, and fails by its own time and memory.
"""

import sys
from dataclasses import dataclass, replace
from functools import cached_property

from hpsearch.errors import InputError
from hpsearch.search.options import Options
from hpsearch.search.stages.cohorts import Cohort
from hpsearch.spec import Configuration, Final, Stage, Study, TrialLimits, data_of, epochs, limits_of
from hpsearch.storage.records import Progress
from hpsearch.workers.pools import ENDING, LimitReached, Limits
from hpsearch.workers.segments.segment import Segment

SLOW = 10.0
"""A segment that takes so many times as long as measured is divided before its trials' time is over."""

SLOW_SECONDS = 10.0
"""It is not before so many seconds."""

SHARE = 0.25
"""Of its trials' time, how much the first segment of a cohort may take, before it is known how long one takes."""


def check_backend(study: Study, options: Options) -> None:
    """Raise InputError for a backend that cannot end trials, whose study has limits that need it."""
    steps: list[Stage | Final] = [*study.stages, *([study.final] if study.final else [])]
    keys = dict.fromkeys(key for step in steps for key in limits_of(study, step).measured)
    if "memory" in keys and options.backend in ENDING and sys.platform != "linux":
        options.watcher.message("trial.memory is not checked: only Linux tells what a process uses")
    if not keys or options.backend in ENDING:
        return
    named = " and ".join(f"trial.{key}" for key in keys)
    rule = f"--backend {options.backend} has no worker that could be ended, which {named} needs"
    raise InputError(f"{rule}; use --backend {' or '.join(ENDING)}")


@dataclass(frozen=True)
class Allowance:
    """What the trials of a step may take."""

    study: Study
    step: Stage | Final

    @cached_property
    def limits(self) -> TrialLimits:
        """The limits of each trial of the step."""
        return limits_of(self.study, self.step)

    def of(self, cohort: Cohort, last: int, expected: float | None) -> Limits | None:
        """What a cohort's segment up to epoch `last` may take, which should take `expected` seconds."""
        if not self.limits.measured:
            return None
        return Limits(self._seconds(cohort, last, expected), self.limits.memory_bytes, cohort.fresh)

    def _seconds(self, cohort: Cohort, last: int, expected: float | None) -> float | None:
        most = self.limits.seconds
        if most is None:
            return None
        left = most - max(trial.seconds for trial in cohort.trials)
        if len(cohort.trials) == 1 and last == cohort.done + 1:
            return left
        return min(left, SHARE * left if expected is None else max(SLOW * expected, SLOW_SECONDS))

    def reached(self, cohort: Cohort, segment: Segment, reached: LimitReached) -> str | list[Cohort]:
        """Why a cohort's only trial fails, whose worker was ended; or the cohorts to run the segment again with."""
        if len(cohort.trials) > 1 or segment.last > segment.first:
            return cohort.isolate()
        if reached.key == "memory" and not reached.fresh:  # it may be another trial's
            return [replace(cohort, isolated=True, fresh=True)]
        return self.limits.reason(reached.key)

    def with_limits(self, record: Progress) -> Progress:
        """A trial's progress, and that it fails with its time over, or that its updates are used up."""
        limits = self.limits
        if record.failure or record.stopped:
            return record
        if record.finished:
            return replace(record, stopped=limits.reason("updates")) if self._is_cut(record) else record
        if limits.seconds is not None and record.trial.seconds + record.seconds >= limits.seconds:
            return replace(record, failure=limits.reason("minutes"))
        return record

    def _is_cut(self, record: Progress) -> bool:
        if self.limits.updates is None:
            return False
        training = Configuration.from_json(record.trial.configuration).training
        return epochs(training, data_of(self.study, self.step).train) > record.trial.epochs
