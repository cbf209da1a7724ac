"""What scripts written for Optuna use most, run by hpsearch: `from hpsearch import optuna` in place of `import optuna`.

`create_study(…).optimize(objective, n_trials=…)`, samplers and pruners by their names there. May import `api.optimise`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from hpsearch.api.optimise import DIRECTIONS, optimise
from hpsearch.api.results import Best, Results
from hpsearch.errors import InputError
from hpsearch.search.functions.space import takes_trial
from hpsearch.storage.records import COMPLETE, PRUNED

__all__ = ["Study", "TrialPruned", "create_study", "exceptions", "pruners", "samplers"]


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


@dataclass(frozen=True)
class Trial:
    """A trial that has ended, as `study.trials` lists it."""

    number: int
    params: dict[str, Any]
    value: float | None
    state: str


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
        """The values of the best trial."""
        return self._best.params

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
        return [
            Trial(
                row["number"], dict(row["params"]), row["value"] if row["state"] in (COMPLETE, PRUNED) else None, state
            )
            for row in sorted(self.results.frames.rows, key=itemgetter("number"))
            if (state := str(row["state"]))
        ]


def create_study(
    *,
    storage: str | None = None,
    sampler: _Sampler | None = None,
    pruner: Any = None,
    study_name: str | None = None,
    direction: str = "minimize",
    load_if_exists: bool = False,
) -> Study:
    """Return a study; it is stored, in `storage` or the workspace's database, once it is optimised.

    A study of this name that asks for the same goes on, whether or not `load_if_exists`. Without a pruner no trial is
    pruned.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction must be 'minimize' or 'maximize', got {direction!r}")
    return Study(study_name, storage, direction, sampler, pruner)
