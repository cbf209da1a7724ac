"""The study file as frozen values; each table checks itself here, what lies between tables is checked in check.py.

May import pydantic.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, PrivateAttr, Tag, model_validator

from .space import MAX_GRID, SHAPES, Entry, same
from .table import Count, Name, Positive, Table
from .words import TAG, show, wrong


def _kind(given: Any) -> str | None:
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)
    return TAG + kind if isinstance(kind, str) else None


def _of_kind(*kinds: str) -> BeforeValidator:
    """Refuse a table whose `kind` is none of these, before pydantic picks the table of that kind."""

    def check(given: Any) -> Any:
        if not isinstance(given, dict | Table):
            raise wrong(f"must be a table with a kind, got {show(given)}")
        if isinstance(given, dict) and given.get("kind") not in kinds:
            got = f", got {show(given['kind'])}" if "kind" in given else ""
            raise wrong(f"must be one of {', '.join(map(repr, kinds))}{got}", "kind")
        return given

    return BeforeValidator(check)


class Data(Table):
    """Which images: how many to train on and how many to choose by; the test images are always all of them."""

    dataset: Annotated[str, Field(min_length=1)]
    train: Count
    validation: Count


class ModelTable(Table):
    """The model file, relative to the workspace, and beside it the model's own parameters."""

    model_config = ConfigDict(extra="allow")

    file: Annotated[str, Field(min_length=1)]

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters, as given."""
        return dict(self.model_extra or {})


class Constant(Table):
    """The learning rate is `training.eta` throughout."""

    kind: Literal["constant"] = "constant"


class Step(Table):
    """The learning rate begins at `training.eta` and is multiplied by `factor` after every `every_epochs` epochs."""

    kind: Literal["step"]
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    every_epochs: Count = 10


class Cyclical(Table):
    """The learning rate goes up from `eta_min` to `eta_max` in one half cycle, and down again in the next."""

    kind: Literal["cyclical"]
    eta_min: Positive
    eta_max: Positive
    half_cycle_epochs: Count | None = None
    half_cycle_updates: Count | None = None

    @model_validator(mode="after")
    def _has_one_half_cycle_and_a_rise(self) -> "Cyclical":
        if (self.half_cycle_epochs is None) == (self.half_cycle_updates is None):
            raise wrong("must have either half_cycle_epochs or half_cycle_updates")
        if self.eta_min > self.eta_max:
            raise wrong(f"must be at most eta_max = {show(self.eta_max)}, got {show(self.eta_min)}", "eta_min")
        return self


Schedule = Annotated[
    Annotated[Constant, Tag(TAG + "constant")]
    | Annotated[Step, Tag(TAG + "step")]
    | Annotated[Cyclical, Tag(TAG + "cyclical")],
    Discriminator(_kind),
    _of_kind("constant", "step", "cyclical"),
]


class Sgd(Table):
    """Stochastic gradient descent."""

    kind: Literal["sgd"] = "sgd"


class PartialTraining(Table):
    """The study's [training]: what it leaves out, each stage must give or search."""

    lambda_: Annotated[float, Field(alias="lambda", ge=0, le=1e15)] = 0.0
    eta: Positive | None = None
    batch_size: Count | None = None
    epochs: Count | None = None
    cycles: Count | None = None
    schedule: Schedule = Constant()
    optimiser: Sgd = Sgd()

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if self.epochs is not None and self.cycles is not None:
            raise wrong("must have either epochs or cycles, not both")
        if self.cycles is not None and self.schedule.kind != "cyclical":
            raise wrong(f"needs the cyclical schedule, got kind = {self.schedule.kind!r}", "cycles")
        return self


class Training(PartialTraining):
    """How one trial trains: has either `epochs` or `cycles`, and `eta` unless its schedule is cyclical."""

    batch_size: Count


class Random(Table):
    """Draws `trials` settings at random from the space."""

    kind: Literal["random"]
    trials: Annotated[Count, Field(le=MAX_GRID)]


class Grid(Table):
    """Takes every combination of the space's points and choices."""

    kind: Literal["grid"]


Sampler = Annotated[
    Annotated[Random, Tag(TAG + "random")] | Annotated[Grid, Tag(TAG + "grid")],
    Discriminator(_kind),
    _of_kind("random", "grid"),
]

TABLES = {"schedule": (Constant, Step, Cyclical), "optimiser": (Sgd,)}
"""The tables inside [training], and what they can be."""

TRAINING_KEYS = (
    *Training.key_names(),
    *(f"{table}.{key}" for table, kinds in TABLES.items() for kind in kinds for key in kind.key_names()),
)
"""Every name that a space may use for a key of [training]."""

FLOAT_KEYS = ("lambda", "eta", "schedule.factor", "schedule.eta_min", "schedule.eta_max")
"""The keys of [training] that are no whole numbers, so that `low = 0, high = 1` does not mean 0 or 1."""


