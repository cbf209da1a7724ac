"""Quasi-random search: the points of a Sobol or Halton sequence. May import spec and Optuna."""

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.study import Study

from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import distributions, options_of
from hpsearch.search.samplers.points import Space, at_position
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.search.samplers.untried import DRAWS, MOST_DRAWS, Untried
from hpsearch.spec import Stage
from hpsearch.spec.spaces.branches import complete


class _NumberedQMCSampler(QMCSampler):
    """Returns the sequence's point `number`. Optuna's own keeps a count in the study's attributes."""

    number = 0

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self.number


class QuasiRandomSampler(Sampler):
    """Each hyperparameter is one dimension of the sequence, in the study file's order, also where it is not active."""

    def __init__(self, stage: Stage, space: Space, seed: int, untried: Untried) -> None:
        """`seed` is the study's."""
        self._stage, self._space, self._seed, self._untried = stage, space, seed, untried
        self._distributions = distributions(space)
        number = int(generator(seed, "sampler", stage.name).integers(2**32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # scrambled unless the file says otherwise: the first point of the plain sequence is the space's corner
            self._sampler = _NumberedQMCSampler(seed=number, **({"scramble": True} | options_of(stage)))
        self._study = optuna.create_study(sampler=self._sampler)
        self._found: list[dict[str, Any]] = []
        self._next = 0
        """The point of the sequence that comes next: more than the configurations, where some points are left out."""
        self._trial = optuna.trial.create_trial(state=optuna.trial.TrialState.WAITING)

    @property
    def points(self) -> int:
        return self._untried.points

    @property
    def fewer(self) -> str | None:
        return self._untried.fewer

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        for each in range(len(self._found), number + 1):
            params = self._choose(each)
            self._untried.add(params)
            self._found.append(params)
        return dict(self._found[number]), None

    def _choose(self, number: int) -> dict[str, Any]:
        """The configuration with this number: the first point of the sequence, from the next one on, that may be."""
        given, left_out = self._untried.first(number), list[dict[str, Any]]()
        for _ in range(MOST_DRAWS):
            params = self._configuration(given, self._next)
            self._next += 1
            if self._untried.admits(params):
                return params
            left_out.append(params)
            if len(left_out) == DRAWS and self._untried.is_listed:
                rng = generator(self._seed, "sample", self._stage.name, number)
                return self._untried.instead(left_out[0], number, rng)
        raise self._untried.not_found(number, any_kept=any(map(self._untried.keeps, left_out)))

    def _configuration(self, given: Mapping[str, Any], point: int) -> dict[str, Any]:
        """The configuration at a point of the sequence, with the values that are given."""
        self._sampler.number = point
        found = self._sampler.sample_relative(self._study, self._trial, self._distributions)
        return complete(self._space, lambda key, entry: given[key] if key in given else at_position(entry, found[key]))
