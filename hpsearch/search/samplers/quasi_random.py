"""Quasi-random search: the points of a Sobol or Halton sequence. May import spec and Optuna."""

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.study import Study

from hpsearch.nn.random import generator
from hpsearch.search.samplers.optuna_samplers import distributions, options_of
from hpsearch.search.samplers.points import MOST_DRAWS, Space, at_position, first_of, none_admitted, trials_of
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.spec import Stage
from hpsearch.spec.spaces.admission import constraints_of, kept
from hpsearch.spec.spaces.branches import complete


class _NumberedQMCSampler(QMCSampler):
    """Returns the sequence's point `number`. Optuna's own keeps a count in the study's attributes."""

    number = 0

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self.number


class QuasiRandomSampler(Sampler):
    """Each hyperparameter is one dimension of the sequence, in the study file's order, also where it is not active."""

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
        self._constraints = constraints_of(stage.constraints)
        self._taken: list[int] = []
        """The points of the sequence that each configuration took, where a constraint leaves some out."""
        self._trial = optuna.trial.create_trial(state=optuna.trial.TrialState.WAITING)

    @property
    def points(self) -> int:
        return trials_of(self._stage)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        if not self._constraints:
            return self._configuration(number, number), None
        for each in range(len(self._taken), number + 1):
            begin = self._taken[-1] + 1 if self._taken else 0
            for point in range(begin, begin + MOST_DRAWS):
                if kept(self._constraints, self._configuration(each, point)):
                    self._taken.append(point)
                    break
            else:
                raise none_admitted(self._stage, each)
        return self._configuration(number, self._taken[number]), None

    def _configuration(self, number: int, point: int) -> dict[str, Any]:
        """The configuration with this number at a point of the sequence."""
        self._sampler.number = point
        found = self._sampler.sample_relative(self._study, self._trial, self._distributions)
        given = first_of(self._stage, number)
        return complete(self._space, lambda key, entry: given[key] if key in given else at_position(entry, found[key]))
