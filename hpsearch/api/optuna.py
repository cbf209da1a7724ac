"""What scripts written for Optuna use most, run by hpsearch: `from hpsearch import optuna` in place of `import optuna`.

`create_study(…).optimize(objective, n_trials=…)`, samplers and pruners by their names there. May import
`api.optimise`, search and storage.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from hpsearch.api.optimise import DIRECTIONS, optimise
from hpsearch.api.results import Best, Results
from hpsearch.errors import InputError
from hpsearch.search.functions.space import PRUNED_AT_ONCE, takes_trial
from hpsearch.spec import SUGGESTED
from hpsearch.storage.mirror.attributes import noted_attributes

__all__ = ["Study", "TrialPruned", "TrialState", "create_study", "exceptions", "pruners", "samplers", "trial"]


class TrialPruned(Exception):  # noqa: N818 - Optuna's name
    """Raised by an objective that ends itself because `should_prune` says so."""


exceptions = SimpleNamespace(TrialPruned=TrialPruned)


@dataclass(frozen=True)
class _Sampler:
    kind: str
    seed: int | None
    options: Mapping[str, Any]


def _sampler(kind: str) -> Callable[..., _Sampler]:
    def make(*, seed: int | None = None, **options: Any) -> _Sampler:
        return _Sampler(kind, seed, options)

    return make


samplers = SimpleNamespace(
    RandomSampler=_sampler("random"),
    TPESampler=_sampler("tpe"),
    CmaEsSampler=_sampler("cmaes"),
    GPSampler=_sampler("gp"),
    NSGAIISampler=_sampler("nsga2"),
    QMCSampler=_sampler("qmc"),
)
"""Optuna's samplers, with their options."""


def _median(n_startup_trials: int = 5, **options: Any) -> dict[str, Any]:
    _refuse("MedianPruner", options)
    return {"kind": "median", "startup": n_startup_trials}


def _halving(name: str, kind: str) -> Callable[..., dict[str, Any]]:
    def make(reduction_factor: int = 3, **options: Any) -> dict[str, Any]:
        _refuse(name, options)
        return {"kind": kind, "keep": 1 / reduction_factor}

    return make


def _refuse(name: str, options: Mapping[str, Any]) -> None:
    if options:
        rule = "has no such option here, where rungs are chosen by the number of steps"
        raise InputError(f"{next(iter(options))}: {name} {rule}; give hpsearch.optimise a pruner with rungs")


pruners = SimpleNamespace(
    MedianPruner=_median,
    SuccessiveHalvingPruner=_halving("SuccessiveHalvingPruner", "halving"),
    HyperbandPruner=_halving("HyperbandPruner", "hyperband"),
    NopPruner=lambda: None,
)
"""Optuna's pruners; rungs take the place of their steps."""


class TrialState(StrEnum):
    """The states of a trial, by Optuna's names."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "failed"


trial = SimpleNamespace(TrialState=TrialState)


@dataclass(frozen=True)
class Trial:
    """A trial as `study.trials` lists it. `params` are what its objective came to; `value` is None without any."""

    number: int
    params: dict[str, Any]
    value: float | None
    state: TrialState
    user_attrs: dict[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any], attributes: Mapping[str, Any]) -> "Trial":
        """Return a row of the trials, with the attributes that are stored of it."""
        state = TrialState(row["state"])
        if state == TrialState.FAIL and PRUNED_AT_ONCE in str(row["reason"]):
            state = TrialState.PRUNED
        value = row["value"] if state in (TrialState.COMPLETE, TrialState.PRUNED) else None
        noted = dict(attributes)
        return cls(row["number"], dict(noted.pop(SUGGESTED, row["params"])), value, state, noted)


class Study:
    """A study of one objective, as Optuna has it; `results` are hpsearch's, with a report."""

    def __init__(self, name: str | None, storage: str | None, direction: str, sampler: _Sampler | None, pruner: Any):
        self.results: Results | None = None
        self._name, self._storage, self._direction = name, storage, direction
        self._sampler, self._pruner, self._trials = sampler, pruner, 0

    def optimize(
        self, func: Callable[..., Any], n_trials: int = 40, n_jobs: int = 1, *, show_progress_bar: bool = False
    ) -> None:
        """Run so many further trials. `n_jobs` workers are processes, and change no result."""
        if not takes_trial(func):
            raise InputError("objective must call what it gets `trial`: def objective(trial), or lambda trial: ...")
        self._trials += n_trials
        if self.results is None and self._pruner and self._pruner.get("startup", 0) >= n_trials:
            self._pruner = None  # so few trials are not pruned; nor are further ones, since a study keeps its pruner
        sampler = self._sampler or _Sampler("tpe", None, {})
        self.results = optimise(
            func,
            trials=self._trials,
            direction=self._direction,
            sampler={"kind": sampler.kind, **sampler.options},
            pruner=self._pruner,
            seed=sampler.seed or 0,
            name=self._name,
            storage=self._storage,
            workers=n_jobs,
            progress=show_progress_bar or None,
        )
        self._name = self.results.name

    @property
    def _best(self) -> Best:
        if self.results is None:
            raise InputError("no trial has run yet; call optimize first")
        return self.results.best

    @property
    def best_params(self) -> dict[str, Any]:
        """What the objective of the best trial came to."""
        return self.best_trial.params

    @property
    def best_value(self) -> float:
        """What the objective returned for it."""
        return self._best.value

    @property
    def best_trial(self) -> Trial:
        """The best trial."""
        wanted = int(self._best.trial.partition(":")[2])
        return next(trial for trial in self.trials if trial.number == wanted)

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        if self.results is None:
            return []
        rows = sorted(self.results.frames.rows, key=itemgetter("number"))
        with self.results.frames.engine.connect() as connection:
            noted = noted_attributes(connection, [row["id"] for row in rows])
        return [Trial.of(row, noted.get(row["id"], {})) for row in rows]

    def get_trials(self, deepcopy: bool = True, states: Container[str] | None = None) -> list[Trial]:
        """All trials, or those in one of these states; each call reads them anew."""
        return [trial for trial in self.trials if states is None or trial.state in states]


def create_study(
    *,
    storage: str | None = None,
    sampler: _Sampler | None = None,
    pruner: Any = None,
    study_name: str | None = None,
    direction: str = "minimize",
    load_if_exists: bool = False,
    directions: Sequence[str] | None = None,
) -> Study:
    """Return a study; it is stored, in `storage` or the workspace's database, once it is optimised.

    A study of this name that asks for the same goes on, whether or not `load_if_exists`. Without a pruner no trial is
    pruned. Raises InputError for several `directions`, which are hpsearch.optimise's.
    """
    if directions is not None:
        if len(directions) != 1:
            how = 'hpsearch.optimise(objective, space, direction={"loss": "minimise", "hours": "minimise"})'
            raise InputError(
                f"directions must be one; several objectives have names: {how}, which returns them by name"
            )
        (direction,) = directions
    if direction not in DIRECTIONS:
        raise InputError(f"direction must be 'minimize' or 'maximize', got {direction!r}")
    return Study(study_name, storage, direction, sampler, pruner)
