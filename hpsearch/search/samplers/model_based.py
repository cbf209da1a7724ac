"""TPE, CMA-ES, GP and NSGA-II through Optuna, in a private study in memory that holds the stage's configurations alone.

Each configuration is sampled by a new Optuna sampler that is seeded by (study seed, stage, number), so that its values
depend on that seed and the outcomes that were told alone. May import spec and Optuna.
"""

import math
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from threadpoolctl import threadpool_limits

from hpsearch.errors import HpsearchError
from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import CLASSES, distributions, options_of
from hpsearch.search.samplers.points import Point, Space, at_position, position
from hpsearch.search.samplers.sampler import Sampler, SamplerAttributes
from hpsearch.search.samplers.untried import Untried
from hpsearch.search.samplers.whole import WholeConfigurationSampler, only
from hpsearch.spec import Stage
from hpsearch.spec.spaces.branches import branches, complete
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED

WARM_START_TRIALS = 10
"""CMA-ES starts from the best tenth of an earlier study (Nomura et al. 2021): with fewer trials that tenth is empty."""

_REPLAYED = ("cmaes", "nsga2", "python")
"""Kinds whose samplers keep a state, most in the private study: a later run samples all configurations again."""

_STATES = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}


class ModelBasedSampler(Sampler):
    """Samples a stage's configurations, in order, from the outcomes of earlier ones.

    Every configuration is one trial of the private study, running until its outcome is told, so that a sampler knows
    the running configurations, too. One outside the space (from `first`) is a failed trial, which samplers ignore.
    """

    learns = True

    def __init__(
        self,
        stage: Stage,
        space: Space,
        seed: int,
        known: Sequence[Mapping[str, Any]],
        several: int,
        untried: Untried,
    ) -> None:
        """`seed` is the study's; `known` has {"params", "value"} of an earlier study's configurations.

        `several` is the number of objectives, 0 for one.
        """
        self.stage, self.space, self.seed, self.several, self._untried = stage, space, seed, several, untried
        self._distributions = distributions(space)
        self._branches = branches(space)
        self._parents: dict[str, list[str]] = {}
        for parent, entry in self._branches.items():
            for key in {inner for keys in entry.active for inner in keys}:
                self._parents.setdefault(key, []).append(parent)
        has_prior = any(getattr(entry, "prior", None) is not None for entry in space.values())
        self._by_prior = options_of(stage).get("n_startup_trials", 10) if has_prior else 0
        """So many configurations at the start are drawn by the priors, from which TPE then learns."""
        self._fills = bool(self._branches) and stage.kind != "tpe"  # TPE has groups of what is active together
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(storage=self._storage, directions=["maximize"] * max(1, several))
        self._known = [trial for row in known if (trial := self._known_trial(row))]
        self._study.add_trials(self._known)
        self._searched: dict[str, BaseDistribution] = {}
        self._ids: list[int] = []  # by number, of the private study's trials
        self._told = 0
        self._recalled: deque[Point] = deque()
        self._pending_outcomes: deque[Point] = deque()

    @property
    def points(self) -> int:
        return self._untried.points

    @property
    def fewer(self) -> str | None:
        return self._untried.fewer

    @property
    def name(self) -> str:
        """The sampler's name in messages."""
        return f"Optuna's {CLASSES[self.stage.kind]}"

    def ask(self, number: int) -> tuple[dict[str, Any], SamplerAttributes]:
        """The configuration's values, and for CMA-ES and NSGA-II how many outcomes it had seen.

        `another` is there, too, where none of the sampler's proposals might be trained. Raises NothingLeftError if
        there is no further configuration, HpsearchError if Optuna's sampler fails.

        CMA-ES keeps its state as a pickle, and NSGA-II its generations, in attributes of the private study, which do
        not belong in a database. A later run samples all configurations again instead, each after the same number of
        outcomes.
        """
        self._catch_up()
        seen = self._told
        params, another = self._ask(number, self._untried.first(number))
        if self.stage.kind not in _REPLAYED:
            return params, None
        return params, {"seen": seen} | ({"another": True} if another and self._untried.distinct else {})

    def recall(self, point: Point) -> None:
        """Take in a configuration that an earlier run asked for."""
        if point.sampler_attributes is not None:
            self._recalled.append(point)
            return
        values = self._positions(point.params)
        state = TrialState.FAIL if values is None else TrialState.RUNNING
        template = create_trial(state=state, params=values or {}, distributions=self._searched_in(values or {}))
        self._untried.add(point.params)
        self._add(point.number, self._storage.create_new_trial(self._study._study_id, template))

    def tell(self, point: Point) -> None:
        """Take in a configuration's outcome."""
        if self._recalled:
            self._pending_outcomes.append(point)
        else:
            self._settle(point)

    def _catch_up(self) -> None:
        while self._recalled:
            point = self._recalled.popleft()
            while self._told < (point.sampler_attributes or {})["seen"]:
                self._settle(self._pending_outcomes.popleft())
            self._ask_again(point)
        while self._pending_outcomes:
            self._settle(self._pending_outcomes.popleft())

    def _ask_again(self, point: Point) -> None:
        """Have the private study reach the state that it had after this configuration was sampled."""
        self._ask(point.number, point.params, another=(point.sampler_attributes or {}).get("another", False))

    def _ask(self, number: int, given: Mapping[str, Any], *, another: bool = False) -> tuple[dict[str, Any], bool]:
        """Have Optuna sample a configuration, except for the values that are given, and whether it is `another` one.

        That is one that its sampler did not propose, because none of its proposals might be trained.
        """
        if number < self._by_prior:
            given = self._untried.draw(number, generator(self.seed, "sample", self.stage.name, number))
        within = {key: position(self.space[key], value) for key, value in given.items()}
        fixed = {key: value for key, value in within.items() if value is not None}
        one_thread = (
            threadpool_limits(1) if self.stage.kind in ("cmaes", "gp", "python") else nullcontext()
        )  # else the last bits depend on the cores
        with warnings.catch_warnings(), one_thread:
            warnings.simplefilter("ignore")
            try:
                self._study.sampler = sampler = WholeConfigurationSampler(
                    lambda attempt: self._sampler(number, attempt),
                    self._distributions,
                    fixed,
                    self._searched,
                    lambda found: self._untried.admits(self._values(found) | dict(given)),
                    lambda found: self._instead(number, self._values(found) | dict(given)),
                    self._is_active,
                    fills=self._fills,
                )
                trial = self._study.ask()
                for key in trial.relative_params:
                    trial._suggest(key, self._distributions[key])
                trial_id = trial._trial_id
            except HpsearchError:
                raise
            except Exception as error:  # Optuna documents no exceptions of its samplers
                reason = str(error) or type(error).__name__
                what = f"stage {self.stage.name!r}: {self.name} failed at configuration {number}"
                raise HpsearchError(f"{what}: {reason}".replace("\n", " ")) from error
        self._add(number, trial_id)
        another = another or sampler.drawn
        if self._branches:
            self._forget_proposal(trial_id)
        if len(fixed) < len(given):
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        elif (number < len(self.stage.tried_first) or another) and self.stage.kind != "nsga2":  # which may have any
            self._exclude(trial_id)
        params = self._values(self._storage.get_trial(trial_id).params) | dict(given)
        self._untried.add(params)
        return params, another

    def _values(self, positions: Mapping[str, Any]) -> dict[str, Any]:
        return complete(self.space, lambda key, entry: at_position(entry, positions[key]))

    def _is_active(self, key: str, positions: Mapping[str, Any]) -> bool:
        """Is there this hyperparameter, given the choices before it?"""
        if key not in self._parents:
            return True
        return any(
            parent in positions
            and self._is_active(parent, positions)
            and key in self._branches[parent].belonging(at_position(self._branches[parent], positions[parent]))
            for parent in self._parents[key]
        )

    def _forget_proposal(self, trial_id: int) -> None:
        """Take away what TPE sampled of groups that are not active, which it would count as running."""
        for key in self._storage.get_trial(trial_id).system_attrs:
            if "relative_params" in key:
                self._storage.set_trial_system_attr(trial_id, key, "")

    def _instead(self, number: int, proposal: Mapping[str, Any]) -> dict[str, int | float]:
        """The configuration to try where none of the sampler's proposals may be trained; the first of them is given."""
        drawn = self._untried.instead(proposal, number, generator(self.seed, "sample", self.stage.name, number))
        found = {key: position(self.space[key], drawn[key]) for key in drawn}
        inside = {key: only(self._distributions[key]) if value is None else value for key, value in found.items()}
        return self._filled(inside)

    def _filled(self, positions: Mapping[str, int | float]) -> dict[str, int | float]:
        """A configuration in the order of the space, as the sampler is to know it."""
        first = {key: only(each) for key, each in self._distributions.items()} if self._fills else {}
        return {key: positions.get(key, first.get(key, 0)) for key in self.space if key in positions or key in first}

    def _sampler(self, number: int, attempt: int = 0) -> BaseSampler:
        grouped = {"multivariate": True, "group": True} if self._branches and self.stage.kind == "tpe" else {}
        options = grouped | options_of(self.stage)
        if self.stage.kind == "cmaes" and len(self._known) >= WARM_START_TRIALS and not _sets_its_start(options):
            options["source_trials"] = [_numeric(trial) for trial in self._known]
        key = (number, attempt) if attempt else (number,)
        seed = int(generator(self.seed, "sampler", self.stage.name, *key).integers(2**32))
        made: BaseSampler = getattr(optuna.samplers, CLASSES[self.stage.kind])(seed=seed, **options)
        return made

    def _exclude(self, trial_id: int) -> None:
        """Take a configuration that CMA-ES did not sample out of its generation, which is of its own samples alone."""
        for key in self._storage.get_trial(trial_id).system_attrs:
            if key.endswith("generation"):
                self._storage.set_trial_system_attr(trial_id, key, -1)

    def _add(self, number: int, trial_id: int) -> None:
        assert number == len(self._ids), "configurations are sampled in order"
        self._ids.append(trial_id)

    def _settle(self, point: Point) -> None:
        trial_id = self._ids[point.number]
        self._told += 1
        if self._storage.get_trial(trial_id).state.is_finished():
            return
        for epoch, value in point.rungs if point.state == PRUNED and not self.several else ():
            self._storage.set_trial_intermediate_value(trial_id, epoch, value)
        values, state = None, _STATES[point.state]
        if point.state == COMPLETE and self.several:
            values = list(point.scores)
            if not all(map(math.isfinite, values)):  # no distance to it can be computed
                values, state = None, TrialState.FAIL
        elif point.state == COMPLETE and point.value is not None:
            values = [point.value]
        self._before_told(trial_id, state, values)
        self._storage.set_trial_state_values(trial_id, state, values)

    def _before_told(self, trial_id: int, state: TrialState, values: list[float] | None) -> None:
        """What a kind of sampler does before the private study has an outcome."""

    def _positions(self, params: Mapping[str, Any]) -> dict[str, int | float] | None:
        """A configuration as numbers of the private study (see `position`); None if it is outside the space."""
        found = complete(self.space, lambda key, entry: params.get(key, None))
        positions = {key: position(self.space[key], value) for key, value in found.items()}
        inside = {key: value for key, value in positions.items() if value is not None}
        return self._filled(inside) if len(inside) == len(positions) else None

    def _known_trial(self, row: Mapping[str, Any]) -> FrozenTrial | None:
        values = self._positions(row["params"])
        outcome = row["scores"] if self.several else [row["value"]]
        if values is None or not all(map(math.isfinite, outcome)):
            return None
        return create_trial(params=values, distributions=self._searched_in(values), values=outcome)

    def _searched_in(self, values: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        return {key: self._distributions[key] for key in values}


def _sets_its_start(options: Mapping[str, Any]) -> bool:
    """Do the options rule out a warm start of CMA-ES from an earlier study?"""
    return bool(options.get("use_separable_cma")) or options.get("sigma0") is not None


def _numeric(trial: FrozenTrial) -> FrozenTrial:
    """The part of a trial that CMA-ES searches: neither choices nor single values."""
    kept = {
        key: distribution
        for key, distribution in trial.distributions.items()
        if not isinstance(distribution, CategoricalDistribution) and not distribution.single()
    }
    params = {key: trial.params[key] for key in kept}
    return create_trial(params=params, distributions=kept, value=trial.value)
