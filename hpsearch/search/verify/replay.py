"""A stage's plan run once more over the curves that are stored, as if they were just being trained.

May import spec and storage's records.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hpsearch.search.outcomes import decided
from hpsearch.search.pruners.rungs import Curve
from hpsearch.search.run import plan_of
from hpsearch.search.steps import OUT_OF_TIME, StagePlan, Step
from hpsearch.spec import Study
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, NewTrial, StageRow, TrialRow


def replay(study: Study, stage: StageRow, trials: Sequence[TrialRow], curves: Mapping[int, Curve]) -> Iterator[str]:
    """Differences between the stored trials and what the plan asks for and decides; `curves` are by trial id.

    Of a stage that is not over, what is stored may lag behind the plan.
    """
    if not trials:
        return
    found = _Replay(plan_of(study, stage, trials[0].params), stage, trials, curves)
    found.run()
    yield from found.problems
    yield from found.differences()


class _Replay:
    """The plan, told what is stored bit by bit."""

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
        """Go on until nothing moves: first what is stored, then whatever the plan would still ask for."""
        while not self.over and (self._take(self.plan.next(self.left)) or self._train() or self._end()):
            pass

    def _end(self) -> bool:
        """Nothing that is stored is left to train: is the plan of the opinion that the stage is over?"""
        if self.timed_out and not self.plan.expired:
            self.plan.expire()
            return True
        return self._take(self.plan.next(1))

    def _take(self, step: Step) -> bool:
        """Carry a step out. Returns whether there was anything that is stored, too."""
        for decision in step.decisions:
            self.plan.update(decided(decision))
        rows = []
        for new in step.trials:
            trial = self.stored.get((new.point, new.replicate))
            if trial is None:
                return self._lack(new)
            self._compare(new, trial)
            fresh = replace(trial, state=WAITING, epochs_done=0, pruned_at=None, reason=None)
            rows.append(replace(fresh, best_epoch=None, value=None, loss=None))
            self.left -= new.replicate < self.plan.replicates
        self.plan.added(rows)
        return bool(step)

    def _lack(self, new: NewTrial) -> bool:
        """A trial is asked for that is not stored. Returns whether to go on: its time may have been over."""
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
            asked, stored = getattr(new, name), getattr(trial, name)
            if asked != stored:
                self.problems.append(f"trial {trial.number}: its {name} is {stored}, the plan asks for {asked}")
                return

    def _train(self) -> bool:
        """Let each trial that may train do so, as far as it has been trained."""
        moved = False
        for row in self.plan.take_ready():
            trial, limit = self.stored[row.point, row.replicate], self.plan.limit(row)
            after = min(trial.epochs_done, limit)
            curve = [point for point in self.curves.get(row.id, ()) if row.epochs_done < point[0] <= after]
            ended = trial.state in (COMPLETE, FAILED) and trial.epochs_done <= limit
            if ended or after > row.epochs_done:
                moved = True
                self.plan.update(self._at(row, trial, after, ended), curve)
        return moved

    def _at(self, row: TrialRow, trial: TrialRow, epoch: int, ended: bool) -> TrialRow:
        """The trial's row as it was after an epoch."""
        if ended:
            return replace(trial, pruned_at=row.pruned_at, reason=trial.reason if trial.state == FAILED else row.reason)
        return replace(row, state=RUNNING, epochs_done=epoch)

    def differences(self) -> Iterator[str]:
        """What became of the trials, and of the stage, otherwise than is stored."""
        for trial in self.stored.values():
            row = self.plan.rows.get(trial.id)
            if row is None:
                further = trial.replicate >= self.plan.replicates
                if not (further and self.stage.batches):  # it was among the best before the stage grew
                    yield f"trial {trial.number}: it is stored, but the plan does not ask for it"
                continue
            if trial.state in (WAITING, RUNNING) and self.stage.state != COMPLETE and trial.pruned_at is None:
                continue  # what the plan decides of it may not be stored yet
            found, stored = _fate(row), _fate(trial)
            if found != stored:
                yield f"trial {trial.number}: it is {stored}, by the plan {found}"
        if self.stage.state == COMPLETE and self.plan.why_it_ended != self.stage.ended:
            yield f"it ended because {self.stage.ended!r} is stored, by the plan {self.plan.why_it_ended!r}"


def _fate(row: TrialRow) -> str:
    """What a plan has to say about a trial, in words."""
    pruned_at = "" if row.pruned_at is None else f", pruned_at at epoch {row.pruned_at}"
    reason = f" ({row.reason})" if row.state == PRUNED else ""
    return f"{row.state} after {row.epochs_done} epochs{pruned_at}{reason}"
