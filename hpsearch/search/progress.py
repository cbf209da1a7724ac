"""Progress and events of a running study, and who is notified of them. May import storage's records and fronts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hpsearch.storage.fronts import Place, place
from hpsearch.storage.records import ACCURACY, COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Goal, Params, TrialRow


@dataclass(frozen=True)
class StageProgress:
    """The state of a stage: trials and epochs, done and in all; the best configuration's mean value of the objective.

    `epochs` is an estimate of the total: a pruned trial counts with the epochs that it was trained for, a trial that is
    not stored yet with the mean of those that have ended. `seconds_left` is what remains of a budget of minutes.
    """

    name: str
    position: int
    stages: int
    trials: int
    trials_done: int
    trials_failed: int
    trials_pruned: int
    epochs: int
    epochs_done: int
    best: float | None
    seconds_left: float | None = None
    goal: Goal = ACCURACY


@dataclass(frozen=True)
class TrialEvent:
    """A trial that has ended, once its result is in the database.

    `trial` is its name, STAGE:NUMBER; `params` has the values of the searched hyperparameters. `value`, the
    objective, whose name is `metric`, and `loss` are those of the validation samples at `best_epoch`, None where there
    is no such epoch; `accuracy` is the value where that is the objective. `state` is "complete",
    "pruned" or "failed", and `reason` says why.
    """

    study: str
    trial: str
    stage: str
    number: int
    point: int
    replicate: int
    params: Params
    state: str
    epochs: int
    best_epoch: int | None
    metric: str
    value: float | None
    accuracy: float | None
    loss: float | None
    reason: str | None
    values: Mapping[str, float | None] = field(default_factory=dict)  # of several objectives, by name


@dataclass(frozen=True)
class StageEvent:
    """A stage that began or went on ("running"), or has ended ("complete"): its trials so far, the best value."""

    study: str
    stage: str
    position: int
    stages: int
    state: str
    trials: int
    trials_done: int
    trials_failed: int
    trials_pruned: int
    best: float | None
    metric: str = "accuracy"

    @staticmethod
    def of(study: str, progress: StageProgress, state: str) -> "StageEvent":
        """The event of a stage with this progress."""
        p = progress
        counts = (p.trials, p.trials_done, p.trials_failed, p.trials_pruned)
        return StageEvent(study, p.name, p.position, p.stages, state, *counts, p.best, p.goal.metric)


class Watcher:
    """Notified of all events; this one ignores them. The command line's watchers show bars or lines.

    An exception in a watcher stops the study, which can be resumed.
    """

    def stage(self, progress: StageProgress) -> None:
        """A stage began or went on, or results of it were committed."""

    def stage_changed(self, event: StageEvent) -> None:
        """A stage began or went on, or it is complete."""

    def trial_ended(self, event: TrialEvent) -> None:
        """A trial's last result was committed."""

    def activity(self, text: str, *, checked: bool = False) -> None:
        """What is being done before the first stage begins, which may take some seconds.

        Until everything that a user gave is `checked`, the study may still be refused, which costs one line.
        """

    def message(self, text: str) -> None:
        """A message of one line: a failed trial, an extended range, a worker that died."""


_Scores = dict[int, tuple[float, bool] | None]
"""The score of each replicate of a configuration, and whether it is complete; None where it failed or was pruned."""


def _place(scores: _Scores, replicates: int) -> Place | None:
    """The place of a configuration; None without a score, or where a replicate failed or was pruned."""
    known = [each for each in scores.values() if each is not None]
    if not known or len(known) < len(scores):
        return None
    complete = [score for score, ended in known if ended]
    so_far = sum(score for score, _ in known) / len(known)
    return place(len(complete), len(known), replicates, sum(complete) / max(1, len(complete)), so_far)


