"""The study file as frozen values; each table checks itself here, what lies between tables is checked in check.py.

May import pydantic.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr

from .images import Augmentation, AugmentationOverrides, Data, DataOverrides
from .references import Reference
from .stages import Overrides, Replicates, Stage
from .table import Name, Table, Text
from .training import PartialTraining


class ModelTable(Table):
    """The model file, relative to the workspace, and beside it the model's own parameters."""

    model_config = ConfigDict(extra="allow")

    file: Text

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters, as given."""
        return dict(self.model_extra or {})


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
