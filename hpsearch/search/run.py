"""The run loop over a study's stages. May import spec, storage and workers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.data import Dataset
from hpsearch.errors import HpsearchError, InputError
from hpsearch.search import mirror
from hpsearch.search.interrupts import Interrupts
from hpsearch.search.options import Options
from hpsearch.search.preparation import prepare, prepare_one
from hpsearch.search.progress import StageEvent, Tally, Watcher
from hpsearch.search.ranking import Ranked, StageFailedError, rank, require_success
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.grid import ListSampler
from hpsearch.search.samplers.sampler_files import Classes
from hpsearch.search.stages import space as spaces
from hpsearch.search.stages.cohorts import Pace
from hpsearch.search.stages.context import RunContext
from hpsearch.search.stages.distinct import fewer_than_asked, is_distinct
from hpsearch.search.stages.finalists import final_note, finalists
from hpsearch.search.stages.goal import goal_of
from hpsearch.search.stages.longer import step_named
from hpsearch.search.stages.plan import StagePlan
from hpsearch.search.stages.run import StageRun
from hpsearch.search.stages.whole import WholeRun
from hpsearch.spec import Around, Final, Stage, Study, length_of, replicates_of, resolve, with_rungs
from hpsearch.storage import reading, writing
from hpsearch.storage.damage.explained import explained
from hpsearch.storage.database import Database
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    WAITING,
    Goal,
    Params,
    StageRow,
    StudyRow,
    TrialRow,
)
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.pools import Pool, open_pool
from hpsearch.workers.segments.measures import Measures


@contextmanager
def open_workers(options: Options) -> Iterator[tuple[Pool, Interrupts]]:
    """Start the workers, which import what they need while the data is prepared; from here on Ctrl-C is counted."""
    with Interrupts() as interrupts:
        notify = options.watcher.message
        with closing(open_pool(options.backend, options.workers, options.scheduler, notify)) as pool:
            pool.warm()
            yield pool, interrupts


@contextmanager
def after_a_change(url: str) -> Iterator[None]:
    """Make an input that is found to be invalid inside, where something has changed, a failure with exit status 1.

    Such as a model file that somebody has changed in the meantime, or the database at `url`, that was damaged.
    """
    try:
        with explained(url):
            yield
    except InputError as error:
        raise HpsearchError(str(error)) from error


def run_study(
    database: Database,
    row: StudyRow,
    study: Study,
    plugin: Plugin,
    measures: Measures,
    dataset: Dataset,
    splits: Mapping[tuple[str, int], Path],
    workers: tuple[Pool, Interrupts],
    watcher: Watcher,
    samplers: Classes,
) -> bool:
    """Run a stored study, on `splits` by stage and replicate. Returns False if it was interrupted."""
    pool, interrupts = workers
    context = RunContext(
        database=database,
        plugin=plugin,
        measures=measures,
        outputs=dataset.outputs,
        inputs=dataset.features,
        splits=splits,
        pool=pool,
        watcher=watcher,
        interrupts=interrupts,
        pace=Pace(),
        prepare_again=lambda: prepare(study, dataset),
        prepare_whole=lambda: prepare_one(study, dataset, step_named(study, spaces.FINAL), 0, whole=True),
    )
    return Runner(row, study, context, samplers).run()


@dataclass(frozen=True)
class _Basis:
    """What a stage begins with: its space, or for the final the winners; notes on them; notes on extended ranges."""

    space: spaces.Resolved
    winners: list[Params]
    notes: list[str]
    extensions: list[str]


@dataclass
class Runner:
    """Runs a stored study to its end, or until it is interrupted."""

    row: StudyRow
    study: Study
    context: RunContext
    samplers: Classes

    def run(self) -> bool:
        """Run all stages that are not complete. Returns False if it was interrupted; raises StageFailedError."""
        try:
            finished = all(self._run_stage(stage.position) for stage in self._stages()) and self._train_on_all()
        except StageFailedError:
            self._set_state(FAILED)
            raise
        except BaseException:
            if (
                not self.context.database.faulted
            ):  # else nothing can be written, and `status` sees that no process runs it
                self._set_state(INTERRUPTED)
            raise
        self._set_state(COMPLETE if finished else INTERRUPTED)
        return finished

    def _train_on_all(self) -> bool:
        """Train the winner of a final with `data = "all"` on all samples. Returns False if it was interrupted."""
        if self.study.final is None or not self.study.final.data.all:
            return True
        stage = self._stages()[-1]
        return WholeRun(self.context, self.row, self.study, stage, self._trials(stage)).run()

    def _set_state(self, state: str) -> None:
        with self.context.database.transaction() as connection:
            writing.set_study_state(connection, self.row.id, state)

    def _stages(self) -> list[StageRow]:
        with self.context.database.transaction() as connection:
            return reading.stages(connection, self.row.id)

    def _trials(self, stage: StageRow) -> list[TrialRow]:
        with self.context.database.transaction() as connection:
            return reading.trials(connection, stage.id)

    def _step(self, stage: StageRow) -> Stage | Final:
        return step_named(self.study, stage.name)

    def _run_stage(self, position: int) -> bool:
        stages = self._stages()
        stage = self._kept_or_reset(stages, stages[position])
        if stage.state == COMPLETE:
            return True
        if stage.state == WAITING:
            self._start(stages, stage)
            stage = self._stages()[position]
        plan = self._plan(stages, stage)
        if stage.batches:
            with self.context.database.transaction() as connection:
                writing.set_planned(connection, stage.id, plan.sampler.points * plan.replicates)
        tally = self._tally(stages, stage, plan)
        stage_run = StageRun(self.context, stage, plan, tally)
        self.context.watcher.stage_changed(StageEvent.of(self.row.name, tally.progress(), RUNNING))
        if not stage_run.run():
            return False
        trials = list(plan.rows.values())
        if unfinished := [f"{stage.name}:{trial.number}" for trial in trials if trial.state in (WAITING, RUNNING)]:
            raise HpsearchError(f"{', '.join(unfinished[:5])} unfinished, an error of hpsearch; resume the study")
        require_success(stage.name, trials)
        best = [trial_id for configuration in rank(trials) for trial_id in configuration.trials]
        database = self.context.database
        with database.transaction() as connection:
            writing.finish_stage(connection, stage.id, best, plan.why_it_ended, len(trials))
            mirror.refresh(connection, stage.id)
        if plan.why_it_ended:
            self.context.watcher.message(f"stage {stage.name}: {plan.why_it_ended}")
        self.context.watcher.stage_changed(StageEvent.of(self.row.name, tally.progress(over=True), COMPLETE))
        return True

    def _winners(self, stages: list[StageRow]) -> tuple[StageRow, list[Ranked]]:
        last = max((s for s in stages if s.kind != spaces.FINAL), key=lambda s: s.position)
        assert self.study.final is not None
        return last, finalists(self.study.final, Goal.of(last.data), rank(self._trials(last)))

    def _basis(self, stages: list[StageRow], stage: StageRow) -> _Basis:
        """What the stage begins with, from the stages before it as they are now."""
        step = self._step(stage)
        if isinstance(step, Final):
            last, winners = self._winners(stages)
            note = final_note(step, last.name, winners, several=self.study.several is not None)
            return _Basis({}, [winner.params for winner in winners], [note], [])
        before = [s for s in stages if s.position < stage.position]
        earlier = {s.name: (spaces.space_from_json(s.space or {}), self._trials(s)) for s in before}
        space, notes, extensions = spaces.space_of(self.study, step, earlier)
        return _Basis(space, [], notes, extensions)

    def _kept_or_reset(self, stages: list[StageRow], stage: StageRow) -> StageRow:
        """Keep a stage that began before an earlier one was extended if its basis is the same; else reset it."""
        if not stage.stale or stage.state == WAITING:
            return stage
        now = self._basis(stages, stage)
        if stage.kind == spaces.FINAL:
            same = all(
                trial.params in now.winners[trial.point : trial.point + 1] for trial in self._trials(stage)
            )  # without trials it was killed as it began
        else:
            same = not spaces.differences(now.space, stage.space or {})
        database = self.context.database
        with database.transaction() as connection:
            if same:
                writing.keep_stage(
                    connection, stage.id, [*now.notes, *self._known_note(stage.known, self._step(stage))]
                )
            else:
                writing.reset_stage(connection, database.optuna, stage)
        if not same:
            self.context.watcher.message(f"stage {stage.name}: the stages before it have changed; it is run again")
        return self._stages()[stage.position]

    def _start(self, stages: list[StageRow], stage: StageRow) -> None:
        """Resolve the stage's space from the stages before it, and store it."""
        step, now = self._step(stage), self._basis(stages, stage)
        known: Sequence[Mapping[str, Any]] | None = None
        fewer: Iterable[str] = ()
        database = self.context.database
        planned = replicates_of(self.study, step)
        if isinstance(step, Final):
            planned *= len(now.winners)
        else:
            spaces.require_configurations(step, now.space)
            distinct = is_distinct(stage.data)
            planned *= sampler_of(step, now.space, self.study.seed, classes=self.samplers, distinct=distinct).points
            if distinct and any(isinstance(entry, Around) for entry in step.space.values()):  # else it was said before
                fewer = filter(None, [fewer_than_asked(step, now.space)])
            if step.source:
                with database.transaction() as connection:
                    known = spaces.known_of(connection, step.source, now.space, goal_of(self.study))
        notes = [*now.notes, *self._known_note(known, step)]
        with database.transaction() as connection:
            writing.start_stage(connection, stage, spaces.space_to_json(now.space), notes, known, planned)
        for message in (*(f"stage {stage.name}: {note}" for note in now.extensions), *fewer):
            self.context.watcher.message(message)

    def _known_note(self, known: Sequence[Mapping[str, Any]] | None, step: Stage | Final) -> list[str]:
        if not known or isinstance(step, Final):
            return []
        return [f"The sampler knew {len(known)} configurations of {step.source!r} before it began."]

    def _plan(self, stages: list[StageRow], stage: StageRow) -> StagePlan:
        """The stage's plan, with the stored trials taken in."""
        final = stage.kind == spaces.FINAL
        winners = [each.params for each in self._winners(stages)[1]] if final else []
        plan = plan_of(self.study, stage, winners, self.samplers)
        rows = self._trials(stage)
        with self.context.database.transaction() as connection:
            curves = reading.validation_curves(connection, stage.id, goal_of(self.study)) if plan.pruner else {}
        plan.restore(rows, curves)
        return plan

    def _tally(self, stages: list[StageRow], stage: StageRow, plan: StagePlan) -> Tally:
        planned = plan.sampler.points * plan.replicates
        of = (self.row.name, stage.name, stage.position, len(stages))
        return Tally(*of, planned, replicates=plan.replicates, goal=Goal.of(stage.data))


def plan_of(study: Study, stage: StageRow, winners: Sequence[Params], samplers: Classes) -> StagePlan:
    """The plan of a stage that has begun, without its trials; `winners` is what a final trains again.

    `samplers` has the classes of the workspace, by stage.
    """
    if stage.kind == spaces.FINAL:
        assert study.final is not None
        length = max(length_of(study, study.final, resolve(study, study.final, winner).training) for winner in winners)
        return StagePlan(study, study.final, stage.name, ListSampler(winners), length)
    step = study.stages[stage.position]
    space, several = spaces.space_from_json(stage.space or {}), len(goal_of(study).objectives)
    distinct = is_distinct(stage.data)
    sampler = sampler_of(step, space, study.seed, stage.known or (), several, samplers, distinct=distinct)
    pruner = with_rungs(step.pruner, stage.data.get("rungs"))
    return StagePlan(study, step, stage.name, sampler, spaces.longest_of(study, step), stage.batches, pruner)
