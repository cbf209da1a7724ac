"""Which trials train together, and for how many epochs at a time. May import spec, storage and workers.

Neither choice changes a trial's numbers (rule 1), only how fast they come.
"""

import json
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
from hpsearch.workers.segments.segment import Segment, Task

SEGMENT_SECONDS = 3.0
"""A segment is as many epochs as take about so long, or longer where that would keep the coordinator too busy."""

ROUND_SECONDS = 1.5
"""Half of that: in so long the coordinator is to serve every worker once. If it takes longer, segments are longer."""

MOST_TIMES = 20.0
"""And never longer than so many times: a kill costs a segment."""


@dataclass
class Cohort:
    """Trials of one shape that go through the same epochs, to `limit`, on the same batches; failed ones leave it."""

    trials: list[TrialRow]
    shape: Hashable
    done: int
    limit: int
    epochs: int
    deaths: int = 0
    losses: int = 0
    careful: bool = False
    """Something was raised: epoch by epoch from now on, so that where a trial fails does not depend on the segments."""

    @property
    def share_done(self) -> float:
        return self.done / self.limit

    def halves(self) -> "list[Cohort]":
        """Two cohorts that train as this one would, for a worker that has nothing to do."""
        middle = (len(self.trials) + 1) // 2
        return [replace(self, trials=self.trials[:middle]), replace(self, trials=self.trials[middle:])]

    def apart(self) -> "list[Cohort]":
        """Each trial in a cohort of its own, so that one of them cannot spoil the others' work."""
        return [replace(self, trials=[trial]) for trial in self.trials]


def form_cohorts(
    trials: Sequence[TrialRow], limit: Callable[[TrialRow], int], largest: Callable[[TrialRow], int]
) -> list[Cohort]:
    """Group unfinished trials by what must be equal, and deal each group, in trial order, into even cohorts.

    `limit` gives the epoch that a trial may train to, `largest` the most trials that a cohort of its shape should have.
    """
    groups: dict[tuple[Hashable, ...], list[TrialRow]] = defaultdict(list)
    for trial in trials:
        training = dict(trial.configuration["training"])
        varying = {key: training.pop(key, None) for key in ("lambda", "eta", "schedule", "epochs", "cycles")}
        del varying  # each trial of a cohort has its own
        shape: Hashable = json.dumps([trial.configuration["model"], training], sort_keys=True)
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


def segment_of(
    stage: StageRow,
    trial: TrialRow,
    tasks: tuple[Task, ...],
    epochs: tuple[int, int],
    *,
    splits: Mapping[tuple[str, int], Path],
    plugin: Plugin,
    seed: int,
    test: bool,
) -> Segment:
    """What a worker gets: a cohort's tasks, of which `trial` is one, and their epochs, from the first to the last.

    Searching and verifying both train by this, and so alike.
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
        augmentation=Augmentation(**tasks[0].configuration.augmentation.model_dump()),
        ends=last == trial.epochs,
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
    seed: int,
) -> Segment:
    """What a worker gets to train a cohort up to epoch `last`, with what the database has of its trials."""
    ids = [trial.id for trial in cohort.trials]
    configurations = [Configuration.from_json(trial.configuration) for trial in cohort.trials]
    stop = configurations[0].training.stop
    test = stage.test and (last == cohort.epochs or stop is not None)
    with database.transaction() as connection:
        states = reading.weights(connection, ids, "state") if cohort.done else {}
        best = reading.weights(connection, ids, "best") if test else {}
        history = reading.history(connection, ids, f"validation_{stop.metric}") if stop else {}
    tasks = tuple(
        Task(
            trial_id=trial.id,
            configuration=configuration,
            key=(stage.name, trial.point),
            state=states.get(trial.id),
            best=-1.0 if trial.value is None else trial.value,
            best_weights=best.get(trial.id),
            history=history.get(trial.id, ()),
        )
        for trial, configuration in zip(cohort.trials, configurations, strict=True)
    )
    epochs = (cohort.done + 1, last)
    return segment_of(stage, cohort.trials[0], tasks, epochs, splits=splits, plugin=plugin, seed=seed, test=test)


@dataclass
class Pace:
    """Seconds per epoch, as measured, by cohort shape and size, and the coordinator's own per segment."""

    measured: dict[Hashable, float] = field(default_factory=dict)
    _serving: float = 0.0
    _served: int = 0

    def epochs(self, cohort: Cohort, workers: int) -> int:
        """How many epochs the cohort's next segment should have, with so many workers; one, until its pace is known."""
        seconds = self.measured.get((cohort.shape, len(cohort.trials)))
        wanted = 1 if seconds is None or cohort.careful else max(1, round(self._length(workers) / max(seconds, 1e-9)))
        return min(wanted, cohort.limit - cohort.done)

    def _length(self, workers: int) -> float:
        """Seconds of a segment."""
        serving_all = workers * self._serving / max(1, self._served)
        return SEGMENT_SECONDS * min(MOST_TIMES, max(1.0, serving_all / ROUND_SECONDS))

    def note(self, cohort: Cohort, epochs: int, seconds: float) -> None:
        """Remember how long a segment took."""
        self.measured[cohort.shape, len(cohort.trials)] = seconds / epochs

    def note_service(self, seconds: float, segments: int) -> None:
        """Remember what the coordinator took to commit segments and to make ready what followed them."""
        self._serving += seconds
        self._served += segments
