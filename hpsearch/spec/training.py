"""The table [training]: everything that a trial trains with beside its model. May import pydantic."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .optimisers import OPTIMISERS, Optimiser, Sgd
from .schedules import SCHEDULES, Constant, Schedule
from .table import LARGEST, Count, Positive, Table
from .words import wrong

LENGTHS = ("epochs", "cycles", "updates")
"""The keys of [training] that say how long it is, each in its own unit."""


class Stop(Table):
    """Stop a trial whose validation metric has not improved by more than `min_delta` for `patience` epochs."""

    patience: Count
    metric: Literal["accuracy", "loss"] = "accuracy"
    min_delta: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0


class PartialTraining(Table):
    """The study's [training]: what it leaves out, each stage must give or search."""

    lambda_: Annotated[float, Field(alias="lambda", ge=0, le=LARGEST)] = 0.0
    eta: Positive | None = None
    batch_size: Count | None = None
    epochs: Count | None = None
    cycles: Count | None = None
    updates: Count | None = None
    schedule: Schedule = Constant()
    optimiser: Optimiser = Sgd()
    clip_norm: Positive | None = None
    loss: Literal["cross_entropy", "hinge"] = "cross_entropy"
    stop: Stop | None = None
    keep: Literal["best", "last"] = "best"
    curves: Literal["sample", "all", "running"] = "sample"

    @model_validator(mode="after")
    def _has_one_length_and_one_decay(self) -> Self:
        lengths = [key for key in LENGTHS if getattr(self, key) is not None]
        if len(lengths) > 1:
            raise wrong(f"must have only one of epochs, cycles and updates, got {' and '.join(lengths)}")
        if self.cycles is not None and self.schedule.kind != "cyclical":
            raise wrong(f"needs the cyclical schedule, got kind = {self.schedule.kind!r}", "cycles")
        if self.optimiser.kind == "adamw" and self.lambda_:
            text = f"must be 0 with adamw, which has weight_decay in its place, got {self.lambda_:g}"
            raise wrong(text, "lambda")
        return self


class Training(PartialTraining):
    """How one trial trains: has exactly one length, and `eta` if its schedule needs it."""

    batch_size: Count


TABLES: dict[str, tuple[type[Table], ...]] = {"schedule": SCHEDULES, "optimiser": OPTIMISERS, "stop": (Stop,)}
"""The tables inside [training], and what they can be."""

TRAINING_KEYS = (
    *Training.key_names(),
    *dict.fromkeys(f"{table}.{key}" for table, kinds in TABLES.items() for kind in kinds for key in kind.key_names()),
)
"""Every name that a space may use for a key of [training]."""

BELOW_ONE = ("schedule.warm", "optimiser.momentum", "optimiser.beta1", "optimiser.beta2")
"""The keys of [training] that are below 1."""

FLOAT_KEYS = (
    "lambda",
    "eta",
    "clip_norm",
    "schedule.factor",
    "schedule.eta_min",
    "schedule.eta_max",
    "schedule.eta_end",
    "optimiser.epsilon",
    "optimiser.weight_decay",
    "stop.min_delta",
    *BELOW_ONE,
)
"""The keys of [training] that are no whole numbers, so that `low = 0, high = 1` does not mean 0 or 1."""


def is_training_key(key: str) -> bool:
    """Tell a key of [training], `schedule.eta_max` as well as `eta`, from one of the model's own."""
    return key.split(".")[0] in Training.key_names()
