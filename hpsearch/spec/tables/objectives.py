"""Several objectives: [[objective]]. May import pydantic, hpsearch.errors and `hpsearch.metrics`."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, RootModel, Tag, model_validator

from hpsearch.errors import nearest
from hpsearch.metrics import Metric, MetricError, MetricFile
from hpsearch.metrics import parse as parse_metric
from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import Table
from hpsearch.spec.tables.objective import EVIDENCE, Objective, directed

COUNTED = ("parameters", "flops", "epochs")
"""The costs that are counted and not measured; each is minimised."""

MOST = 4
"""The most objectives: with more, nearly every configuration of a search is on the front."""

_TIMES = ("second", "seconds", "time", "duration", "wall_time", "runtime", "latency", "minutes")


def _is_time(given: Any) -> bool:
    return isinstance(given, str) and given.lower() in _TIMES


def _known(given: Any) -> Any:
    """Refuse what is neither a metric nor a counted cost, naming the nearest of both."""
    if given in COUNTED:
        return given
    if _is_time(given):
        rule = "must not be a time, which depends on the machine; counted costs are"
        raise wrong(f"{rule} {', '.join(COUNTED)}, got {show(given)}")
    try:
        parse_metric(given)
    except MetricError as error:
        near = nearest(given, COUNTED) if isinstance(given, str) else ""
        if "did you mean" in near and "did you mean" not in error.text:
            raise wrong(f"must be a metric or a counted cost, got {show(given)}{near}") from None
        raise wrong(error.text, *error.key) from None
    return given


@dataclass(frozen=True)
class Counted:
    """A cost that is counted: the parameters, the multiply-adds of the training, or its epochs."""

    name: str
    direction: Literal["minimize"] = "minimize"


class OneOfSeveral(Table):
    """One of several objectives."""

    metric: Annotated[str | dict[str, Any], BeforeValidator(_known)]
    """A metric, as in `[objective]`, or a cost that is counted: `"parameters"`, `"flops"` or `"epochs"`. At least one
    must be a metric.
    """
    direction: Literal["maximize", "minimize"] | None = None
    """Follows from the metric, and a cost is minimised; a file of one's own may leave it to this key."""

    @model_validator(mode="after")
    def _has_the_direction_of_its_metric(self) -> Self:
        found = self.parsed
        if self.direction not in (None, found.direction):
            raise wrong(
                f"must be {found.direction!r}, which is better for {found.name}, got {self.direction!r}", "direction"
            )
        return self

    @property
    def parsed(self) -> Metric | MetricFile | Counted:
        """The metric, or the cost that is counted."""
        if isinstance(self.metric, str) and self.metric in COUNTED:
            return Counted(self.metric)
        return directed(self.metric, self.direction)

    def stored(self) -> dict[str, Any]:
        """{"metric", "direction", "share"}, as `Objective.stored` has it."""
        found = self.parsed
        share = isinstance(found, Metric) and found.share
        return {"metric": found.name, "direction": found.direction or "maximize", "share": share}


def _all_different(given: tuple[OneOfSeveral, ...]) -> tuple[OneOfSeveral, ...]:
    names = [each.parsed.name for each in given]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise wrong(f"must not repeat objective[{names.index(name)}], got {name!r} twice", i, "metric")
    if all(isinstance(each.parsed, Counted) for each in given):
        rule = "must be a metric in at least one objective; by counted costs alone nothing need be trained"
        raise wrong(f"{rule}, got {', '.join(map(repr, names))}", 0, "metric")
    return given


class Objectives(RootModel[tuple[OneOfSeveral, ...]]):
    """Several objectives, in the order of the file.

    The first one that is measured is the main one: it chooses each trial's best epoch, and is the objective wherever
    there can be only one.
    """

    model_config = ConfigDict(frozen=True)

    root: Annotated[
        tuple[OneOfSeveral, ...],
        Field(strict=False, min_length=2, max_length=MOST),
        AfterValidator(_all_different),
    ]

    @property
    def main(self) -> int:
        """The position of the main objective."""
        return next(i for i, each in enumerate(self.root) if not isinstance(each.parsed, Counted))

    def parsed(self, task: str) -> Metric | MetricFile:
        """The metric of the main objective."""
        found = self.root[self.main].parsed
        assert not isinstance(found, Counted)
        return found

    @property
    def others(self) -> tuple[Metric | MetricFile, ...]:
        """The metrics of the other objectives that are measured."""
        found = [each.parsed for i, each in enumerate(self.root) if i != self.main]
        return tuple(each for each in found if not isinstance(each, Counted))

    @property
    def rope(self) -> None:
        """As `Objective.rope`, which several objectives cannot set."""
        return None

    @property
    def evidence(self) -> int:
        """As `Objective.evidence`, which several objectives cannot set."""
        return EVIDENCE

    @property
    def counted(self) -> tuple[str, ...]:
        """The costs among the objectives."""
        return tuple(each.parsed.name for each in self.root if isinstance(each.parsed, Counted))

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives by name, in the order of the file."""
        return tuple(each.parsed.name for each in self.root)

    def place(self, name: str) -> list[str | int]:
        """Where the metric of this name is in the file."""
        return ["objective", self.names.index(name), "metric"]

    def stored(self, task: str) -> dict[str, Any]:
        """The main objective as `Objective.stored` has it, and "objectives": all of them, the main one first."""
        rows = [each.stored() for each in self.root]
        first = rows.pop(self.main)
        return first | {"objectives": [first, *rows]}


def _how_many(given: Any) -> str:
    return TAG + ("several" if isinstance(given, list | tuple | Objectives) else "one")


def _at_least_two(given: Any) -> Any:
    if isinstance(given, list | tuple) and len(given) == 1:
        raise wrong("must be two to four tables; write [objective] for a single one, got 1")
    if isinstance(given, dict) and given.get("metric") in COUNTED:
        rule = "must be measured; a counted cost can only be one of several objectives, [[objective]]"
        raise wrong(f"{rule}, got {show(given['metric'])}", "metric")
    if isinstance(given, dict) and _is_time(given.get("metric")):
        raise wrong(f"must not be a time, which depends on the machine, got {show(given['metric'])}", "metric")
    return given


OneOrSeveral = Annotated[
    Annotated[Objective, Tag(TAG + "one")] | Annotated[Objectives, Tag(TAG + "several")],
    Discriminator(_how_many),
    BeforeValidator(_at_least_two),
]
