"""The run loop over a study's stages: the only place where asking meets running. May import spec, storage, workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.search import plan as planning
from hpsearch.search.progress import StageEvent, Tally
from hpsearch.search.ranking import Ranked, StageFailedError, rank, require_success
from hpsearch.search.samplers.sampler import Asking
from hpsearch.search.stage_run import RunContext, StageRun
from hpsearch.search.steps import StagePlan
from hpsearch.spec import Final, Stage, Study, data_of, epochs, replicates_of, resolve
from hpsearch.storage import reading, writing
from hpsearch.storage.mirror import notes
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    WAITING,
    Params,
    StageRow,
    StudyRow,
    TrialRow,
)


@dataclass(frozen=True)
class _Beginning:
    """What a stage searches, or for the final what won, why, and which edges of an earlier range were met."""

    space: planning.Resolved
    winner: Params
    reasons: list[str]
    edges: list[str]


@dataclass
class Runner:
    """Runs a stored study to its end, or until it is interrupted."""

    row: StudyRow
    study: Study
    shared: RunContext

    def run(self) -> bool:
        """Run all stages that are not complete. Returns False if it was interrupted; raises StageFailedError."""
        try:
            finished = all(self._run_stage(stage.position) for stage in self._stages())
        except StageFailedError:
            self._set_state(FAILED)
            raise
        except BaseException:
            if not self.shared.database.faulted:  # else nothing can be written: `status` sees that nobody runs it
                self._set_state(INTERRUPTED)
            raise
        self._set_state(COMPLETE if finished else INTERRUPTED)
        return finished

    def _set_state(self, state: str) -> None:
        with self.shared.database.transaction() as connection:
            writing.set_study_state(connection, self.row.id, state)

    def _stages(self) -> list[StageRow]:
        with self.shared.database.transaction() as connection:
            return reading.stages(connection, self.row.id)

    def _trials(self, stage: StageRow) -> list[TrialRow]:
        with self.shared.database.transaction() as connection:
            return reading.trials(connection, stage.id)

    def _step(self, stage: StageRow) -> Stage | Final:
        if stage.kind != planning.FINAL:
            return self.study.stages[stage.position]
        assert self.study.final is not None
        return self.study.final

    def _run_stage(self, position: int) -> bool:
        stages = self._stages()
        stage = self._checked(stages, stages[position])
        if stage.state == COMPLETE:
            return True
        if stage.state == WAITING:
            self._start(stages, stage)
            stage = self._stages()[position]
        plan = self._plan(stages, stage)
        if stage.batches:
            with self.shared.database.transaction() as connection:
                writing.set_planned(connection, stage.id, plan.source.points * plan.replicates)
        tally = self._tally(stages, stage, plan)
        under_way = StageRun(self.shared, stage, plan, tally)
        self.shared.watcher.stage_changed(StageEvent.of(self.row.name, tally.progress(), RUNNING))
        if not under_way.run():
            return False
        trials = list(plan.rows.values())
        if unfinished := [trial.number for trial in trials if trial.state in (WAITING, RUNNING)]:
            raise HpsearchError(
                f"stage {stage.name!r}: trials {unfinished[:5]} were left over, a mistake of ours; resume"
            )
        require_success(stage.name, trials)
        best = [trial_id for configuration in rank(trials) for trial_id in configuration.trials]
        database = self.shared.database
        with database.transaction() as connection:
            writing.finish_stage(connection, stage.id, best, plan.why_it_ended, len(trials))
            notes.refresh(connection, stage.id)
        if plan.why_it_ended:
            self.shared.watcher.message(f"stage {stage.name}: {plan.why_it_ended}")
        self.shared.watcher.stage_changed(StageEvent.of(self.row.name, tally.progress(over=True), COMPLETE))
        return True

    def _winner(self, stages: list[StageRow]) -> tuple[StageRow, Ranked]:
        last = max((s for s in stages if s.kind != planning.FINAL), key=lambda s: s.position)
        return last, rank(self._trials(last))[0]

    def _begin(self, stages: list[StageRow], stage: StageRow) -> "_Beginning":
        """What the stage stands on, as the stages before it are now."""
        step = self._step(stage)
        if isinstance(step, Final):
            last, winner = self._winner(stages)
            reason = f"The best configuration of stage {last.name!r}, its trial {winner.number}, trained again."
            return _Beginning({}, winner.params, [reason], [])
        before = [s for s in stages if s.position < stage.position]
        earlier = {s.name: (planning.space_from_json(s.space or {}), self._trials(s)) for s in before}
        space, reasons, edges = planning.space_of(self.study, step, earlier)
        return _Beginning(space, {}, reasons, edges)

    def _checked(self, stages: list[StageRow], stage: StageRow) -> StageRow:
        """A stage that began before an earlier one grew is kept if it stands on the same, and else begun anew."""
        if not stage.stale or stage.state == WAITING:
            return stage
        now = self._begin(stages, stage)
        if stage.kind == planning.FINAL:
            same = all(trial.params == now.winner for trial in self._trials(stage))  # none: killed as it began
        else:
            same = planning.space_to_json(now.space) == stage.space
        database = self.shared.database
        with database.transaction() as connection:
            if same:
                writing.keep_stage(connection, stage.id, [*now.reasons, *self._knew(stage.known, self._step(stage))])
            else:
                writing.reset_stage(connection, database.optuna, stage)
        if not same:
            self.shared.watcher.message(f"stage {stage.name}: what it stood on has changed; it is done again")
        return self._stages()[stage.position]

    def _start(self, stages: list[StageRow], stage: StageRow) -> None:
        """Resolve the stage's space from those before it, and store it."""
        step, now = self._step(stage), self._begin(stages, stage)
        known: Sequence[Mapping[str, Any]] | None = None
        database = self.shared.database
        planned = replicates_of(self.study, step)
        if isinstance(step, Stage):
            planned *= Asking(step, now.space, self.study.seed).points
            if step.source:
                with database.transaction() as connection:
                    known = planning.known_of(connection, step.source, tuple(now.space))
        reasons = [*now.reasons, *self._knew(known, step)]
        with database.transaction() as connection:
            writing.start_stage(connection, stage, planning.space_to_json(now.space), reasons, known, planned)
        for edge in now.edges:
            self.shared.watcher.message(f"stage {stage.name}: {edge}")

    def _knew(self, known: Sequence[Mapping[str, Any]] | None, step: Stage | Final) -> list[str]:
        if not known or isinstance(step, Final):
            return []
        return [f"The sampler knew {len(known)} configurations of {step.source!r} before it began."]

    def _plan(self, stages: list[StageRow], stage: StageRow) -> StagePlan:
        """The stage's plan with all that is stored of it."""
        winner = self._winner(stages)[1].params if stage.kind == planning.FINAL else {}
        plan = plan_of(self.study, stage, winner)
        rows = self._trials(stage)
        with self.shared.database.transaction() as connection:
            curves = reading.standings(connection, stage.id) if plan.pruner else {}
        plan.restore(rows, curves)
        return plan

    def _tally(self, stages: list[StageRow], stage: StageRow, plan: StagePlan) -> Tally:
        return Tally(self.row.name, stage.name, stage.position, len(stages), plan.source.points * plan.replicates)


def plan_of(study: Study, stage: StageRow, winner: Params) -> StagePlan:
    """The plan of a stage that has begun, before any of its trials; `winner` is what a final trains again."""
    if stage.kind == planning.FINAL:
        assert study.final is not None
        length = epochs(resolve(study, study.final, winner).training, data_of(study, study.final).train)
        return StagePlan(study, study.final, stage.name, planning.Winner(winner), length)
    step = study.stages[stage.position]
    source = Asking(step, planning.space_from_json(stage.space or {}), study.seed, stage.known or ())
    return StagePlan(study, step, stage.name, source, planning.longest_of(study, step), stage.batches)
