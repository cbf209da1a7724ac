"""The final's winner trained once more, on all samples: `[final] data = "all"`. May import spec, storage and workers.

What is stored is its parameters, beside the trial of the final that it is; it is evaluated on nothing. As in a stage,
what was not committed when a run is killed is computed again, with the same result.
"""

import math
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from hpsearch.data import open_split
from hpsearch.data.augmentation import Augmentation
from hpsearch.errors import DataError, HpsearchError
from hpsearch.search.interrupts import PATIENCE
from hpsearch.search.ranking import StageFailedError, rank
from hpsearch.search.stages.cohorts import SEGMENT_SECONDS
from hpsearch.search.stages.context import RunContext
from hpsearch.spec import Configuration, Study, data_of, epochs, updates_per_epoch
from hpsearch.storage import reading, writing
from hpsearch.storage.records import StageRow, StudyRow, TrialRow
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.pools import WorkerDied, WorkerLost
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.results import SegmentResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

ON_ALL = "final:all"
"""The name of the model that is trained so."""

ATTEMPTS = 3
"""A segment that was lost so often in a row ends the run."""


def whole_configuration(configuration: Configuration, before: int, now: int) -> Configuration:
    """The configuration of a trial on `before` training samples, for a training on `now` of them.

    It has as many epochs, and what the schedule counts in updates becomes as long in epochs as it was.
    """
    training = configuration.training
    changes: dict[str, Any] = {"epochs": epochs(training, before), "cycles": None, "updates": None}
    changes |= {"keep": "last", "stop": None}
    if training.batch_size is not None:
        share = updates_per_epoch(training, now) / updates_per_epoch(training, before)
        counted = {
            key: max(1, round(value * share))
            for key in ("half_cycle_updates", "warmup_updates")
            if (value := getattr(training.schedule, key, None)) is not None
        }
        changes["schedule"] = training.schedule.model_copy(update=counted)
    return replace(configuration, training=training.model_copy(update=changes))


def winner_of(trials: Sequence[TrialRow]) -> tuple[TrialRow, int]:
    """The first replicate of the final's best configuration, and the epoch that its replicates chose: the median."""
    best = rank(trials)[0]
    replicates = [trial for trial in trials if trial.id in best.trials]
    chosen = [trial.best_epoch for trial in replicates if trial.best_epoch is not None]
    return min(replicates, key=lambda trial: trial.replicate), round(median(chosen))


def whole_segment(
    stage: StageRow,
    trial: TrialRow,
    configuration: Configuration,
    span: tuple[int, int],
    state: bytes | None,
    *,
    split: Path,
    plugin: Plugin,
    measures: Measures,
    seed: int,
) -> Segment:
    """The segment of these epochs, both inclusive, of the winner's training on all samples.

    The final and `verify` both train by it.
    """
    return Segment(
        tasks=(Task(trial.id, configuration, (stage.name, trial.point), state, best=-math.inf),),
        split=split,
        model=plugin.path,
        model_hash=plugin.hash,
        seed=seed,
        replicate=trial.replicate,
        first=span[0],
        last=span[1],
        measures=measures,
        augmentation=Augmentation(**configuration.augmentation.model_dump()),
    )


class WholeRun:
    """Trains the winner on all samples, a segment at a time."""

    def __init__(
        self, context: RunContext, row: StudyRow, study: Study, stage: StageRow, trials: Sequence[TrialRow]
    ) -> None:
        self.context, self.row, self.study, self.stage = context, row, study, stage
        self.trial, self.last = winner_of(trials)

    def run(self) -> bool:
        """Train it up to its last epoch, and store its parameters. Returns False if it was interrupted."""
        with self.context.database.transaction() as connection:
            if writing.whole_epoch(connection, self.trial.id) == self.last:
                return True
            done = writing.whole_epoch(connection, self.trial.id, writing.WHOLE_STATE)
            state = reading.weights(connection, [self.trial.id], writing.WHOLE_STATE).get(self.trial.id)
        if self.trial.number in self.row.model.get("kept", {}).get(self.stage.name, ()):
            rule = "its winner was trained with the model file as it was before a change that was accepted"
            self.context.watcher.message(f"final: {rule}, so it is not trained on all samples")
            return True
        path = self.context.prepare_whole()
        samples = open_split(path).samples
        if not done:
            number = "1 epoch" if self.last == 1 else f"{self.last:,} epochs"
            self.context.watcher.message(f"final: the winner is trained on all {samples:,} samples, for {number}")
        given = Configuration.from_json(self.trial.configuration)
        assert self.study.final is not None
        configuration = whole_configuration(given, data_of(self.study, self.study.final).train, samples)
        length = 1
        while done < self.last:
            if self.context.interrupts.count:
                return False
            began, end = time.monotonic(), min(self.last, done + length)
            result = self._segment(path, configuration, (done + 1, end), state)
            if result is None:
                return False
            state = self._store(result, end)
            length = max(1, round(length * SEGMENT_SECONDS / max(time.monotonic() - began, 1e-3)))
            done = end
        return True

    def _segment(
        self, path: Path, configuration: Configuration, span: tuple[int, int], state: bytes | None
    ) -> SegmentResult | None:
        """The result of some epochs; None if it was interrupted."""
        context = self.context
        segment = whole_segment(
            self.stage,
            self.trial,
            configuration,
            span,
            state,
            split=path,
            plugin=context.plugin,
            measures=context.measures,
            seed=self.study.seed,
        )
        for attempt in range(1, ATTEMPTS + 1):
            future = context.pool.submit(run_segment, segment)
            if not self._finished(future):
                return None
            try:
                return future.result()
            except (WorkerDied, WorkerLost, DataError) as error:
                if attempt == ATTEMPTS:
                    text = f"final: the winner cannot be trained on all samples: {error}"
                    raise HpsearchError(text) from error
                context.prepare_whole()  # which may have vanished from the cache
        raise AssertionError

    def _finished(self, future: "Future[SegmentResult]") -> bool:
        """Wait for a segment; False if a signal ended that."""
        interrupts, deadline = self.context.interrupts, math.inf
        while not wait([future], timeout=0.5).done:
            self.context.pool.poll()
            if interrupts.count:
                deadline = min(deadline, time.monotonic() + PATIENCE)
            if interrupts.count > 1 or time.monotonic() > deadline:
                return False
        return True

    def _store(self, result: SegmentResult, end: int) -> bytes:
        (task,) = result.tasks
        if task.failed:
            epoch, reason = task.failed
            raise StageFailedError(f"final: the winner, trained on all samples, failed in epoch {epoch}: {reason}")
        assert task.best is not None  # that of the last epoch, since it keeps "last"
        over = end == self.last
        with self.context.database.transaction() as connection:
            writing.store_whole(connection, self.trial.id, end, task.best.weights if over else task.state, done=over)
        return task.state
