"""A stage's plan replayed over the stored curves, as if they were being trained.

May import spec and storage's records.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hpsearch.search.pruners.rungs import Curve
from hpsearch.search.run import plan_of
from hpsearch.search.samplers.sampler_files import Classes
from hpsearch.search.stages.outcomes import decided
from hpsearch.search.stages.plan import OUT_OF_TIME, StagePlan
from hpsearch.search.stages.step import Step
from hpsearch.spec import Study
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, NewTrial, StageRow, TrialRow


def replay(
    study: Study,
    stage: StageRow,
    trials: Sequence[TrialRow],
    curves: Mapping[int, Curve],
    samplers: Classes,
) -> Iterator[str]:
    """Differences between the stored trials and those of the plan; `curves` are by trial id.

    In a stage that is not over, what is stored may lag behind the plan.
    """
    if not trials:
        return
    winners = {trial.point: trial.params for trial in trials}  # of a final; what they should be is checked elsewhere
    found = _Replay(plan_of(study, stage, list(winners.values()), samplers), stage, trials, curves)
    found.run()
    yield from found.problems
    yield from found.differences()


class _Replay:
    """The plan, which takes in the stored results step by step."""

    def __init__(
        self, plan: StagePlan, stage: StageRow, trials: Sequence[TrialRow], curves: Mapping[int, Curve]
    ) -> None:
        self.plan, self.stage, self.curves = plan, stage, curves
        self.stored = {(trial.point, trial.replicate): trial for trial in trials}
        base = [trial for trial in trials if trial.replicate < plan.replicates]
        self.left = len(base)
        self.timed_out = OUT_OF_TIME in (stage.ended or "") or any(
            t.state == PRUNED and t.pruned_at is None for t in base
        )
        self.problems: list[str] = []
        self.over = False

    def run(self) -> None:
        """Continue until nothing changes: first with what is stored, then with what the plan would still ask for."""
        while not self.over and (self._take(self.plan.next(self.left)) or self._train() or self._end()):
            pass

    def _end(self) -> bool:
        """All that is stored has been replayed: is the stage over by the plan?"""
        if self.timed_out and not self.plan.expired:
            self.plan.expire()
            return True
        return self._take(self.plan.next(1))

    def _take(self, step: Step) -> bool:
        """Apply a step. Returns whether it had anything that is stored."""
        for decision in step.decisions:
            self.plan.update(decided(decision))
        rows = []
        for new in step.trials:
            trial = self.stored.get((new.point, new.replicate))
            if trial is None:
                return self._missing(new)
            self._compare(new, trial)
            fresh = replace(trial, state=WAITING, epochs_done=0, pruned_at=None, reason=None)
            rows.append(replace(fresh, best_epoch=None, value=None, loss=None, values=()))
            self.left -= new.replicate < self.plan.replicates
        self.plan.added(rows)
        return bool(step)

    def _missing(self, new: NewTrial) -> bool:
        """The plan asks for a trial that is not stored. Returns whether to continue: its time may have been over."""
        if self.timed_out and not self.plan.expired:
            self.plan.expire()
            return True
        self.over = True
        if self.stage.state == COMPLETE:
            which = f"replicate {new.replicate} of configuration {new.point}"
            self.problems.append(f"the plan asks for {which}, which is not stored")
        return False

    def _compare(self, new: NewTrial, trial: TrialRow) -> None:
        new = NewTrial(**json.loads(json.dumps(vars(new))))
        names = ("params", "configuration", "epochs", "sampler_attributes") if self.stage.batches else tuple(vars(new))
        for name in names:
            planned, stored = getattr(new, name), getattr(trial, name)
            if planned != stored:
                self.problems.append(f"trial {self._name(trial)}: its {name} is {stored}, the plan asks for {planned}")
                return

    def _train(self) -> bool:
        """Train each trial that may train as far as it was trained. Returns whether any was."""
        trained = False
        for row in self.plan.take_ready():
            trial, limit = self.stored[row.point, row.replicate], self.plan.limit(row)
            after = min(trial.epochs_done, limit)
            curve = [point for point in self.curves.get(row.id, ()) if row.epochs_done < point[0] <= after]
            ended = trial.state in (COMPLETE, FAILED) and trial.epochs_done <= limit
            if ended or after > row.epochs_done:
                trained = True
                self.plan.update(self._at(row, trial, after, ended), curve)
        return trained

    def _at(self, row: TrialRow, trial: TrialRow, epoch: int, ended: bool) -> TrialRow:
        """The trial's row as it was after an epoch."""
        if ended:
            return replace(trial, pruned_at=row.pruned_at, reason=trial.reason if trial.state == FAILED else row.reason)
        return replace(row, state=RUNNING, epochs_done=epoch)

    def _name(self, trial: TrialRow) -> str:
        return f"{self.stage.name}:{trial.number}"

    def differences(self) -> Iterator[str]:
        """The trials, and the end of the stage, that are stored otherwise than the plan has them."""
        for trial in self.stored.values():
            row = self.plan.rows.get(trial.id)
            if row is None:
                further = trial.replicate >= self.plan.replicates
                if not (further and self.stage.batches):  # it was among the best before the stage grew
                    yield f"trial {self._name(trial)}: it is stored, but the plan does not ask for it"
                continue
            if trial.state in (WAITING, RUNNING) and self.stage.state != COMPLETE and trial.pruned_at is None:
                continue  # what the plan decides of it may not be stored yet
            found, stored = _outcome(row), _outcome(trial)
            if found != stored:
                yield f"trial {self._name(trial)}: it is {stored}, by the plan {found}"
        if self.stage.state == COMPLETE and self.plan.why_it_ended != self.stage.ended:
            yield f"it ended because {self.stage.ended!r} is stored, by the plan {self.plan.why_it_ended!r}"


def _outcome(row: TrialRow) -> str:
    """The outcome of a trial, as a text."""
    pruned = "" if row.pruned_at is None else f", pruned at epoch {row.pruned_at}"
    reason = f" ({row.reason})" if row.state == PRUNED else ""
    return f"{row.state} after {row.epochs_done} epochs{pruned}{reason}"
