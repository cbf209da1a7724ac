"""The table [training]: everything that a trial trains with beside its model. May import pydantic."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hpsearch.spec.messages import wrong
from hpsearch.spec.tables.base import LARGEST, Count, Positive, Table
from hpsearch.spec.tables.optimisers import OPTIMISERS, Optimiser, Sgd
from hpsearch.spec.tables.schedules import SCHEDULES, Constant, Schedule

LENGTHS = ("epochs", "cycles", "updates")
"""The keys of [training] that say how long it is, each in its own unit."""


class Stop(Table):
    """Stop a trial whose validation metric has not improved by more than `min_delta` for `patience` epochs."""

    patience: Count
    """Stop after so many epochs without an improvement."""
    metric: Literal["accuracy", "loss"] = "accuracy"
    """What must improve on the validation images."""
    min_delta: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    """By more than this."""


class PartialTraining(Table):
    """The study's [training]: what it leaves out, each stage must give or search."""

    lambda_: Annotated[float, Field(alias="lambda", ge=0, le=LARGEST)] = 0.0
    """λ of the cost, mean loss + λ·Σ‖W‖², whatever the optimiser."""
    eta: Positive | None = None
    """Learning rate η of the constant, the step and the cosine schedule; the others have their own."""
    batch_size: Count | None = None
    """Images per update; at most the training images. An epoch's last batch may be smaller."""
    epochs: Count | None = None
    """How long to train, in passes over the training images."""
    cycles: Count | None = None
    """The same in cycles of the cyclical schedule, each two half cycles."""
    updates: Count | None = None
    """The same in updates, which must come to whole epochs."""
    schedule: Schedule = Constant()
    """How η changes with the updates."""
    optimiser: Optimiser = Sgd()
    """How the weights follow the gradients; `"adam"` is short for `{ kind = "adam" }`."""
    clip_norm: Positive | None = None
    """Where the gradient of all weights together has a larger norm, scale it down to this one."""
    loss: Literal["cross_entropy", "hinge"] = "cross_entropy"
    """`"hinge"` is the multi-class SVM's."""
    stop: Stop | None = None
    """Stop a trial early."""
    keep: Literal["best", "last"] = "best"
    """The weights that are kept, ranked by and tested: those of the epoch with the best validation accuracy, or the
    last ones.
    """
    curves: Literal["sample", "all", "running"] = "sample"
    """What the training curves are measured on: a fixed random sample of the training images as large as the
    validation set, `"all"` of them (half as much time again), or `"running"`: the mean over an epoch's batches
    as they are trained on.
    """

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
    """How one trial trains: has exactly one length, and what its model needs."""


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
