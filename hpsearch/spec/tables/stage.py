"""One step of the search: [[stage]]. May import pydantic."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from hpsearch.spec.dotted_keys import flat_configuration, flat_first, flat_space
from hpsearch.spec.messages import show, wrong
from hpsearch.spec.spaces.branches import bare, branched, separated
from hpsearch.spec.spaces.expressions import constraint
from hpsearch.spec.spaces.operations import ConstraintError
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.base import Count, Name, Table, check_name
from hpsearch.spec.tables.budget import Budget, SomeBudget
from hpsearch.spec.tables.data import AugmentationOverrides
from hpsearch.spec.tables.pruners import Pruner
from hpsearch.spec.tables.samplers import LEARNING, Grid, Learning, Sampler
from hpsearch.spec.tables.space import MAX_GRID, Entry, same
from hpsearch.spec.tables.training import FLOAT_KEYS, TRAINING_KEYS
from hpsearch.spec.tables.trial import SomeLimits

BATCH_TO_LEARN_FROM = 8
"""The default `batch` of a sampler that learns."""

BATCH_TO_COUNT = 16
"""The default `batch` of other samplers where a budget has to be checked."""

MOST_REPLICATES = 10
"""The default of `confirm.replicates`, unless the stage's replicates come near."""


def _whole_numbers(given: Any) -> Any:
    """Set `integer` for each range that does not, by its key or, for a parameter of the model, by its ends."""
    if not isinstance(given, dict):
        return given
    marked = dict(given)
    for key, entry in given.items():
        if isinstance(entry, dict) and "low" in entry and "high" in entry and "integer" not in entry:
            ints = all(type(entry[end]) is int for end in ("low", "high", "step") if end in entry)
            marked[key] = entry | {"integer": bare(key) not in FLOAT_KEYS and (ints or bare(key) in TRAINING_KEYS)}
    return marked


def _with_space(given: Any, info: ValidationInfo) -> Any:
    space = info.data.get("space", {})
    rows = [separated(space, row) if isinstance(row, dict) else row for row in given] if _is_list(given) else given
    return flat_first(rows, space)


def _one_with_space(given: Any, info: ValidationInfo) -> Any:
    """Return a configuration under the names of the space, or as one that is listed."""
    if not isinstance(given, dict):
        raise wrong(f"must be a table, got {show(given)}")
    return _with_space([given], info)[0] if info.data.get("space") else flat_configuration(given)


def _is_list(given: Any) -> bool:
    return isinstance(given, list | tuple)


def _written_out(given: Any, info: ValidationInfo) -> Any:
    """Return `confirm = 5` written out as a table, with the default replicates."""
    if type(given) is int:
        given = {"best": given}
    if not isinstance(given, dict | Table):
        raise wrong(f"must be a number of configurations or a table, got {show(given)}")
    each = info.data.get("replicates", 1)
    return {"replicates": max(each + 2, MOST_REPLICATES)} | given if isinstance(given, dict) else given


def _study_or_stage(given: str) -> str:
    study, slash, stage = given.partition("/")
    for part in (study, stage) if slash else (study,):
        if not part:
            raise wrong(f"must be the name of a study, or of a study and a stage: 'study/stage', got {show(given)}")
        check_name(part)
    return given


def _readable(text: str) -> str:
    try:
        constraint(text)
    except ConstraintError as error:
        raise wrong(f"{error}, got {show(text)}") from None
    return text


class Confirm(Table):
    """The `best` configurations get further replicates, until the best is clear or each has `replicates` in all."""

    best: Annotated[Count, Field(ge=2)]
    """How many configurations; at most the stage's number. `confirm = 5` is short for `{ best = 5 }`."""
    replicates: Annotated[Count, Field(le=MAX_GRID)]
    """The most replicates that each of them comes to in all; above the stage's `replicates`. If not given: 10, or
    two more than the stage's if that is more.
    """


Overrides = dict[str, Any]
"""Keys that replace the study's in one table; checked once they are merged."""

