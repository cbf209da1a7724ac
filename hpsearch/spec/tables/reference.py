"""Results that others report of the same configurations, for comparison: [[reference]]. May import pydantic."""

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
    """One reported result: of a configuration of `stage`, of that stage's best, or of the final.

    `configuration` has some of the hyperparameters; without any it is the best of `stage`, without a stage the final.
    `tolerance` is a difference that a repetition may have for reasons no test covers, such as another split.
    """

    configuration: Annotated[dict[str, Any], BeforeValidator(flat_configuration)] = Field(default={})
    """Values of hyperparameters: of a range the nearest value that was tried, of a list of configurations one of them.
    Without it the row is about the best of `stage`.
    """
    stage: Name | None = None
    """The stage it is about, or `"final"`. Without it: the last stage that tried the configuration; without a
    configuration, the final.
    """
    metric: Metric
    """The metric that was reported."""
    value: Number
    """Its value; accuracies as shares (0.5173, not 51.73)."""
    source: Text
    """Who reported it."""
    note: str = ""
    """A remark for the report."""
    tolerance: Annotated[Positive, Field(le=LARGEST)] | None = None
    """A difference that a repetition may have for reasons no test covers, such as another split of the samples."""

    @model_validator(mode="after")
    def _is_a_share_if_an_accuracy(self) -> "Reference":
        if self.metric.endswith("accuracy") and not 0 <= self.value <= 1:
            raise wrong(f"must be a share between 0 and 1, got {show(self.value)}", "value")
        return self