def is_training_key(key: str) -> bool:
    """Tell a key of [training], `schedule.eta_max` as well as `eta`, from one of the model's own."""
    return key.split(".")[0] in Training.key_names()


def _flat_space(given: Any) -> Any:
    """Bring `schedule.eta_max = {…}`, which TOML nests, back to one key."""
    if not isinstance(given, dict):
        return given
    flat: dict[str, Any] = {}
    for key, entry in given.items():
        if isinstance(entry, dict) and not SHAPES & entry.keys() and _holds_entries(key, entry):
            flat |= {f"{key}.{inner}": item for inner, item in entry.items()}
        else:
            flat[key] = entry
    return flat


def _holds_entries(key: str, table: dict[str, Any]) -> bool:
    """Tell a table that holds searched keys from a mistyped range."""
    if key in (*TABLES, "training", "model"):
        return True
    return not is_training_key(key) and bool(table) and all(isinstance(item, dict) for item in table.values())


def _flat_setting(given: Any) -> Any:
    """Bring a setting's `schedule = { eta_max = 1 }` to `schedule.eta_max`; a table with a kind stays whole."""
    if not isinstance(given, dict):
        return given
    flat: dict[str, Any] = {}
    for key, value in given.items():
        if key in TABLES and isinstance(value, dict) and "kind" not in value:
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


def _whole_numbers(given: Any) -> Any:
    """Say `integer` for each range that does not, from its key or, where the model decides, from its numbers."""
    if not isinstance(given, dict):
        return given
    marked = dict(given)
    for key, entry in given.items():
        if isinstance(entry, dict) and "low" in entry and "high" in entry and "integer" not in entry:
            ints = type(entry["low"]) is int and type(entry["high"]) is int
            marked[key] = entry | {"integer": key not in FLOAT_KEYS and (ints or key in TRAINING_KEYS)}
    return marked


Overrides = dict[str, Any]
"""Some keys of a table, which replace those of the study's; checked when they meet them."""

Space = Annotated[
    dict[str, Entry], BeforeValidator(_whole_numbers), BeforeValidator(_flat_space)
]  # validators run from the last to the first
Settings = Annotated[
    tuple[Annotated[dict[str, Any], BeforeValidator(_flat_setting)], ...],
    Field(strict=False, min_length=1, max_length=MAX_GRID),
]


class Stage(Table):
    """One step of the search: a sampler over a space, or a plain list of settings."""

    name: Name
    sampler: Sampler | None = None
    space: Space = Field(default={})
    settings: Settings | None = None
    training: Overrides = Field(default={})
    model: Overrides = Field(default={})
    test: bool = False

    @model_validator(mode="after")
    def _searches_or_lists(self) -> "Stage":
        if self.name == "final":
            raise wrong("must not be 'final', which is the name of the step after the last stage", "name")
        if self.settings is None:
            if self.sampler is None:
                raise wrong("must have a sampler and a space, or settings")
            if not self.space:
                raise wrong(f"must name at least one key for the {self.sampler.kind} sampler, got none", "space")
            return self
        for key, given in (("sampler", self.sampler), ("space", self.space)):
            if given:
                raise wrong("must not be given beside settings", key)
        seen = [same(setting) for setting in self.settings]
        for i, text in enumerate(seen):
            if text in seen[:i]:
                raise wrong(f"must not repeat settings[{seen.index(text)}]", "settings", i)
        return self

    @property
    def kind(self) -> Literal["random", "grid", "list"]:
        """How it comes to its trials."""
        return self.sampler.kind if self.sampler is not None else "list"

    @property
    def keys_searched(self) -> tuple[str, ...]:
        """The searched keys, in the order of the file: those of the space, or of all its settings."""
        return tuple(self.space) or tuple(dict.fromkeys(key for setting in self.settings or () for key in setting))


class DataOverrides(Table):
    """Other numbers of images for the final."""

    train: Count | None = None
    validation: Count | None = None


class Final(Table):
    """The winner of the last stage, trained again with `replicates` seeds; only here is the test set looked at."""

    replicates: Annotated[Count, Field(le=MAX_GRID)] = 1
    training: Overrides = Field(default={})
    model: Overrides = Field(default={})
    data: DataOverrides = DataOverrides()


class Study(Table):
    """Everything that one study file asks for."""

    name: Name
    seed: Annotated[int, Field(ge=0)] = 0
    description: str = ""
    data: Data
    model: ModelTable
    training: PartialTraining
    stages: Annotated[tuple[Stage, ...], Field(alias="stage", strict=False, min_length=1)]
    final: Final | None = None

    _place: str = PrivateAttr(default="study file")

    @property
    def place(self) -> str:
        """Where it was read from, for messages."""
        return self._place
