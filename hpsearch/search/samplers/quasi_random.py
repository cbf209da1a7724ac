"""Quasi-random search: the points of a Sobol or Halton sequence. May import spec and Optuna."""

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.study import Study

from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import distributions, options_of
from hpsearch.search.samplers.points import Space, at_position, first_of, trials_of
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.spec import Stage


class _NumberedQMCSampler(QMCSampler):
    """Returns the sequence's point `number`. Optuna's own keeps a count in the study's attributes."""

    number = 0

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self.number


class QuasiRandomSampler(Sampler):
    """Each hyperparameter is one dimension of the sequence, in the study file's order."""

    def __init__(self, stage: Stage, space: Space, seed: int) -> None:
        """`seed` is the study's."""
        self._stage, self._space = stage, space
        self._distributions = distributions(space)
        number = int(generator(seed, "sampler", stage.name).integers(2**32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # scrambled unless the file says otherwise: the first point of the plain sequence is the space's corner
            self._sampler = _NumberedQMCSampler(seed=number, **({"scramble": True} | options_of(stage)))
        self._study = optuna.create_study(sampler=self._sampler)
        self._trial = optuna.trial.create_trial(state=optuna.trial.TrialState.WAITING)

    @property
    def points(self) -> int:
        return trials_of(self._stage)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        self._sampler.number = number
        found = self._sampler.sample_relative(self._study, self._trial, self._distributions)
        drawn = {key: at_position(entry, found[key]) for key, entry in self._space.items()}
        return drawn | first_of(self._stage, number), None
