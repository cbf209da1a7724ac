"""The whole study file. Each table checks itself; `checks` has the rules between tables.

May import pydantic.
"""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from hpsearch.spec.messages import show, wrong
from hpsearch.spec.tables.base import LARGEST, Name, Table, Text
from hpsearch.spec.tables.data import Augmentation, AugmentationOverrides, Data, DataOverrides
from hpsearch.spec.tables.objective import Objective
from hpsearch.spec.tables.objectives import Objectives, OneOrSeveral
from hpsearch.spec.tables.reference import Reference
from hpsearch.spec.tables.stage import Overrides, Replicates, Stage
from hpsearch.spec.tables.training import PartialTraining, is_training_key
from hpsearch.spec.tables.trial import SomeLimits

SUGGESTED = "hpsearch:suggested"
"""The attribute of an objective's trial that has what was suggested to it, which of a conditional space is a part."""

HERE = "python:"
"""What the name of a function begins with that only the launching process has, such as a lambda expression."""


class ModelTable(Table):
    """The model file or the estimator, and the model's own parameters as further keys."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"anyOf": [{"required": [key]} for key in ("file", "estimator", "function")]}
    )

    file: Text | None = None
    """The model file, relative to the workspace (the folder that has `models/`); one for the whole study."""
    estimator: Text | None = None
    """In place of `file`: an installed class with scikit-learn's interface, such as
    `"sklearn.ensemble.RandomForestClassifier"`, or a file (`.py`) that defines `estimator(…)`, which returns one.
    """
    function: Text | None = None
    """In place of both: a file (`.py`) that defines `objective(params, seed)`, or Optuna's `objective(trial)`. Its
    study has no [data], and its space may have any names.
    """

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.name == "":
            raise wrong("is missing, and so are estimator and function, which may take its place", "file")
        return self

    @property
    def is_estimator(self) -> bool:
        """Is it an estimator? Beside a model file, `estimator` is a parameter of that file."""
        return self.file is None and self.estimator is not None

    @property
    def is_function(self) -> bool:
        """Is it a function? Beside a model file or an estimator, `function` is a parameter of theirs."""
        return self.file is None and self.estimator is None

    @property
    def name(self) -> str:
        """The path of the model file or of the function's, or the class of the estimator, as given."""
        return self.file or self.estimator or self.function or ""

    @property
    def path(self) -> str | None:
        """The path of its Python file; None for an installed class."""
        is_file = self.file or self.name.endswith(".py") or (self.is_function and not self.name.startswith(HERE))
        return self.name if is_file else None

    @property
    def identity(self) -> dict[str, str]:
        """The key that names it, and the name."""
        return {"estimator" if self.is_estimator else "function" if self.is_function else "file": self.name}

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters, as given."""
        given = {"estimator": self.estimator, "function": self.function}
        beside = {key: value for key, value in given.items() if value is not None and key not in self.identity}
        return beside | dict(self.model_extra or {})


def _written_out(given: Any) -> Any:
    """Return `data = "all"` written out as a table."""
    if isinstance(given, str) and given != "all":
        raise wrong(f'must be "all" or a table, got {show(given)}')
    return {"all": True} if given == "all" else given


NOTHING = {"dataset": "none", "task": "regression", "train": 1, "validation": 1}
"""[data] of a function, which has none: a row that is never read, and no classes."""


def _of_function(given: Any) -> Any:
    """[objective] of a function, whose number is called `value` if no metric is named."""
    if not isinstance(given, dict) or "metric" in given:
        return given
    if "direction" not in given:
        raise wrong("is missing; a function needs it: 'maximize' or 'minimize'", "objective", "direction")
    return {"metric": {"returned": VALUE}} | given


VALUE = "value"
"""The name of the number that a function returns."""


class Final(Table):
    """The last stage's best configuration, trained again with `replicates` seeds and evaluated on the test set."""

    replicates: Replicates = 1
    """How often it is trained, each time with another seed; more than one shows the variance between seeds."""
    training: Overrides = Field(default={})
    """Keys of [training] that are different from the study's. The last stage's own keys do not carry over: repeat
    them here.
    """
    model: Overrides = Field(default={})
    """Parameters of the model that are different from the study's."""
    augmentation: AugmentationOverrides = AugmentationOverrides()
    """Keys of [augmentation] that are different from the study's."""
    data: Annotated[DataOverrides, BeforeValidator(_written_out)] = DataOverrides()
    """Other numbers of samples, such as `{ train = 49_000, validation = 1_000 }`: either or both, without folds.
    `"all"` trains the winner once more on all samples.
    """
    prefer: Text | None = None
    """With several objectives: the name of one. Of the front, only configurations within `tolerance` of its best value
    are trained, and of these the best in the other objectives. If not given, the whole front is.
    """
    tolerance: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    """How much worse than the best value of `prefer` a configuration may be, in that metric's unit; 0 if not given."""
    trial: SomeLimits | None = None
    """Limits of each trial that are different from the study's."""


class Study(Table):
    """A whole study file."""

    name: Name
    r"""Its name in the database and the report: at most 250 characters, without `/`, `\`, control characters, a
    leading `.`, or a space at either end.
    """
    seed: Annotated[int, Field(ge=0)] = 0
    """The seed of all random numbers."""
    description: str = ""
    """A sentence for the report."""
    data: Data
    """The data set and its split; a function has none."""
    model: ModelTable
    """The model file, the estimator or the function, and the model's own parameters."""
    objective: OneOrSeveral = Objective()
    """What the search optimises."""
    training: PartialTraining = PartialTraining()
    """How each trial is trained."""
    augmentation: Augmentation = Augmentation()
    """Random changes to the training samples."""
    trial: SomeLimits | None = None
    """Limits of each trial: of its time, its memory, its updates."""
    stages: Annotated[tuple[Stage, ...], Field(alias="stage", strict=False, min_length=1)]
    """The steps of the search, in their order."""
    final: Final | None = None
    """The best configuration, trained again; without it the study ends with its last stage."""
    references: Annotated[tuple[Reference, ...], Field(alias="reference", strict=False, max_length=1000)] = ()
    """Results that others report, for comparison in the report."""

    @model_validator(mode="before")
    @classmethod
    def _needs_no_data_of_a_function(cls, given: Any) -> Any:
        model = given.get("model") if isinstance(given, dict) else None
        if not isinstance(model, dict) or "function" not in model or {"file", "estimator"} & model.keys():
            return given
        if refused := next((key for key in ("data", "augmentation") if key in given), None):
            raise wrong(f"must not be given; {show(model['function'])} is a function, which gets no data", refused)
        if "final" in given:
            rule = "must not be given; a function has no test samples: further seeds are `confirm` or `replicates`"
            raise wrong(f"{rule} of a stage", "final")
        return given | {"data": NOTHING, "objective": _of_function(given.get("objective", {}))}

    def is_training_key(self, key: str) -> bool:
        """Is it a key of [training], and not a parameter of the model? All keys of a function's space are its own."""
        return not self.model.is_function and is_training_key(key)

    @property
    def several(self) -> Objectives | None:
        """Its objectives, if there are several."""
        return self.objective if isinstance(self.objective, Objectives) else None

    _place: str = PrivateAttr(default="study file")
    _of_steps: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def of_steps(self) -> dict[str, Any]:
        """What `resolve` has found for the step whose trials it resolves, with that step."""
        return self._of_steps

    @property
    def place(self) -> str:
        """The file it was read from, for messages."""
        return self._place
