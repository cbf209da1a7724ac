"""Configurations that fill a space evenly: the points of a Sobol or Halton sequence. May import spec and Optuna."""

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.study import Study

from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import distributions, options_of
from hpsearch.search.samplers.points import Space, at_position
from hpsearch.spec import Stage


class _Numbered(QMCSampler):
    """Optuna's sampler counts in the study's attributes; here the configuration's number says which point is wanted."""

    number = 0

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self.number


class QuasiRandom:
    """The sequence of a stage; each key of the space is one of its dimensions, in the file's order."""

    def __init__(self, stage: Stage, space: Space, seed: int) -> None:
        self._space = space
        self._distributions = distributions(space)
        number = int(generator(seed, "sampler", stage.name).integers(2**32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # scrambled unless the file says otherwise: the first point of the plain sequence is the space's corner
            self._sampler = _Numbered(seed=number, **({"scramble": True} | options_of(stage)))
        self._study = optuna.create_study(sampler=self._sampler)
        self._trial = optuna.trial.create_trial(state=optuna.trial.TrialState.WAITING)

    def point(self, number: int) -> dict[str, Any]:
        """The values of the sequence's point with this number, from 0."""
        self._sampler.number = number
        found = self._sampler.sample_relative(self._study, self._trial, self._distributions)
        return {key: at_position(entry, found[key]) for key, entry in self._space.items()}
