"""The table [training]: how a trial is trained. May import pydantic."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import LARGEST, Count, Positive, Table
from hpsearch.spec.tables.optimisers import OPTIMISERS, Optimiser, Sgd
from hpsearch.spec.tables.schedules import SCHEDULES, Constant, Schedule

LENGTHS = ("epochs", "cycles", "updates")
"""The keys of [training] for its length, each in its own unit."""


class Stop(Table):
    """Early stopping: end a trial whose validation metric has not improved by `min_delta` for `patience` epochs."""

    patience: Count
    """Stop after so many epochs without an improvement."""
    metric: Literal["accuracy", "loss", "objective"] = "accuracy"
    """The validation metric. If not given: the study's objective."""
    min_delta: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    """An improvement must be larger than this."""


def _named_or_weights(given: Any) -> Any:
    if isinstance(given, dict) or given in ("balanced", "none"):
        return given
    raise wrong(f"must be 'balanced', 'none' or a table of weights by class, got {show(given)}")


ClassWeight = Annotated[
    Annotated[Literal["balanced", "none"], Tag(TAG + "name")]
    | Annotated[dict[str, Positive], Field(min_length=1), Tag(TAG + "weights")],
    Discriminator(lambda given: TAG + ("weights" if isinstance(given, dict) else "name")),
    BeforeValidator(_named_or_weights),
    AfterValidator(lambda given: None if given == "none" else given),  # so that both ways to have none are one
]


class PartialTraining(Table):
    """The study's [training]; each stage must give or search what it leaves out."""

    lambda_: Annotated[float, Field(alias="lambda", ge=0, le=LARGEST)] = 0.0
    """L2 regularisation λ of the cost, mean loss + λ·Σ‖W‖², with every optimiser but adamw."""
    eta: Positive | None = None
    """Learning rate η of the constant, step and cosine schedules; the others have their own."""
    batch_size: Count | None = None
    """Samples per update; at most the number of training samples. An epoch's last batch may be smaller."""
    epochs: Count | None = None
    """The length of the training in epochs, passes over the training samples."""
    cycles: Count | None = None
    """The same in cycles of the cyclical schedule."""
    updates: Count | None = None
    """The same in updates, which must come to whole epochs."""
    schedule: Schedule = Constant()
    """How the learning rate η changes with the updates."""
    optimiser: Optimiser = Sgd()
    """The optimiser; `"adam"` is short for `{ kind = "adam" }`."""
    clip_norm: Positive | None = None
    """Gradient clipping: the largest norm of the gradient of all parameters together."""
    loss: Literal["cross_entropy", "hinge", "squared_error", "absolute_error", "huber"] = "cross_entropy"
    """Softmax cross-entropy, or `"hinge"`, the loss of a multi-class SVM. In a regression `"squared_error"`, which is
    the default there, `"absolute_error"` or `"huber"`, of targets in standard deviations.
    """
    class_weight: ClassWeight | None = None
    """Weights of the classes in the loss that is trained on: `"balanced"`, n / (C · n_c) for a class with n_c of the n
    training samples of C classes, as scikit-learn has it; a table such as `{ ill = 5, healthy = 1 }`, where a class
    that is not named has 1; or `"none"`. Not in a regression.
    """
    stop: Stop | None = None
    """Early stopping."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept, ranked by and tested: those of the best validation accuracy, or the last
    ones.
    """
    curves: Literal["sample", "all", "running"] = "sample"
    """What the training curves are measured on: `"sample"`, a fixed random subset of the training samples as large as
    the validation set; `"all"` training samples (half as much time again); or `"running"`, the mean over an epoch's
    batches during training.
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
    """How one trial is trained: with exactly one length, and all that its model needs."""


TABLES: dict[str, tuple[type[Table], ...]] = {"schedule": SCHEDULES, "optimiser": OPTIMISERS, "stop": (Stop,)}
"""The tables inside [training], and the classes of each."""

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
    """Tell whether this is a key of [training], such as `eta` or `schedule.eta_max`, and not one of the model's."""
    return re.split(r"[.\[]", key)[0] in Training.key_names()
