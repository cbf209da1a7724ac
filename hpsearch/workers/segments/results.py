"""The results of a segment that the coordinator gets: curves, weights, predictions.

May import the standard library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SIDES = ("train", "validation")
CURVE = ("epoch", "eta", *(f"{side}_{metric}" for side in _SIDES for metric in ("cost", "loss", "accuracy")), "value")
"""The columns of a curve; `value` is the objective on the validation samples."""


@dataclass(frozen=True)
class Predictions:
    """What is stored of the predictions for a split's samples: what the study's metrics need, in the split's order."""

    samples: int
    correct: bytes  # np.packbits; empty in a regression
    predicted: bytes | None = None  # the classes, uint8
    outputs: bytes | None = None  # the scores or values, float32

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.correct) + len(self.predicted or b"") + len(self.outputs or b"")


@dataclass(frozen=True)
class Best:
    """The epoch with the best value of the objective so far (the earliest of equals), if it lies in this segment."""

    epoch: int
    value: float
    weights: bytes


@dataclass(frozen=True)
class Test:
    """The evaluation of the kept weights on the test set."""

    cost: float
    loss: float
    accuracy: float
    predictions: Predictions
    value: float  # the objective
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass
class TaskResult:
    """The results of one trial; its curve has the columns `CURVE`."""

    trial_id: int
    curve: list[tuple[float, ...]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)  # {"epoch", "metric", "train", "validation"}
    state: bytes = b""
    best: Best | None = None
    evidence: dict[int, Predictions] = field(default_factory=dict)
    """The predictions for the validation samples, by epoch: of those at which the trial can be chosen."""
    most_evidence: int = 0
    """Of how many epochs they are kept, over all segments."""
    test: Test | None = None
    failed: tuple[int, str] | None = None  # epoch and reason
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what an objective notes of its trial
    trace: str | None = None  # of a function's failure, the traceback
    stopped: str | None = None  # why it stopped early, in the curve's last epoch
    parameters: int = 0
    multiply_adds: int = 0  # of an epoch's training
    restoring: float = 0.0  # the seconds that a trainable took to be restored: an estimator is fitted again

    @property
    def ended(self) -> bool:
        """Has it failed or stopped, so that later epochs are not its own?"""
        return self.failed is not None or self.stopped is not None


@dataclass(frozen=True)
class SegmentResult:
    """The results of all tasks, and the wall time (s) that they trained together, without restoring them."""

    tasks: tuple[TaskResult, ...]
    seconds: float

    @property
    def restoring(self) -> float:
        """The seconds that it took to restore them."""
        return sum(task.restoring for task in self.tasks)
