"""Training longer: what is kept of trials that end, and what a longer training makes of them. May import spec, storage.

What a trial was trained for is the beginning of the longer training, so it goes on from where it ended. Its state then
is kept as long as there is room; without it the trial begins anew, with the same result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.search.stages.space import FINAL
from hpsearch.spec import Final, Stage, Study, data_of, epochs, length_of, limits_of, resolve, why_not_longer
from hpsearch.storage import writing
from hpsearch.storage.database import Database
from hpsearch.storage.records import COMPLETE, Progress, StageRow, TrialRow

ROOM = 50_000_000
"""How many bytes of a stage's database the states may take that its trials ended with.

Their best weights, which are kept with them, take at most as much again.
"""


def step_named(study: Study, name: str) -> Stage | Final:
    """The stage of this name, or the final."""
    if name == FINAL:
        assert study.final is not None
        return study.final
    return next(stage for stage in study.stages if stage.name == name)


@dataclass
class EndStates:
    """Decides of which trials of a stage the state at the end is kept."""

    study: Study
    step: Stage | Final
    stage: StageRow
    database: Database
    _room: int | None = None

    def kept(self, record: Progress) -> Progress:
        """A trial's progress, and whether its state is kept where it has ended."""
        if not record.finished or not record.state:
            return record
        if self._room is None:
            self._room = self._left()
        if len(record.state) > self._room:
            return record
        self._room -= len(record.state)
        return replace(record, keeps_end=True)

    def _left(self) -> int:
        if why_not_longer(self.study, self.step) is not None:
            return 0
        with self.database.transaction() as connection:
            return ROOM - writing.end_bytes(connection, self.stage.id)


def longer_trials(study: Study, stage: StageRow, trials: Sequence[TrialRow]) -> list[writing.Longer]:
    """What the trials of a stage become in a study whose trainings are longer."""
    step = step_named(study, stage.name)
    return [_longer(study, step, trial) for trial in trials]


def _longer(study: Study, step: Stage | Final, trial: TrialRow) -> writing.Longer:
    configuration = resolve(study, step, trial.params)
    length = length_of(study, step, configuration.training)
    ended = trial.state == COMPLETE and trial.reason is None
    cut = ended and trial.epochs_done == length < epochs(configuration.training, data_of(study, step).train)
    reason = limits_of(study, step).reason("updates") if cut else None
    again = ended and configuration.training.stop is not None  # in its last epoch no training is stopped early
    return writing.Longer(trial, configuration.to_json(), length, reason, again)
