"""What goes into and comes out of the database: frozen values, no SQL. May import the standard library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]

WAITING, RUNNING, COMPLETE, FAILED, PRUNED = "waiting", "running", "complete", "failed", "pruned"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class NewStudy:
    """A study as it is launched."""

    name: str
    text: str
    path: str
    workspace: str
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    model: Mapping[str, Any]


@dataclass(frozen=True)
class NewStage:
    """A stage before its space is known."""

    name: str
    kind: str
    test: bool
    data: Mapping[str, Any]


@dataclass(frozen=True)
class NewTrial:
    """A trial to be trained: its number within the stage, its replicate, the searched values, and all it trains with.

    `point` numbers the stage's configurations; the replicates of one share it. `sampler_attributes` is what the sampler
    wrote down.
    """

    number: int
    replicate: int
    params: Params
    configuration: Mapping[str, Any]
    epochs: int
    point: int
    sampler_attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StudyRow:
    """A study as the database has it."""

    id: int
    name: str
    text: str
    path: str
    workspace: str
    state: str
    launches: int
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class StageRow:
    """A stage as the database has it; `space` is None until it has begun. `seconds` is its wall time, over launches."""

    id: int
    position: int
    name: str
    kind: str
    state: str
    test: bool
    space: Mapping[str, Any] | None
    data: Mapping[str, Any]
    optuna_study_id: int | None  # None where Optuna's was deleted in the dashboard
    known: Sequence[Mapping[str, Any]] | None = None  # what `from` found: [{"params", "value"}, ..]
    ended: str | None = None  # which budget ended it
    seconds: float = 0.0
    batches: Sequence[int] = ()  # numbers of points at which it was grown
    stale: bool = False  # has an earlier stage grown since it began?


@dataclass(frozen=True)
class TrialRow:
    """A trial as the database has it, without curves and weights."""

    id: int
    number: int
    replicate: int
    optuna_trial_id: int | None
    params: Params
    configuration: Mapping[str, Any]
    state: str
    epochs: int
    epochs_done: int
    best_epoch: int | None
    value: float | None
    loss: float | None  # validation loss at best_epoch
    point: int
    reason: str | None = None
    pruned_at: int | None = None  # the epoch after which the pruner decided against it
    sampler_attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BestRecord:
    """The best epoch so far: its weights and which validation samples it predicted correctly (packed bits)."""

    epoch: int
    value: float
    weights: bytes
    correct: bytes
    samples: int


@dataclass(frozen=True)
class TestRecord:
    """An evaluation on the test set."""

    cost: float
    loss: float
    accuracy: float
    predicted: bytes
    correct: bytes
    samples: int


@dataclass(frozen=True)
class Progress:
    """What a segment did to a trial; committed whole or not at all."""

    trial: TrialRow
    epochs_done: int
    curve: Sequence[tuple[float, ...]]
    state: bytes = b""
    best: BestRecord | None = None
    test: TestRecord | None = None
    failure: str | None = None
    stopped: str | None = None  # why it is complete before its time
    parameters: int = 0
    seconds: float = 0.0
    cohort: int | None = None  # the number of the first of the trials that the segment trained
    finished: bool = False
    traceback: str | None = None  # of a failure in the model file

    @property
    def outcome(self) -> str:
        """The state that it leaves the trial in."""
        return FAILED if self.failure else COMPLETE if self.finished else RUNNING


@dataclass(frozen=True)
class Decision:
    """What a pruner, or a budget that has ended (`pruned_at` None), decided of a trial; an audited one trains on."""

    trial: TrialRow
    pruned_at: int | None
    reason: str
    audited: bool = False