class Tally:
    """Counts a stage's trials as they change."""

    def __init__(
        self,
        study: str,
        name: str,
        position: int,
        stages: int,
        planned: int,
        *,
        replicates: int = 1,
        goal: Goal = ACCURACY,
    ) -> None:
        """`planned` is the number of trials that the stage will have, as far as is known.

        Each configuration has `replicates`; those that are confirmed get more.
        """
        self._study, self._name, self._position, self._stages, self._planned = study, name, position, stages, planned
        self._replicates = replicates
        self._rows: dict[int, TrialRow] = {}
        self._done = self._failed = self._pruned = self._epochs = self._epochs_done = self._epochs_of_ended = 0
        self._values: dict[int, _Scores] = {}  # by point
        self._best: Place | None = None  # the greatest of their places
        self._goal = goal

    def note(self, row: TrialRow) -> TrialEvent | None:
        """A trial is new, or has changed. Returns the event if it has ended now."""
        before = self._rows.get(row.id)
        if before is not None:
            self._count(before, -1)
        self._rows[row.id] = row
        self._count(row, 1)
        self._note_value(row)
        ended = row.state not in (WAITING, RUNNING) and (before is None or before.state != row.state)
        return self._event(row) if ended else None

    def _note_value(self, row: TrialRow) -> None:
        """A configuration's value is the mean of its replicates, as in the ranking.

        One with a failed or pruned replicate has none, and those that were confirmed come first.
        """
        values = self._values.setdefault(row.point, {})
        before = _place(values, self._replicates)
        if row.state == FAILED or (row.state == PRUNED and row.pruned_at is not None):
            values[row.replicate] = None
        elif row.score is None or row.state == PRUNED:
            values.pop(row.replicate, None)
        else:
            values[row.replicate] = row.score, row.state == COMPLETE
        now = _place(values, self._replicates)
        if now is not None and (self._best is None or now >= self._best):
            self._best = now
        elif before is not None and before == self._best:  # it was the best, and is not any more
            places = (_place(found, self._replicates) for found in self._values.values())
            self._best = max((each for each in places if each is not None), default=None)

    def _event(self, row: TrialRow) -> TrialEvent:
        return TrialEvent(
            study=self._study,
            trial=f"{self._name}:{row.number}",
            stage=self._name,
            number=row.number,
            point=row.point,
            replicate=row.replicate,
            params=row.params,
            state=row.state,
            epochs=row.epochs_done,
            best_epoch=row.best_epoch,
            metric=row.goal.metric,
            value=row.value,
            accuracy=row.value if row.goal.metric == "accuracy" else None,
            loss=row.loss,
            reason=row.reason,
            values=row.named_values,
        )

    def _count(self, row: TrialRow, sign: int) -> None:
        unfinished = row.state in (WAITING, RUNNING)
        self._done += sign * (not unfinished)
        self._failed += sign * (row.state == FAILED)
        self._pruned += sign * (row.state == PRUNED)
        self._epochs_done += sign * row.epochs_done
        self._epochs += sign * (row.epochs if unfinished else row.epochs_done)
        self._epochs_of_ended += 0 if unfinished else sign * row.epochs_done

    def progress(self, seconds_left: float | None = None, *, over: bool = False) -> StageProgress:
        """The stage's state, with the rest of a budget of minutes; `over` if it gets no further configurations."""
        trials = len(self._rows) if over else max(self._planned, len(self._rows))
        each = self._epochs_of_ended / self._done if self._done else self._epochs / max(1, len(self._rows))
        best = None if self._best is None else self._goal.sign * self._best[-1] + 0.0  # not −0
        return StageProgress(
            name=self._name,
            position=self._position,
            stages=self._stages,
            trials=trials,
            trials_done=self._done,
            trials_failed=self._failed,
            trials_pruned=self._pruned,
            epochs=self._epochs + round((trials - len(self._rows)) * each),
            epochs_done=self._epochs_done,
            best=best,
            seconds_left=seconds_left,
            goal=self._goal,
        )
