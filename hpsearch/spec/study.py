"""The study file as frozen values; each table checks itself here, what lies between tables is checked in check.py.

May import pydantic.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, PrivateAttr, Tag, model_validator

from .flat import flat_setting, flat_space
from .images import Augmentation, AugmentationOverrides, Data, DataOverrides
from .references import Reference
from .space import MAX_GRID, Entry, same
from .table import Count, Name, Table, Text, of_kind, tag_of
from .training import FLOAT_KEYS, TRAINING_KEYS, PartialTraining
from .words import TAG, wrong


class ModelTable(Table):
    """The model file, relative to the workspace, and beside it the model's own parameters."""

    model_config = ConfigDict(extra="allow")

    file: Text

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters, as given."""
        return dict(self.model_extra or {})


class Random(Table):
    """Draws `trials` settings at random from the space."""

    kind: Literal["random"]
    trials: Annotated[Count, Field(le=MAX_GRID)]


class Grid(Table):
    """Takes every combination of the space's points and choices."""

    kind: Literal["grid"]


Sampler = Annotated[
    Annotated[Random, Tag(TAG + "random")] | Annotated[Grid, Tag(TAG + "grid")],
    Discriminator(tag_of),
    of_kind("random", "grid"),
]


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

Replicates = Annotated[Count, Field(le=MAX_GRID)]
"""How many seeds each setting is trained with."""

Space = Annotated[
    dict[str, Entry], BeforeValidator(_whole_numbers), BeforeValidator(flat_space)
]  # validators run from the last to the first
Settings = Annotated[
    tuple[Annotated[dict[str, Any], BeforeValidator(flat_setting)], ...],
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
    augmentation: AugmentationOverrides = AugmentationOverrides()
    replicates: Replicates = 1
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


class Final(Table):
    """The winner of the last stage, trained again with `replicates` seeds; only here is the test set looked at."""

    replicates: Replicates = 1
    training: Overrides = Field(default={})
    model: Overrides = Field(default={})
    augmentation: AugmentationOverrides = AugmentationOverrides()
    data: DataOverrides = DataOverrides()


class Study(Table):
    """Everything that one study file asks for."""

    name: Name
    seed: Annotated[int, Field(ge=0)] = 0
    description: str = ""
    data: Data
    model: ModelTable
    training: PartialTraining
    augmentation: Augmentation = Augmentation()
    stages: Annotated[tuple[Stage, ...], Field(alias="stage", strict=False, min_length=1)]
    final: Final | None = None
    references: Annotated[tuple[Reference, ...], Field(alias="reference", strict=False, max_length=1000)] = ()

    _place: str = PrivateAttr(default="study file")

    @property
    def place(self) -> str:
        """Where it was read from, for messages."""
        return self._place
