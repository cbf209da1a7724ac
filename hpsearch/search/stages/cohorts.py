"""Which trials train together, and for how many epochs at a time. May import spec, storage and workers.

Neither choice changes a trial's numbers (rule 1 of CONTRIBUTING.md), only how fast they come.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hpsearch.data.augmentation import Augmentation
from hpsearch.spec import Configuration
from hpsearch.storage import reading
from hpsearch.storage.database import Database
from hpsearch.storage.records import StageRow, TrialRow
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.epoch_results import stop_column
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.segment import Segment, Task

SEGMENT_SECONDS = 3.0
"""The target length of a segment; it is longer where the coordinator would be too busy otherwise."""

ROUND_SECONDS = 1.5
"""The time in which the coordinator should serve every worker once; where it needs longer, segments are longer."""

TURNS = 4
"""Where more cohorts are left than workers, each worker's share of the rest is cut into so many segments: cohorts take
turns, and no worker trains the last one while the others are idle."""

SHORTEST = 1 / 30
"""So much of its usual length a segment has then at least."""

MAX_FACTOR = 20.0
"""Segments get at most so many times as long: a kill costs a segment."""


FUNCTION = "function"
"""The shape of trials of a function, which are called one after another."""

CALLS_SECONDS = 0.5
"""The target length of a segment of calls: nothing of a call is kept when its segment is lost."""

MOST_CALLS = 128
"""The most calls of a segment."""


@dataclass
class Cohort:
    """Trials of one shape that train on the same batches up to epoch `limit`; a trial that fails leaves it."""

    trials: list[TrialRow]
    shape: Hashable
    done: int
    limit: int
    epochs: int
    died: int = 0  # how often in a row its worker died
    lost: int = 0  # how often in a row its worker was lost
    isolated: bool = False
    """After a failure: one epoch per segment, so that the epoch in which a trial fails does not depend on segments."""
    fresh: bool = False
    """Its next segment needs a worker that has run nothing before."""
    restoring: float = 0.0
    """How long its last segment took to be restored (s): an estimator is fitted again from its start."""

    @property
    def share_done(self) -> float:
        return self.done / self.limit

    def named(self, stage: str) -> str:
        """Its first trials, as messages name them."""
        names = ", ".join(f"{stage}:{trial.number}" for trial in self.trials[:3])
        return names + (f" and {len(self.trials) - 3} more" if len(self.trials) > 3 else "")

    def halves(self) -> "list[Cohort]":
        """Two cohorts of half the trials, for a worker that is idle."""
        middle = (len(self.trials) + 1) // 2
        return [replace(self, trials=self.trials[:middle]), replace(self, trials=self.trials[middle:])]

    def isolate(self) -> "list[Cohort]":
        """Each trial in a cohort of its own, so that the one that fails does not affect the others."""
        return [replace(self, trials=[trial], isolated=True) for trial in self.trials]


def form_cohorts(
    trials: Sequence[TrialRow], limit: Callable[[TrialRow], int], largest: Callable[[TrialRow], int]
) -> list[Cohort]:
    """Group unfinished trials by what must be equal, and divide each group, in trial order, into cohorts of even size.

    `limit` gives the epoch that a trial may train to, `largest` the maximal size of a cohort of its shape.
    """
    groups: dict[tuple[Hashable, ...], list[TrialRow]] = defaultdict(list)
    for trial in trials:
        training = dict(trial.configuration["training"])
        for key in ("lambda", "eta", "schedule", "epochs", "cycles"):  # each trial of a cohort has its own
            training.pop(key, None)
        whole = [trial.configuration["model"], training]
        shape: Hashable = FUNCTION if trial.of_function else json.dumps(whole, sort_keys=True)
        groups[shape, trial.replicate, trial.epochs, trial.epochs_done, limit(trial)].append(trial)
    cohorts = []
    for (shape, *_), group in groups.items():
        size = largest(group[0])
        number = -(-len(group) // size)
        for i in range(number):
            part = group[i * len(group) // number : (i + 1) * len(group) // number]
            first = part[0]
            cohorts.append(Cohort(part, shape, first.epochs_done, limit(first), first.epochs))
    return cohorts


def spread(waiting: list[Cohort], idle: int) -> None:
    """Divide the largest cohorts while workers are idle: smaller matrix products are better than an idle core."""
    while waiting and idle > len(waiting):
        largest = max(waiting, key=lambda cohort: len(cohort.trials))
        if len(largest.trials) == 1:
            return
        waiting.remove(largest)
        waiting += largest.halves()


def take_next(waiting: list[Cohort], many: bool) -> Cohort:
    """Take out the cohort with the most epochs done, so that results come early; of few, that with the least."""
    chosen = (max if many else min)(waiting, key=lambda cohort: cohort.share_done)
    waiting.remove(chosen)
    return chosen


def segment_of(
    stage: StageRow,
    trial: TrialRow,
    tasks: tuple[Task, ...],
    epochs: tuple[int, int],
    *,
    splits: Mapping[tuple[str, int], Path],
    plugin: Plugin,
    measures: Measures,
    seed: int,
    test: bool,
) -> Segment:
    """The segment of a cohort's tasks, of which `trial` is one, and of these epochs, both inclusive.

    The search and `verify` both train by it.
    """
    first, last = epochs
    return Segment(
        tasks=tasks,
        split=splits[stage.name, trial.replicate],
        model=plugin.path,
        model_hash=plugin.hash,
        seed=seed,
        replicate=trial.replicate,
        first=first,
        last=last,
        measures=measures,
        augmentation=Augmentation(**tasks[0].configuration.augmentation.model_dump()),
        ends=last == trial.epochs,
        function=plugin.kind == "function",
        test=test,
    )


def next_segment(
    database: Database,
    stage: StageRow,
    cohort: Cohort,
    last: int,
    *,
    splits: Mapping[tuple[str, int], Path],
    plugin: Plugin,
    measures: Measures,
    seed: int,
) -> Segment:
    """The segment that trains a cohort up to epoch `last`, with the states of its trials from the database."""
    ids = [trial.id for trial in cohort.trials]
    configurations = [Configuration.from_json(trial.configuration) for trial in cohort.trials]
    stop = configurations[0].training.stop
    test = stage.test and (last == cohort.epochs or stop is not None)
    states: dict[int, bytes] = {}
    best: dict[int, bytes] = {}
    history: dict[int, tuple[float, ...]] = {}
    if cohort.done:  # else nothing of them is stored, and a transaction would cost a millisecond
        with database.transaction() as connection:
            states = reading.weights(connection, ids, "state")
            best = reading.weights(connection, ids, "best") if test else {}
            history = reading.history(connection, ids, stop_column(stop)) if stop else {}
    tasks = tuple(
        Task(
            trial_id=trial.id,
            configuration=configuration,
            key=(stage.name, trial.point),
            state=states.get(trial.id),
            best=-math.inf if trial.score is None else trial.score,
            best_weights=best.get(trial.id),
            history=history.get(trial.id, ()),
        )
        for trial, configuration in zip(cohort.trials, configurations, strict=True)
    )
    epochs = (cohort.done + 1, last)
    return segment_of(
        stage, cohort.trials[0], tasks, epochs, splits=splits, plugin=plugin, measures=measures, seed=seed, test=test
    )


@dataclass
class Pace:
    """Measured seconds: per epoch, by cohort shape and size; and the coordinator's own per segment."""

    measured: dict[Hashable, float] = field(default_factory=dict)
    _overhead: float = 0.0
    news: bool = False
    """Is it known now how many calls a segment should have, so that cohorts are to be formed again?"""
    _step: float | None = None  # of a call of a function, seconds per epoch
    _segments: int = 0

    def epochs(self, cohort: Cohort, workers: int, others: Sequence[Cohort] = ()) -> int:
        """The number of epochs of the cohort's next segment, with so many workers; 1 until a segment was measured.

        `others` are those that train or wait beside it.
        """
        if cohort.shape == FUNCTION:  # it would be called again from the start for every segment
            return cohort.limit - cohort.done
        seconds = self.measured.get((cohort.shape, len(cohort.trials)))
        if seconds is None or cohort.isolated:
            return 1
        length = self._length(workers)
        if len(others) >= workers and (rest := self._rest([cohort, *others])) is not None:
            length = min(length, max(SHORTEST * length, rest / workers / TURNS))
        length = max(length, cohort.restoring)  # else its segments would mostly restore
        return min(max(1, round(length / max(seconds, 1e-9))), cohort.limit - cohort.done)

    def _rest(self, cohorts: Sequence[Cohort]) -> float | None:
        """How long one worker would train them to their ends (s); None where one was not measured."""
        left = [self.expected(each, each.limit - each.done) for each in cohorts]
        return None if None in left else sum(each for each in left if each is not None)

    def calls(self, epochs: int) -> int:
        """The number of trials of a function in a segment, each up to so many epochs; 1 until some were measured."""
        if self._step is None:
            return 1
        return max(1, min(MOST_CALLS, int(CALLS_SECONDS / max(self._step * epochs, 1e-9))))

    def _length(self, workers: int) -> float:
        """The seconds that a segment should take."""
        overhead = workers * self._overhead / max(1, self._segments)
        return SEGMENT_SECONDS * min(MAX_FACTOR, max(1.0, overhead / ROUND_SECONDS))

    def expected(self, cohort: Cohort, epochs: int) -> float | None:
        """How long so many epochs of the cohort should take; None until a segment was measured."""
        seconds = self.measured.get((cohort.shape, len(cohort.trials)))
        return None if seconds is None else seconds * epochs

    def note(self, cohort: Cohort, epochs: int, seconds: float) -> None:
        """Note how long a segment took."""
        self.measured[cohort.shape, len(cohort.trials)] = seconds / epochs
        if cohort.shape == FUNCTION:
            self.news = self._step is None
            self._step = seconds / len(cohort.trials) / (cohort.done + epochs)

    def note_overhead(self, seconds: float, segments: int) -> None:
        """Note how long the coordinator took to commit segments and to prepare the next ones."""
        self._overhead += seconds
        self._segments += segments
