"""What a study optimises: [objective]. May import pydantic and `hpsearch.metrics`."""

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hpsearch.metrics import Metric, MetricError, MetricFile
from hpsearch.metrics import parse as parse_metric
from hpsearch.spec.messages import wrong
from hpsearch.spec.tables.base import LARGEST, Table


def _known(given: Any) -> Any:
    try:
        parse_metric(given)
    except MetricError as error:
        raise wrong(error.text, *error.key) from None
    return given


GivenMetric = Annotated[str | dict[str, Any], AfterValidator(_known)]
"""The name of a metric, a table with its `kind` and options, or one with the `file` of one's own."""


def directed(given: str | dict[str, Any], direction: Literal["maximize", "minimize"] | None) -> Metric | MetricFile:
    """A metric with the direction that stands beside it. Raises ValueError where they contradict or one is missing."""
    found = parse_metric(given)
    if isinstance(given, dict) and "returned" in given and "direction" not in given:
        if direction is None:
            raise wrong("is missing; a metric that is returned needs it: 'maximize' or 'minimize'", "direction")
        return replace(found, direction=direction)
    if isinstance(found, MetricFile) and found.direction is None:
        return replace(found, direction=direction)
    if direction not in (None, found.direction):
        raise wrong(f"must be {found.direction!r}, which is better for {found.name}, got {direction!r}", "direction")
    return found


DEFAULT = {"classification": "accuracy", "regression": "rmse"}
"""The metric of a study that names none, by its task."""

ROPE = 0.005
"""The region of practical equivalence of a share, such as the accuracy, where a study names none."""

EVIDENCE = 160
"""kB of a trial's predictions that are kept where a study does not say how many."""


class Objective(Table):
    """The metric that configurations are chosen by, measured on the validation samples after each epoch."""

    metric: GivenMetric | None = None
    """The metric, by scikit-learn's name, such as `"balanced_accuracy"` or `{ kind = "f1", average = "macro" }`;
    `{ file = "metrics/profit.py" }`, one's own; or `{ returned = "profit" }`, a number that a trainable's `evaluate`
    returns. If not given: accuracy, or rmse in a regression.
    """
    direction: Literal["maximize", "minimize"] | None = None
    """Follows from the metric; needed with `returned`, and a file of one's own may leave it to this key."""
    also: Annotated[tuple[GivenMetric, ...], Field(strict=False, max_length=20)] = ()
    """Further metrics that are recorded for every epoch; nothing is chosen by them. None twice, nor the objective."""
    evidence: Annotated[int, Field(ge=0, le=1_000_000)] = EVIDENCE
    """How many kB of a trial's predictions for the validation samples are kept: those of the best epochs, at least of
    one.
    """

    rope: Annotated[float, Field(gt=0, le=LARGEST)] | None = None
    """The region of practical equivalence, in the metric's own unit: the report calls configurations equivalent whose
    difference is shown to be smaller. Nothing is chosen by it. If not given: 0.005, half a percentage point, of metrics
    between 0 and 1, and none of others.
    """

    @model_validator(mode="after")
    def _has_the_direction_of_its_metric(self) -> Self:
        if self.metric is None and self.direction is not None:
            raise wrong(f"must stand beside a metric, got {self.direction!r} alone", "direction")
        metric = None if self.metric is None else directed(self.metric, self.direction)
        names = [parse_metric(given).name for given in self.also]
        for i, name in enumerate(names):
            if name in names[:i] or (metric is not None and name == metric.name):
                raise wrong(f"must not repeat a metric, got {name!r} twice", "also", i)
        return self

    def parsed(self, task: str) -> Metric | MetricFile:
        """The metric of a study of this task."""
        return parse_metric(DEFAULT[task]) if self.metric is None else directed(self.metric, self.direction)

    def stored(self, task: str) -> dict[str, Any] | None:
        """{"metric", "direction", "share"}, as trials and stages have it; None for the accuracy.

        A metric of one's own is to be maximised if the study file does not say otherwise.
        """
        metric = self.parsed(task)
        if metric.name == "accuracy":
            return None
        share = isinstance(metric, Metric) and metric.share
        return {"metric": metric.name, "direction": metric.direction or "maximize", "share": share}

    def place(self, name: str) -> list[str | int]:
        """Where the metric of this name is in the file."""
        names = [metric.name for metric in self.others]
        return ["objective", "also", names.index(name)] if name in names else ["objective", "metric"]

    @property
    def counted(self) -> tuple[str, ...]:
        """The costs among the objectives: none."""
        return ()

    @property
    def others(self) -> tuple[Metric | MetricFile, ...]:
        """The metrics in `also`."""
        return tuple(parse_metric(given) for given in self.also)
