"""How a stage chooses its configurations: [stage].sampler. May import pydantic."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import Count, Table, Text, of_kind, tag_of
from hpsearch.spec.tables.space import MAX_GRID

Batch = Annotated[Count, Field(le=MAX_GRID)]
Trials = Annotated[Count, Field(le=MAX_GRID)]


class _Drawn(Table):
    """A sampler that does not learn."""

    @model_validator(mode="before")
    @classmethod
    def _has_no_window(cls, given: Any) -> Any:
        if isinstance(given, dict) and "window" in given:
            rule = f"must not be given; only samplers that learn ({', '.join(LEARNING)}) have one"
            raise wrong(f"{rule}, got {show(given['window'])}", "window")
        return given


class Random(_Drawn):
    """Draws `trials` configurations at random from the space."""

    kind: Literal["random"]
    trials: Trials
    """The number of configurations in all: `resume` continues to this total, and does not train as many again."""
    batch: Batch | None = None
    """How many configurations are sampled at a time, given the results of all batches before and of no other trial."""


class Grid(_Drawn):
    """Takes every combination of the space's points and choices."""

    kind: Literal["grid"]
    batch: Batch | None = None
    """How many configurations are sampled at a time."""


class _OfOptuna(Table):
    """A sampler of Optuna: other keys are options of Optuna's class, and are checked when the study is launched."""

    model_config = ConfigDict(extra="allow")

    trials: Trials
    """The number of configurations in all: `resume` continues to this total, and does not train as many again."""
    batch: Batch | None = None
    """How many configurations are sampled at a time, given the results of all batches before and of no other trial."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of Optuna's sampler, as given."""
        return dict(self.model_extra or {})


class Qmc(_Drawn, _OfOptuna):
    """Takes the first `trials` points of a low-discrepancy sequence (Sobol or Halton)."""

    kind: Literal["qmc"]


class Learning(_OfOptuna):
    """A sampler that learns: it chooses configurations by the results so far, in batches or in a sliding window."""

    window: Batch | None = None
    """Instead of `batch`: with 8, each configuration is sampled from the results of all before it but the last 7. Keeps
    all workers busy where trainings differ in length. Not with the halving and Hyperband pruners: they need batches.
    """

    @model_validator(mode="after")
    def _has_a_batch_or_a_window(self) -> Self:
        if self.batch is not None and self.window is not None:
            raise wrong(f"must not be given beside batch, got {self.window:_}", "window")
        return self


class Tpe(Learning):
    """The tree-structured Parzen estimator (Bergstra et al. 2011)."""

    kind: Literal["tpe"]


class Cmaes(Learning):
    """CMA-ES, covariance matrix adaptation (Hansen & Ostermeier 2001); needs the extra `cmaes`."""

    kind: Literal["cmaes"]


class Gp(Learning):
    """Bayesian optimisation with a Gaussian process; needs the extra `gp`."""

    kind: Literal["gp"]


class Nsga2(Learning):
    """NSGA-II, a genetic algorithm for several objectives (Deb et al. 2002)."""

    kind: Literal["nsga2"]


class PriorBand(Learning):
    """PriorBand (Mallik et al. 2023): half of the configurations uniformly, the others by priors or near the best."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["priorband"]


class PythonSampler(Learning):
    """A sampler of your own or of others: a class derived from `optuna.samplers.BaseSampler`, in a Python file."""

    kind: Literal["python"]
    path: Text
    """The file, or a folder with an `__init__.py`, relative to the workspace."""
    class_: Annotated[Text | None, Field(alias="class")] = None
    """The name of the class, where the file defines several."""


LEARNING: tuple[str, ...] = tuple(
    get_args(each.model_fields["kind"].annotation)[0] for each in Learning.__subclasses__()
)
"""The kinds of the samplers that learn."""

Sampler = Annotated[
    Annotated[Random, Tag(TAG + "random")]
    | Annotated[Grid, Tag(TAG + "grid")]
    | Annotated[Qmc, Tag(TAG + "qmc")]
    | Annotated[Tpe, Tag(TAG + "tpe")]
    | Annotated[Cmaes, Tag(TAG + "cmaes")]
    | Annotated[Gp, Tag(TAG + "gp")]
    | Annotated[Nsga2, Tag(TAG + "nsga2")]
    | Annotated[PriorBand, Tag(TAG + "priorband")]
    | Annotated[PythonSampler, Tag(TAG + "python")],
    Discriminator(tag_of),
    of_kind("random", "grid", "qmc", "tpe", "cmaes", "gp", "nsga2", "priorband", "python"),
]
