"""Results that others report of the same configurations, for comparison: [[reference]]. May import pydantic."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hpsearch.spec.dotted_keys import flat_configuration
from hpsearch.spec.tables.base import LARGEST, Name, Number, Positive, Table, Text

PARTS = ("train", "validation", "test")
"""The samples on which a reported metric was measured."""


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
    metric: Text
    """The metric that was reported and its samples, such as `"test_accuracy"`, `"validation_loss"` or `"train_rmse"`:
    any metric that the study records.
    """
    value: Number
    """Its value; accuracies as shares (0.5173, not 51.73)."""
    source: Text
    """Who reported it."""
    note: str = ""
    """A remark for the report."""
    tolerance: Annotated[Positive, Field(le=LARGEST)] | None = None
    """A difference that a repetition may have for reasons no test covers, such as another split of the samples."""

    @property
    def part(self) -> str:
        """The samples on which it was measured: train, validation or test."""
        return self.metric.partition("_")[0]

    @property
    def measured(self) -> str:
        """The metric's own name, without that of its samples."""
        return self.metric.partition("_")[2]
