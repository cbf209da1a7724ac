"""What others report of the same configurations, to be set beside what comes out here. May import pydantic."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from hpsearch.spec.dotted_keys import flat_configuration
from hpsearch.spec.messages import show, wrong
from hpsearch.spec.tables.base import LARGEST, Name, Number, Positive, Table, Text

Metric = Literal[
    "train_cost",
    "train_loss",
    "train_accuracy",
    "validation_cost",
    "validation_loss",
    "validation_accuracy",
    "test_cost",
    "test_loss",
    "test_accuracy",
]

METRICS: tuple[str, ...] = get_args(Metric)
"""What a reference row may report, by the names of the report's columns."""


class Reference(Table):
    """One number that somebody reports: of a configuration of `stage`, of that stage's best, or of the final.

    `configuration` has some of the searched keys; without any it is the best of `stage`, and without a stage the final.
    `tolerance` is how far off a repetition may be for reasons that no test knows, such as another split.
    """

    configuration: Annotated[dict[str, Any], BeforeValidator(flat_configuration)] = Field(default={})
    """Values of searched keys. In a range the nearest tried value is meant, in a list of configurations it must be one of
    them. Without it the row is about the best of `stage`.
    """
    stage: Name | None = None
    """The stage it is about, or `"final"`. Without it: the last stage that tried the configuration; without a configuration,
    the final.
    """
    metric: Metric
    """What the number is."""
    value: Number
    """The number; accuracies as shares (0.5173, not 51.73)."""
    source: Text
    """Who reports it."""
    note: str = ""
    """A remark for the report."""
    tolerance: Annotated[Positive, Field(le=LARGEST)] | None = None
    """How far off a repetition may be for reasons that no test knows, such as another split of the images."""

    @model_validator(mode="after")
    def _is_a_share_if_an_accuracy(self) -> "Reference":
        if self.metric.endswith("accuracy") and not 0 <= self.value <= 1:
            raise wrong(f"must be a share between 0 and 1, got {show(self.value)}", "value")
        return self
