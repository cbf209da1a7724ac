"""Runs a stage: cohorts are handed to workers, their results committed. May import spec, storage and workers.

One process, this one, decides what is trained and writes the database; workers compute. What was not committed when a
run is killed is computed again, with the same result.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from hpsearch.errors import DataError, HpsearchError
from hpsearch.search import mirror
from hpsearch.search.interrupts import PATIENCE
from hpsearch.search.progress import Tally
from hpsearch.search.stages.cohorts import Cohort, form_cohorts, next_segment, spread, take_next
from hpsearch.search.stages.context import RunContext
from hpsearch.search.stages.limits import Allowance
from hpsearch.search.stages.longer import EndStates
from hpsearch.search.stages.outcomes import curve_of, decided, progress_of, updated
from hpsearch.search.stages.plan import StagePlan
from hpsearch.storage import writing
from hpsearch.storage.records import RUNNING, CurvePoint, Progress, StageRow, TrialRow
from hpsearch.workers.pools import LimitReached, WorkerDied, WorkerLost
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.results import SegmentResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment

NOTE_SECONDS = 10.0
"""While a stage runs, its notes for Optuna's dashboard are written at most this often."""

MAX_DIED = 3
"""A trial whose worker died so often in a row fails."""

MAX_LOST = 10
"""A segment whose worker was lost so often in a row stops the study: it may well be the cause."""

TOGETHER = 8
"""So many segments that finished in the meantime are committed in one transaction: the database limits many workers."""

ROOM = 256
"""The number of trials that are stored ahead of their training: enough for full cohorts."""


