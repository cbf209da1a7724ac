"""The run loop: the only place where asking meets running. May import spec, storage and workers.

One process, this one, decides what is trained and writes the database; workers compute. Whatever is not committed
never happened: it is done again, with the same result.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path

from joblib.externals.loky.process_executor import BrokenProcessPool

from hpsearch.data.augmentation import Augmentation
from hpsearch.errors import HpsearchError
from hpsearch.search import planning
from hpsearch.search.cohorts import Cohort, Pace, form_cohorts
from hpsearch.search.interrupts import Interrupts
from hpsearch.search.progress import StageProgress, Watcher
from hpsearch.spec import Setting, Study
from hpsearch.storage import notes, reading, writing
from hpsearch.storage.database import Database
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    WAITING,
    BestRecord,
    Progress,
    StageRow,
    StudyRow,
    TestRecord,
    TrialRow,
)
from hpsearch.workers.plugin import Plugin, largest_cohort
from hpsearch.workers.pool import Pool
from hpsearch.workers.segment import Segment, SegmentResult, Task, TaskResult, run_segment

PATIENCE = 10.0
"""Seconds that segments under way get to finish after the first Ctrl-C."""

NOTE_SECONDS = 10.0
"""While a stage runs, what the dashboard shows beside its trials is written at most so often."""

DEATHS = 3
"""A segment whose worker died so often fails its trials."""


@dataclass
class Runner:
    """Runs a stored study to its end, or until it is interrupted."""

    database: Database
    row: StudyRow
    study: Study
    plugin: Plugin
    classes: int
    inputs: int
    splits: Mapping[tuple[str, int], Path]  # by stage and replicate: each fold has its own
    pool: Pool
    watcher: Watcher
    interrupts: Interrupts

    def run(self) -> bool:
        """Run all stages that are not complete. Returns False if it was interrupted; raises StageFailedError."""
        self._pace = Pace()
        self._noted = time.monotonic()
        try:
            finished = all(self._run_stage(stage) for stage in self._stages())
        except planning.StageFailedError:
            self._set_state(FAILED)
            raise
        except BaseException:
            self._set_state(INTERRUPTED)
            raise
        self._set_state(COMPLETE if finished else INTERRUPTED)
        return finished

    def _set_state(self, state: str) -> None:
        with self.database.transaction() as connection:
            writing.set_study_state(connection, self.row.id, state)

    def _stages(self) -> list[StageRow]:
        with self.database.transaction() as connection:
            return reading.stages(connection, self.row.id)

    def _trials(self, stage: StageRow) -> list[TrialRow]:
        with self.database.transaction() as connection:
            return reading.trials(connection, stage.id)

    def _run_stage(self, stage: StageRow) -> bool:
        if stage.state == COMPLETE:
            return True
        if stage.state == WAITING:
            self._start(stage)
        trials = self._trials(stage)
        self._show(stage, trials)
        unfinished = [trial for trial in trials if trial.state in (WAITING, RUNNING)]
        if not self._train(stage, unfinished):
            return False
        trials = self._trials(stage)
        planning.require_success(stage.name, trials)
        best = [trial_id for setting in planning.rank(trials) for trial_id in setting.trials]
        with self.database.transaction() as connection:
            writing.finish_stage(connection, stage.id, best)
            notes.refresh(connection, self.database.optuna, stage.id)
        return True

    def _start(self, stage: StageRow) -> None:
        """Resolve the stage's space from those before it, and store its trials."""
        before = {s.name: s for s in self._stages() if s.position < stage.position}
        edges: list[str] = []
        if stage.kind == planning.FINAL:
            assert self.study.final is not None
            last = max(before.values(), key=lambda s: s.position)
            winner = planning.rank(self._trials(last))[0]
            trials = planning.plan_final(self.study, self.study.final, winner)
            space, reasons = {}, [f"The best setting of stage {last.name!r}, its trial {winner.number}, trained again."]
        else:
            asked = self.study.stages[stage.position]
            earlier = {name: (planning.space_from_json(s.space or {}), self._trials(s)) for name, s in before.items()}
            found, reasons, edges = planning.space_of(self.study, asked, earlier)
            trials = planning.plan(self.study, asked, found)
            space = planning.space_to_json(found)
        with self.database.transaction() as connection:
            writing.start_stage(connection, self.database.optuna, stage, space, reasons, trials)
            notes.refresh(connection, self.database.optuna, stage.id)
        for edge in edges:
            self.watcher.message(f"stage {stage.name}: {edge}")

    def _show(self, stage: StageRow, trials: Sequence[TrialRow]) -> None:
        values = [trial.value for trial in trials if trial.value is not None and trial.state != FAILED]
        self.watcher.stage(
            StageProgress(
                name=stage.name,
                position=stage.position,
                stages=len(self.study.stages) + (self.study.final is not None),
                trials=len(trials),
                trials_done=sum(trial.state in (COMPLETE, FAILED) for trial in trials),
                trials_failed=sum(trial.state == FAILED for trial in trials),
                epochs=sum(trial.epochs for trial in trials),
                epochs_done=sum(t.epochs_done if t.state in (WAITING, RUNNING) else t.epochs for t in trials),
                best=max(values, default=None),
            )
        )

    def _train(self, stage: StageRow, trials: Sequence[TrialRow]) -> bool:
        """Train trials to their end, segment by segment. Returns False if interrupted."""
        waiting = form_cohorts(trials, self._largest)
        running: dict[Future[SegmentResult], tuple[int, Cohort, Segment]] = {}
        idle = list(range(len(self.pool)))
        deadline = None
        while running or (waiting and not self.interrupts.count):
            while idle and waiting and not self.interrupts.count:
                cohort = min(waiting, key=lambda c: c.share_done)  # all end together, and no slot is idle at the end
                waiting.remove(cohort)
                slot = idle.pop()
                segment = self._segment(stage, cohort)
                running[self.pool.submit(slot, run_segment, segment)] = slot, cohort, segment
            finished, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                slot, cohort, segment = running.pop(future)
                idle.append(slot)
                if self._take(stage, future, slot, cohort, segment):
                    waiting.append(cohort)
            if finished:
                self._show(stage, self._trials(stage))
            if self.interrupts.count and deadline is None:
                deadline = time.monotonic() + PATIENCE
            if self.interrupts.count > 1 or (deadline and time.monotonic() > deadline):
                return False
        return not waiting

    def _largest(self, setting: Setting) -> int:
        return largest_cohort(self.plugin, self.inputs, self.classes, setting.parameters)

    def _segment(self, stage: StageRow, cohort: Cohort) -> Segment:
        last = cohort.done + self._pace.epochs(cohort)
        ids = [trial.id for trial in cohort.trials]
        settings = [Setting.from_json(trial.setting) for trial in cohort.trials]
        stop = settings[0].training.stop
        test = stage.test and (last == cohort.epochs or stop is not None)
        with self.database.transaction() as connection:
            states = reading.weights(connection, ids, "state")
            best = reading.weights(connection, ids, "best") if test else {}
            history = reading.history(connection, ids, f"validation_{stop.metric}") if stop else {}
        tasks = tuple(
            Task(
                trial_id=trial.id,
                setting=setting,
                key=(stage.name, trial.point),
                state=states.get(trial.id),
                best=-1.0 if trial.value is None else trial.value,
                best_weights=best.get(trial.id),
                history=history.get(trial.id, ()),
            )
            for trial, setting in zip(cohort.trials, settings, strict=True)
        )
        replicate = cohort.trials[0].replicate
        return Segment(
            tasks=tasks,
            split=self.splits[stage.name, replicate],
            model=self.plugin.path,
            model_hash=self.plugin.hash,
            seed=self.study.seed,
            replicate=replicate,
            first=cohort.done + 1,
            last=last,
            augmentation=Augmentation(**settings[0].augmentation.model_dump()),
            ends=last == cohort.epochs,
            test=test,
        )

    def _take(
        self, stage: StageRow, future: Future[SegmentResult], slot: int, cohort: Cohort, segment: Segment
    ) -> bool:
        """Commit a finished segment. Returns whether its cohort has more to do."""
        try:
            result = future.result()
        except BrokenProcessPool:
            self.pool.discard(slot)
            cohort.deaths += 1
            self.watcher.message(f"stage {stage.name}: a worker died; its segment is done again")
            if cohort.deaths < DEATHS:
                return True
            self._fail(stage, cohort, f"its worker died {DEATHS} times (out of memory?)")
            return False
        except HpsearchError:  # the model file or the prepared data changed or vanished: no trial's fault
            raise
        except Exception as error:
            self._fail(stage, cohort, f"{type(error).__name__}: {error}")
            return False
        cohort.deaths = 0
        self._pace.note(cohort, segment.last - segment.first + 1, result.seconds)
        share = result.seconds / len(result.tasks)
        records = [
            _progress(trial, task, segment, share) for trial, task in zip(cohort.trials, result.tasks, strict=True)
        ]
        self._commit(stage, records)
        alive = {record.trial.id for record in records if not (record.failure or record.finished)}
        with self.database.transaction() as connection:
            cohort.trials = [trial for trial in reading.trials(connection, stage.id) if trial.id in alive]
        cohort.done = segment.last
        return bool(cohort.trials) and cohort.done < cohort.epochs

    def _commit(self, stage: StageRow, records: Sequence[Progress]) -> None:
        with self.database.transaction() as connection:
            writing.commit_progress(connection, self.database.optuna, records)
            if time.monotonic() - self._noted > NOTE_SECONDS:
                notes.refresh(connection, self.database.optuna, stage.id)
                self._noted = time.monotonic()
        for record in records:
            if record.failure:
                self.watcher.message(f"stage {stage.name}: trial {record.trial.number} failed: {record.failure}")

    def _fail(self, stage: StageRow, cohort: Cohort, reason: str) -> None:
        records = [Progress(trial, trial.epochs_done, (), failure=reason) for trial in cohort.trials]
        self._commit(stage, records)


def _progress(trial: TrialRow, task: TaskResult, segment: Segment, seconds: float) -> Progress:
    best = test = None
    if task.best:
        found = task.best
        best = BestRecord(found.epoch, found.value, found.weights, found.correct, found.images)
    if task.test:
        look = task.test
        predicted = look.predicted.tobytes()
        test = TestRecord(look.cost, look.loss, look.accuracy, predicted, look.correct, len(look.predicted))
    return Progress(
        trial=trial,
        epochs_done=task.failed[0] if task.failed else int(task.curve[-1][0]),
        curve=task.curve,
        state=task.state,
        best=best,
        test=test,
        failure=task.failed[1] if task.failed else None,
        stopped=task.stopped,
        parameters=task.parameters,
        seconds=seconds,
        finished=segment.ends or task.stopped is not None,
    )
