"""Samplers that learn: Optuna's, each stage's in a private study in memory, told nothing but the stage's own configurations.

The sampler for a configuration is made anew, seeded by (study seed, stage, the configuration's number), so that what it asks for
depends on nothing but that seed and the outcomes it was told. May import spec and Optuna.
"""

import math
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial
from threadpoolctl import threadpool_limits

from hpsearch.errors import HpsearchError
from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import CLASSES, distributions, options_of
from hpsearch.search.samplers.points import Point, Space, at_position, first_of, position
from hpsearch.spec import Stage
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED

ENOUGH_TO_WARM_UP = 10
"""CMA-ES starts from the best tenth of what is known (Nomura et al. 2021): it takes one configuration at the least."""

_STATES = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}


class Learner:
    """Asks for a stage's configurations, in order, from the outcomes of those before.

    Every configuration has one trial in the private study, running until its outcome is told: a sampler sees the configurations
    under way, too. One outside the space (named by `first`) counts as failed there, which no sampler looks at.
    """

    def __init__(self, stage: Stage, space: Space, seed: int, known: Sequence[Mapping[str, Any]]) -> None:
        self.stage, self.space, self.seed = stage, space, seed
        self._distributions = distributions(space)
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(storage=self._storage, direction="maximize")
        self._known = [trial for row in known if (trial := self._known_trial(row))]
        self._study.add_trials(self._known)
        self._searched: dict[str, BaseDistribution] = {}
        self._ids: list[int] = []  # by number, of the private study's trials
        self._told = 0
        self._recalled: deque[Point] = deque()
        self._untold: deque[Point] = deque()

    def ask(self, number: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The configuration's values, and for CMA-ES how many outcomes it saw.

        Raises HpsearchError if Optuna's sampler fails.

        CMA-ES's state is what all asks before made of it, which it keeps as a pickle; a database is no place for
        pickles, so a later run asks again instead, each time at the same number of outcomes.
        """
        self._catch_up()
        asked = {"seen": self._told} if self.stage.kind == "cmaes" else None
        return self._ask(number, first_of(self.stage, number)), asked

    def recall(self, point: Point) -> None:
        """Take in a configuration that was asked for in an earlier run."""
        if point.sampler_attributes is not None:
            self._recalled.append(point)
            return
        values = self._positions(point.params)
        state, shown = (TrialState.FAIL, {}) if values is None else (TrialState.RUNNING, self._distributions)
        template = create_trial(state=state, params=values or {}, distributions=shown)
        self._add(point.number, self._storage.create_new_trial(self._study._study_id, template))

    def tell(self, point: Point) -> None:
        """Take in a configuration's outcome."""
        if self._recalled:
            self._untold.append(point)
        else:
            self._settle(point)

    def _catch_up(self) -> None:
        while self._recalled:
            point = self._recalled.popleft()
            while self._told < (point.sampler_attributes or {})["seen"]:
                self._settle(self._untold.popleft())
            self._ask(point.number, point.params)
        while self._untold:
            self._settle(self._untold.popleft())

    def _ask(self, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Ask Optuna's sampler for a configuration, all but the values that are given."""
        within = {key: position(self.space[key], value) for key, value in given.items()}
        fixed = {key: value for key, value in within.items() if value is not None}
        one_thread = nullcontext() if self.stage.kind == "tpe" else threadpool_limits(1)  # or the bits depend on cores
        with warnings.catch_warnings(), one_thread:
            warnings.simplefilter("ignore")
            try:
                self._study.sampler = _Within(self._sampler(number), self._distributions, fixed, self._searched)
                trial_id = self._study.ask(self._distributions)._trial_id
            except Exception as error:  # anything at all that a sampler of Optuna's meets in its numbers
                said = str(error) or type(error).__name__
                what = (
                    f"stage {self.stage.name!r}: Optuna's {CLASSES[self.stage.kind]} failed at configuration {number}"
                )
                raise HpsearchError(f"{what}: {said}".replace("\n", " ")) from error
        self._add(number, trial_id)
        if len(fixed) < len(given):
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        elif number < len(self.stage.first):
            self._disown(trial_id)
        found = self._storage.get_trial(trial_id).params
        return {key: at_position(entry, found[key]) for key, entry in self.space.items()} | dict(given)

    def _sampler(self, number: int) -> BaseSampler:
        options = options_of(self.stage)
        if self.stage.kind == "cmaes" and len(self._known) >= ENOUGH_TO_WARM_UP and not _has_a_start(options):
            options["source_trials"] = [_numeric(trial) for trial in self._known]
        seed = int(generator(self.seed, "sampler", self.stage.name, number).integers(2**32))
        made: BaseSampler = getattr(optuna.samplers, CLASSES[self.stage.kind])(seed=seed, **options)
        return made

    def _disown(self, trial_id: int) -> None:
        """CMA-ES must not take a configuration with values from elsewhere for one of its generation's."""
        for key in self._storage.get_trial(trial_id).system_attrs:
            if key.endswith("generation"):
                self._storage.set_trial_system_attr(trial_id, key, -1)

    def _add(self, number: int, trial_id: int) -> None:
        assert number == len(self._ids), "configurations that learn are asked for in order"
        self._ids.append(trial_id)

    def _settle(self, point: Point) -> None:
        trial_id = self._ids[point.number]
        self._told += 1
        if self._storage.get_trial(trial_id).state.is_finished():
            return
        for epoch, value in point.rungs if point.state == PRUNED else ():
            self._storage.set_trial_intermediate_value(trial_id, epoch, value)
        values = [point.value] if point.state == COMPLETE and point.value is not None else None
        self._storage.set_trial_state_values(trial_id, _STATES[point.state], values)

    def _positions(self, params: Mapping[str, Any]) -> dict[str, int | float] | None:
        """The numbers that stand for a configuration in the private study; None if it is outside the space."""
        found = {key: position(entry, params[key]) for key, entry in self.space.items() if key in params}
        inner = {key: value for key, value in found.items() if value is not None}
        return inner if len(inner) == len(self.space) else None

    def _known_trial(self, row: Mapping[str, Any]) -> FrozenTrial | None:
        values = self._positions(row["params"])
        if values is None or not math.isfinite(row["value"]):
            return None
        return create_trial(params=values, distributions=self._distributions, value=row["value"])


def _has_a_start(options: Mapping[str, Any]) -> bool:
    """Do the options keep CMA-ES from starting where an earlier study was best?"""
    return bool(options.get("use_separable_cma")) or options.get("sigma0") is not None


def _numeric(trial: FrozenTrial) -> FrozenTrial:
    """The part of a trial that CMA-ES searches."""
    kept = {
        key: shown
        for key, shown in trial.distributions.items()
        if not isinstance(shown, CategoricalDistribution) and not shown.single()
    }
    params = {key: trial.params[key] for key in kept}
    return create_trial(params=params, distributions=kept, value=trial.value)


def _inside(shown: BaseDistribution, value: Any) -> Any:
    """The value, or the bound that it is beyond by a rounding: TPE's exp(log(low)) may be less than low."""
    if isinstance(shown, FloatDistribution | IntDistribution):
        return min(max(value, shown.low), shown.high)
    return value


class _Within(BaseSampler):
    """Asks `base`, but for the values that are `given`; no rounding leaves a range."""

    def __init__(
        self,
        base: BaseSampler,
        shown: Mapping[str, BaseDistribution],
        given: Mapping[str, int | float],
        searched: dict[str, BaseDistribution],
    ) -> None:
        """`searched` keeps what `base` found to search, which takes a look at every trial and stays as it is."""
        self._base, self._shown, self._given, self._searched = base, shown, given, searched

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        if not self._searched or getattr(self._base, "_group", False):  # groups are kept in the sampler
            self._searched.update(self._base.infer_relative_search_space(study, trial))
        return dict(self._searched)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        found = self._base.sample_relative(study, trial, search_space)
        return {key: _inside(self._shown[key], self._given.get(key, value)) for key, value in found.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        if param_name in self._given:
            return self._given[param_name]
        return _inside(param_distribution, self._base.sample_independent(study, trial, param_name, param_distribution))