Replicates = Annotated[Count, Field(le=MAX_GRID)]
"""How many seeds each configuration is trained with."""

Space = Annotated[
    dict[str, Entry], BeforeValidator(_whole_numbers), BeforeValidator(branched), BeforeValidator(flat_space)
]  # validators run from the last to the first
Rows = Annotated[tuple[dict[str, Any], ...], Field(strict=False, min_length=1, max_length=MAX_GRID)]
Configurations = Annotated[
    tuple[Annotated[dict[str, Any], BeforeValidator(flat_configuration)], ...],
    Field(strict=False, min_length=1, max_length=MAX_GRID),
]


Constraints = Annotated[tuple[Annotated[str, AfterValidator(_readable)], ...], Field(strict=False, max_length=100)]


class Stage(Table):
    """A sampler over a space, or a list of configurations, and how they are trained."""

    name: Name
    """Its name, by the rules of the study's name; unique, and not `"final"`."""
    sampler: Sampler | None = None
    """How configurations are chosen from the space, and how many."""
    space: Space = Field(default={})
    """The search space: the range or choices of each hyperparameter."""
    constraints: Constraints = ()
    """Conditions that every configuration of the space must keep, such as `"eta < 0.1 or batch_size > 50"`."""
    configurations: Configurations | None = None
    """Instead of sampler and space: a list of configurations to train."""
    training: Overrides = Field(default={})
    """Keys of [training] that are different in this stage."""
    model: Overrides = Field(default={})
    """Parameters of the model that are different in this stage."""
    augmentation: AugmentationOverrides = AugmentationOverrides()
    """Keys of [augmentation] that are different in this stage."""
    replicates: Replicates = 1
    """Train each configuration with so many seeds and rank by the mean. With folds each fold is a replicate, and this
    must be 1.
    """
    test: bool = False
    """Evaluate every trial on the test set. The report counts these evaluations. Leave it `false` where you choose by
    the results.
    """
    pruner: Pruner | None = None
    """Stop trials early that are worse than others."""
    budget: SomeBudget = Budget()
    """End the stage before all its configurations are trained."""
    first: Annotated[Rows, BeforeValidator(_with_space)] = ()
    """Configurations to try first."""
    default: Annotated[dict[str, Any], BeforeValidator(_one_with_space)] | None = None
    """In the first stage: the configuration that one would use without a search, with all its hyperparameters. It is
    trained before all others, as one of the stage's `trials`; of a grid or a list it is one of the configurations. The
    report says whether the best is better, which it cannot where the pruner ended the default.
    """
    source: Annotated[Annotated[str, AfterValidator(_study_or_stage)] | None, Field(alias="from")] = None
    """An earlier study whose trials the sampler learns from: `"study"` or `"study/stage"`."""
    confirm: Annotated[Confirm, BeforeValidator(_written_out)] | None = None
    """Train the best configurations with more replicates until one is distinguishable from the others."""
    trial: SomeLimits | None = None
    """Limits of each trial that are different in this stage."""

    @model_validator(mode="after")
    def _searches_or_lists(self) -> Self:
        if self.name == "final":
            raise wrong("must not be 'final', which is the name of the step after the last stage", "name")
        if self.configurations is None:
            if self.sampler is None:
                raise wrong("must have a sampler and a space, or configurations")
            if not self.space:
                raise wrong(
                    f"must name at least one hyperparameter for the {self.sampler.kind} sampler, got none", "space"
                )
            return self
        for key, given in (("sampler", self.sampler), ("space", self.space), ("constraints", self.constraints)):
            if given:
                raise wrong("must not be given beside configurations", key)
        _refuse_repeats("configurations", self.configurations)
        return self

    @model_validator(mode="after")
    def _begins_with_configurations_of_its_space(self) -> Self:
        listed = [same(row) for row in self.configurations or ()]
        if self.default is not None and listed and same(self.default) not in listed:
            raise wrong(f"must be one of the configurations, got {show(self.default)}", "default")
        for key in self.default or () if self.space else ():
            if key not in self.space:
                raise wrong(f"is not in the stage's space{did_you_mean(key, self.space)}", "default", key)
        if not self.first:
            return self
        if self.sampler is None or isinstance(self.sampler, Grid):
            raise wrong("must not be given; only where a sampler draws configurations can some be tried first", "first")
        for i, row in enumerate(self.first):
            if not row:
                raise wrong("must name at least one hyperparameter, got {}", "first", i)
            for key in row:
                if key not in self.space:
                    raise wrong(f"is not in the stage's space{did_you_mean(key, self.space)}", "first", i, key)
        _refuse_repeats("first", self.first)
        if self.default is not None and same(self.default) in map(same, self.first):
            raise wrong("must not repeat the default, which is trained first", "first")
        if len(self.tried_first) > self.sampler.trials:
            most = self.sampler.trials - (self.default is not None)
            beside = "beside the default, " if self.default is not None else ""
            rule = f"must have at most {most:_}, {beside}the trials of the stage"
            raise wrong(f"{rule}, got {len(self.first):_}", "first")
        return self

    @model_validator(mode="after")
    def _only_learns_from_what_it_can(self) -> Self:
        if self.source is not None and not isinstance(self.sampler, Learning):
            rule = f"must not be given; only samplers that learn ({', '.join(LEARNING)}) can start from other trials"
            raise wrong(f"{rule}, got {show(self.source)}", "from")
        if self.window is not None and self.pruner is not None and self.pruner.in_batches:
            rule = f"must not be given beside the {self.pruner.kind} pruner, which compares the trials of a batch"
            raise wrong(f"{rule}, got {self.window:_}", "sampler", "window")
        return self

    @model_validator(mode="after")
    def _confirms_with_more_replicates(self) -> Self:
        if self.confirm is not None and self.confirm.replicates <= self.replicates:
            rule = f"must be above {self.replicates:_}, the replicates that each configuration has"
            raise wrong(f"{rule}, got {self.confirm.replicates:_}", "confirm", "replicates")
        return self

    @property
    def kind(self) -> str:
        """The sampler's kind, or "list"."""
        return self.sampler.kind if self.sampler is not None else "list"

    @property
    def tried_first(self) -> tuple[dict[str, Any], ...]:
        """The configurations that are trained before the sampler's own: the default, then those of `first`."""
        drawn = self.sampler is not None and not isinstance(self.sampler, Grid)
        return ((self.default,) if drawn and self.default is not None else ()) + self.first

    def place_of_first(self, index: int) -> tuple[str | int, ...]:
        """Where in its table the one with this index in `tried_first` is."""
        before = len(self.tried_first) - len(self.first)
        return ("default",) if index < before else ("first", index - before)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """The names of the hyperparameters of its space, or of all its configurations, in the order of the file."""
        return tuple(self.space) or tuple(
            dict.fromkeys(key for configuration in self.configurations or () for key in configuration)
        )

    @property
    def window(self) -> int | None:
        """W, where point i is sampled once the results of points 0 to i−W are known; None where in batches."""
        return self.sampler.window if isinstance(self.sampler, Learning) else None

    @property
    def batch_size_of_points(self) -> int | None:
        """How many points are sampled given the same results; None where all are at once, or in a window."""
        if self.window is not None:
            return None
        if self.sampler is not None and self.sampler.batch is not None:
            return self.sampler.batch
        if isinstance(self.sampler, Learning):
            return BATCH_TO_LEARN_FROM
        return BATCH_TO_COUNT if self.budget.counted else None


def _refuse_repeats(key: str, rows: tuple[dict[str, Any], ...]) -> None:
    seen: dict[str, int] = {}
    for i, row in enumerate(rows):
        if (earlier := seen.setdefault(same(row), i)) != i:
            raise wrong(f"must not repeat {key}[{earlier}]", key, i)
