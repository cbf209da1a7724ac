"""The study file as frozen values; each table checks itself here, what lies between tables is checked in check.py.

May import pydantic.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr

from hpsearch.spec.tables.base import Name, Table, Text
from hpsearch.spec.tables.data import Augmentation, AugmentationOverrides, Data, DataOverrides
from hpsearch.spec.tables.reference import Reference
from hpsearch.spec.tables.stage import Overrides, Replicates, Stage
from hpsearch.spec.tables.training import PartialTraining


class ModelTable(Table):
    """The model file, relative to the workspace, and beside it the model's own parameters."""

    model_config = ConfigDict(extra="allow")

    file: Text
    """The model file, relative to the workspace (the folder that has `models/`); one for the whole study."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters, as given."""
        return dict(self.model_extra or {})


class Final(Table):
    """The winner of the last stage, trained again with `replicates` seeds; only here is the test set looked at."""

    replicates: Replicates = 1
    """How often it is trained, each time with another seed; more than one shows how much is chance."""
    training: Overrides = Field(default={})
    """Keys of [training] that are different from the study's. What the last stage changed counts only if it is said
    again.
    """
    model: Overrides = Field(default={})
    """Parameters of the model that are different from the study's."""
    augmentation: AugmentationOverrides = AugmentationOverrides()
    """Keys of [augmentation] that are different from the study's."""
    data: DataOverrides = DataOverrides()
    """Other numbers of images, such as `{ train = 49_000, validation = 1_000 }`: either or both, without folds."""


class Study(Table):
    """Everything that one study file asks for."""

    name: Name
    r"""Its name in the database and the report: at most 250 characters, without `/`, `\`, control characters, a
    leading `.`, or a space at either end.
    """
    seed: Annotated[int, Field(ge=0)] = 0
    """Where all its random numbers come from."""
    description: str = ""
    """A sentence for the report."""
    data: Data
    """The images: which, and how many."""
    model: ModelTable
    """The model file, and the model's own parameters."""
    training: PartialTraining
    """How a trial trains."""
    augmentation: Augmentation = Augmentation()
    """How the training images are varied."""
    stages: Annotated[tuple[Stage, ...], Field(alias="stage", strict=False, min_length=1)]
    """The steps of the search, in their order."""
    final: Final | None = None
    """The winner, trained again; without it the study ends with its last stage."""
    references: Annotated[tuple[Reference, ...], Field(alias="reference", strict=False, max_length=1000)] = ()
    """Numbers that somebody else reports, for the report to compare with."""

    _place: str = PrivateAttr(default="study file")

    @property
    def place(self) -> str:
        """Where it was read from, for messages."""
        return self._place