class StageRun:
    """Trains what the plan asks for until the stage is over or interrupted."""

    def __init__(self, context: RunContext, stage: StageRow, plan: StagePlan, tally: Tally) -> None:
        self.context, self.stage, self.plan, self.tally = context, stage, plan, tally
        self._waiting: list[Cohort] = []
        self._running: dict[Future[SegmentResult], tuple[Cohort, Segment]] = {}
        self.allowance = Allowance(plan.study, plan.step)
        self.ends = EndStates(plan.study, plan.step, stage, context.database)
        self._seconds = stage.seconds
        self._clock = self._noted = time.monotonic()
        for row in plan.rows.values():
            tally.note(row)

    def run(self) -> bool:
        """Train the stage. Returns False if it was interrupted."""
        interrupts, deadline = self.context.interrupts, None
        self._tick(committed=True)  # an earlier run may have been killed when the time was over
        if not interrupts.count:
            self._advance()
        self._show()
        while True:
            if not interrupts.count:
                self._advance()
                self._hand_out()
            if not self._running and (interrupts.count or not self._waiting):
                self._show()
                return not interrupts.count
            finished = self._wait()
            began = time.perf_counter()
            self._take(finished)
            self.context.pace.note_overhead(time.perf_counter() - began, len(finished))
            self.context.pool.poll()
            self._tick(committed=bool(finished))
            if finished:
                self._show()
            if interrupts.count and deadline is None:
                deadline = time.monotonic() + PATIENCE
            if interrupts.count > 1 or (deadline and time.monotonic() > deadline):
                return False

    def _wait(self) -> set[Future[SegmentResult]]:
        """Wait until a segment finishes, or half a second; the finished ones."""
        if not self._running:  # there is no worker at present
            time.sleep(0.5)
        return wait(self._running, timeout=0.5, return_when=FIRST_COMPLETED).done

    def _show(self) -> None:
        minutes = self.plan.budget.minutes
        left = None if minutes is None else max(0.0, 60 * minutes - self._elapsed())
        over = self.plan.expired or self.plan.ended is not None
        self.context.watcher.stage(self.tally.progress(left, over=over))

    def _tick(self, *, committed: bool) -> None:
        """Check the stage's budget of time; renew the claim on the study where nothing was committed for long."""
        minutes = self.plan.budget.minutes
        if minutes is not None and not self.plan.expired and self._elapsed() >= 60 * minutes:
            self.plan.expire()
        if not committed and time.monotonic() - self._clock > NOTE_SECONDS:
            self._commit(())

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._clock

    # Trials to train

    def _advance(self) -> None:
        """Store what the plan decides, and form cohorts of the trials that may train on."""
        if self.plan.expired:
            self._waiting = [c for c in self._waiting if c.trials[0].replicate >= self.plan.replicates]  # confirming
            if self._running:  # running segments are finished first
                return
        ahead = sum(len(cohort.trials) for cohort in self._waiting)
        while step := self.plan.next(ROOM if ahead <= ROOM // 2 else 0):
            with self.context.database.transaction() as connection:
                writing.decide(connection, step.decisions)
                rows = writing.add_trials(connection, self.stage, step.trials)
            for decision in step.decisions:
                self._note(decided(decision))
            self.plan.added(rows)
            for row in rows:
                self.tally.note(row)
            ahead += len(rows)
        ready = self.plan.take_ready()
        if ready or self.context.pace.news:
            self.context.pace.news = False
            whole: list[Cohort] = []
            for cohort in self._waiting:
                largest = self.context.largest_cohort(cohort.trials[0])
                if cohort.died or cohort.isolated or len(cohort.trials) >= largest:
                    whole.append(cohort)
                else:
                    ready += cohort.trials
            self._waiting = whole + form_cohorts(ready, self.plan.limit, self.context.largest_cohort)

    def _note(self, row: TrialRow, curve: Sequence[CurvePoint] = ()) -> None:
        ended = self.tally.note(row)
        self.plan.update(row, curve)
        if ended:
            self.context.watcher.trial_ended(ended)

    def _hand_out(self) -> None:
        spread(self._waiting, self._idle())
        context = self.context
        for _ in range(self._idle()):
            if not self._waiting:
                return
            began, cohort = (
                time.perf_counter(),
                take_next(self._waiting, len(self._others()) > 2 * context.pool.capacity),
            )
            segment = next_segment(
                context.database,
                self.stage,
                cohort,
                cohort.done + context.pace.epochs(cohort, context.pool.capacity, self._others()),
                splits=context.splits,
                plugin=context.plugin,
                measures=context.measures,
                seed=self.plan.study.seed,
            )
            expected = context.pace.expected(cohort, segment.last - cohort.done)
            future = context.pool.submit(run_segment, segment, self.allowance.of(cohort, segment.last, expected))
            self._running[future] = cohort, segment
            if not future.done():  # the sequential pool has trained it in the meantime
                context.pace.note_overhead(time.perf_counter() - began, 0)

    def _others(self) -> list[Cohort]:
        """The cohorts that train, and those that wait."""
        return [*(cohort for cohort, _ in self._running.values()), *self._waiting]

    def _idle(self) -> int:
        """The number of further segments that may run."""
        return max(0, self.context.pool.capacity - len(self._running))

    # Results of segments

    def _take(self, finished: Iterable[Future[SegmentResult]]) -> None:
        """Commit what segments did, and see to those that failed."""
        done, failed = [], []
        for future in finished:
            cohort, segment = self._running.pop(future)
            try:
                done.append((cohort, segment, future.result()))
            except Exception as raised:
                failed.append((cohort, segment, raised))
        for start in range(0, len(done), TOGETHER):
            self._store(done[start : start + TOGETHER])
        for cohort, segment, error in failed:
            self._react(cohort, segment, error)

    def _store(self, done: Sequence[tuple[Cohort, Segment, SegmentResult]]) -> None:
        """Commit finished segments; their cohorts wait for the next ones if they have epochs left."""
        records: list[Progress] = []
        for cohort, segment, result in done:
            cohort.died, cohort.lost, cohort.fresh, cohort.restoring = 0, 0, False, result.restoring
            self.context.pace.note(cohort, segment.last - segment.first + 1, result.seconds)
            share, first = result.seconds / len(result.tasks), cohort.trials[0].number
            records += [
                self.ends.kept(self.allowance.with_limits(progress_of(trial, task, segment, share, first)))
                for trial, task in zip(cohort.trials, result.tasks, strict=True)
            ]
        self._commit(records)
        for cohort, segment, _ in done:
            rows = [self.plan.rows[trial.id] for trial in cohort.trials]
            cohort.trials = [row for row in rows if row.state == RUNNING]
            cohort.done = segment.last
            if cohort.trials and cohort.done < cohort.limit:
                self._waiting.append(cohort)

    def _react(self, cohort: Cohort, segment: Segment, error: Exception) -> None:
        """A segment came to nothing: it is run again, or a trial fails, or the study stops."""
        match error:
            case WorkerDied():
                self._redo(cohort, segment, error.reason)
            case LimitReached():
                self._end(cohort, segment, error)
            case WorkerLost():
                self._redo_elsewhere(cohort, error)
            case DataError():
                self._prepare_again(cohort, error)
            case HpsearchError():  # the model file has changed or vanished: no trial is to blame
                raise error
            case _ if not cohort.isolated:  # which trial fails, and in which epoch, shows when each trains alone
                self._waiting += cohort.isolate()
            case _:
                failure = error if isinstance(error, TrainingError) else TrainingError.of(error)
                self._fail(cohort, failure.reason, failure.trace)

    def _end(self, cohort: Cohort, segment: Segment, reached: LimitReached) -> None:
        """A worker was ended by a limit: of a trial alone, which fails, or else its segment is run again."""
        found = self.allowance.reached(cohort, segment, reached)
        if isinstance(found, str):
            self._fail(cohort, found)
            return
        self._waiting += found
        near = f"a segment came near trial.{reached.key}; it is run again"
        how = "in a new worker" if found[0].fresh else "each trial alone"
        self.context.watcher.message(f"stage {self.stage.name}: {near}, {how}")

    def _redo(self, cohort: Cohort, segment: Segment, reason: str | None) -> None:
        """A worker died: its segment is run again, and after the third time each trial alone, epoch by epoch.

        So neither the trial that fails nor its epoch depends on its cohort or on the segments.
        """
        cohort.died += 1
        what = f"a worker died{f' ({reason})' if reason else ''} with trial {cohort.named(self.stage.name)}"
        message = f"stage {self.stage.name}: {what}; its segment is run again"
        if cohort.died < MAX_DIED:
            self._waiting.append(cohort)
        elif len(cohort.trials) > 1 or segment.last > segment.first:
            message += ", each trial alone"
            cohort.died = 0
            self._waiting += cohort.isolate()
        else:
            self._fail(cohort, f"its worker died {cohort.died} times ({reason or 'out of memory?'})")
            return
        self.context.watcher.message(message)

    def _redo_elsewhere(self, cohort: Cohort, error: WorkerLost) -> None:
        """A segment was lost with its worker, which need not be the segment's fault unless it happens repeatedly."""
        cohort.lost += 1
        if cohort.lost == MAX_LOST:
            which = f"{MAX_LOST} workers in a row were lost with the segment of trial {cohort.named(self.stage.name)}"
            rule = f"{which} (out of memory?): {error}; resume when the workers are available again"
            raise HpsearchError(rule)
        self._waiting.append(cohort)

    def _prepare_again(self, cohort: Cohort, error: DataError) -> None:
        """A split has vanished from the cache, or is damaged: the same is made of the dataset again."""
        cohort.lost += 1
        if cohort.lost == MAX_DIED:
            raise error
        self.context.watcher.message(f"stage {self.stage.name}: the prepared data are gone; they are prepared again")
        self.context.prepare_again()
        self._waiting.append(cohort)

    def _commit(self, records: Sequence[Progress]) -> None:
        with self.context.database.transaction() as connection:
            writing.commit_progress(connection, records)
            elapsed = self._elapsed()
            writing.add_seconds(connection, self.stage.id, elapsed - self._seconds)
            if time.monotonic() - self._noted > NOTE_SECONDS:
                self._noted = mirror.refresh(connection, self.stage.id)
        self._seconds, self._clock = elapsed, time.monotonic()
        for record in records:
            self._note(updated(record), curve_of(record))
            if record.failure:
                name = f"{self.stage.name}:{record.trial.number}"
                self.context.watcher.message(f"trial {name} failed: {record.failure}")

    def _fail(self, cohort: Cohort, reason: str, trace: str | None = None) -> None:
        self._commit(
            [Progress(trial, trial.epochs_done, (), failure=reason, traceback=trace) for trial in cohort.trials]
        )
