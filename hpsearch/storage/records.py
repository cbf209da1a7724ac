"""What goes into and comes out of the database: frozen values, no SQL. May import the standard library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

Params = Mapping[str, Any]

CurvePoint = tuple[int, float, float, *tuple[float, ...]]
"""Epoch, objective and validation loss; with several objectives then the scores of all of them."""

WAITING, RUNNING, COMPLETE, FAILED, PRUNED = "waiting", "running", "complete", "failed", "pruned"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Goal:
    """What the values of a study's trials are: the objective by name, its direction, and whether it is a share.

    A score is a value turned so that a higher one is better. Of a study with several objectives this is the main one.
    """

    metric: str = "accuracy"
    direction: Literal["maximize", "minimize"] = "maximize"
    share: bool = True  # between 0 and 1, shown in percent
    of_function: bool = field(default=False, compare=False)  # whether a function returns it, not samples give it
    objectives: "tuple[Goal, ...]" = field(default=(), compare=False)  # of a study with several, itself the first

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Goal":
        """The goal of a trial's configuration or a stage's data; the accuracy where they name none."""
        found = stored.get("objective")
        if not found:
            return ACCURACY
        function = bool(found.get("function"))
        rest = found.get("objectives", ())
        each = tuple(_goal(one["metric"], one["direction"], one["share"], function, ()) for one in rest)
        return _goal(found["metric"], found["direction"], found["share"], function, each)

    @property
    def sign(self) -> float:
        """1 where a higher value is better, −1 where a lower one is."""
        return -1.0 if self.direction == "minimize" else 1.0

    @property
    def unit(self) -> str:
        """What a trial counts: an epoch, or a step of a function, which may have one alone."""
        return "step" if self.of_function else "epoch"

    @property
    def measured(self) -> str:
        """What is compared: "validation accuracy"; of a function, which has no samples, "value"."""
        return self.metric if self.of_function else f"validation {self.metric}"

    def scores(self, values: "Sequence[float | None]") -> tuple[float, ...]:
        """Values of all objectives as scores; what is not known is worse than anything."""
        pairs = zip(self.objectives, values, strict=True)
        return tuple(-math.inf if value is None else each.sign * value for each, value in pairs)

    def text(self, value: float) -> str:
        """A value as messages show it."""
        if self.share:
            return f"{value:.2%}"
        whole = self.metric in ("parameters", "flops", "epochs") and abs(value) < 1e15 and value == round(value)
        return f"{value:,.0f}" if whole else f"{value:.5g}"

    def named(self, value: float) -> str:
        """The same with the metric's name, unless that is the accuracy."""
        return self.text(value) if self.metric == "accuracy" else f"{self.metric} {self.text(value)}"


ACCURACY = Goal()

_goal = lru_cache(maxsize=256)(Goal)
"""A goal that is made once, since each trial is asked for its own many times."""


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
    seconds: float = 0.0  # its share of its cohorts' wall time
    values: tuple[float | None, ...] = ()  # of several objectives, at best_epoch; derived, not stored

    @cached_property  # asked for thirty times a trial
    def goal(self) -> Goal:
        """What its value is."""
        return Goal.of(self.configuration)

    @property
    def of_function(self) -> bool:
        """Is it a call of a function, so that nothing is known of samples and nothing is kept of a training?"""
        named = self.configuration["model"]
        return "function" in named and not {"file", "estimator"} & named.keys()

    @property
    def named_values(self) -> dict[str, float | None]:
        """The values of several objectives by name; {} of one."""
        values = self.values or (None,) * len(self.goal.objectives)
        return {each.metric: value for each, value in zip(self.goal.objectives, values, strict=True)}

    @property
    def score(self) -> float | None:
        """The value, turned so that a higher one is better."""
        return None if self.value is None else self.goal.sign * self.value


@dataclass(frozen=True)
class PredictionsRecord:
    """A row of hpsearch_predictions: which samples were predicted correctly (packed bits; empty in a regression).

    The predicted classes and the scores or values are there where a metric of the study needs them.
    """

    samples: int
    correct: bytes
    predicted: bytes | None = None
    outputs: bytes | None = None


@dataclass(frozen=True)
class LabelsRecord:
    """The true labels of a stage's validation or test samples: classes, or float64 values with their scale."""

    stage: str  # its name
    split: str
    fold: int
    samples: int
    labels: bytes
    scale: bytes | None = None


@dataclass(frozen=True)
class BestRecord:
    """The best epoch so far, and its weights."""

    epoch: int
    value: float
    weights: bytes


@dataclass(frozen=True)
class TestRecord:
    """An evaluation on the test set; `value` is the objective, `metrics` has what else was recorded."""

    cost: float
    loss: float
    accuracy: float
    value: float
    metrics: Mapping[str, float]
    predictions: PredictionsRecord


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
    metrics: Sequence[Mapping[str, Any]] = ()  # rows of hpsearch_metrics
    evidence: Mapping[int, PredictionsRecord] = field(default_factory=dict)  # for the validation samples, by epoch
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what an objective notes of its trial
    keeps_end: bool = False  # where it has ended: keep its state, from which it can train longer
    most_evidence: int = 0  # of how many epochs it is kept: the best ones, or the last where that is the trial's

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
