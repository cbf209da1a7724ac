"""Priors in TPE: its densities have those of the study file where Optuna's have a broad one. May import spec, Optuna."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator

from hpsearch.search.samplers.points import Space, position
from hpsearch.spec import Range

PRIORS = "priors"
"""The key of a stage's stored data that is there since TPE uses priors beyond its start; other stages go on without."""

Kernels = Mapping[str, tuple[float, float]]
"""The centre and the standard deviation of each hyperparameter with a prior, on the scale on which it is searched."""


def kernels_of(space: Space) -> dict[str, tuple[float, float]]:
    """The priors of a space as normal distributions of Optuna's numbers."""
    found = {}
    for key, entry in space.items():
        if isinstance(entry, Range) and entry.prior is not None:
            scale = math.log if entry.log else float
            ends = position(entry, entry.low), position(entry, entry.high), position(entry, _near(entry))
            low, high, centre = (scale(end) for end in ends if end is not None)
            found[key] = centre, entry.deviation * (high - low)
    return found


def _near(entry: Range) -> Any:
    """The prior, or the value of the range that is nearest to it."""
    assert entry.prior is not None
    if entry.step is not None:
        return entry.at(entry.index(entry.prior))
    return round(entry.prior) if entry.integer else entry.prior


def by_priors(sampler: TPESampler, kernels: Kernels) -> None:
    """Have TPE's densities contain the priors.

    Both the density of the better configurations and that of the others are mixtures of a kernel for each configuration
    and one for the prior (Bergstra et al. 2011), which is the whole range in Optuna. So candidates go on being drawn by
    the prior, and ever fewer of them, the more good configurations there are.
    """
    sampler._parzen_estimator_cls = partial(_WithPriors, kernels=kernels)  # type: ignore[assignment]


class _WithPriors(_ParzenEstimator):
    def __init__(self, *arguments: Any, kernels: Kernels, **named: Any) -> None:
        self._kernels = kernels
        super().__init__(*arguments, **named)

    def _calculate_distributions(
        self, observations: np.ndarray, param_name: str, search_space: BaseDistribution, parameters: Any
    ) -> Any:
        found: Any = super()._calculate_distributions(observations, param_name, search_space, parameters)
        if param_name in self._kernels:  # the last kernel is that of the prior
            found.mu[-1], found.sigma[-1] = self._kernels[param_name]
        return found
