"""Whole configurations from a sampler of Optuna: with given values, within the ranges, that may be trained.

May import Optuna.
"""

from collections.abc import Callable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

PROPOSALS = 16
"""So many configurations of the sampler may break a constraint, or have been tried, before another is taken."""

_PROPOSES_ITS_BEST = "GPSampler"
"""A sampler whose proposals hardly differ, and cost seconds: where the first may not be, another is taken."""

Positions = dict[str, Any]


class WholeConfigurationSampler(BaseSampler):
    """Samples all hyperparameters at once, as `base` does, except for the values that are `given`.

    A configuration that is not `kept` is forgotten, and another is sampled by another base: neither Optuna's study nor
    the base of the next configuration knows of it.
    """

    def __init__(
        self,
        base: Callable[[int], BaseSampler],
        distributions: Mapping[str, BaseDistribution],
        given: Mapping[str, int | float],
        searched: dict[str, BaseDistribution],
        kept: Callable[[Positions], bool],
        instead: Callable[[Positions], Positions],
        active: Callable[[str, Positions], bool],
        *,
        fills: bool,
    ) -> None:
        """`base` makes the sampler of an attempt; `instead` gives the configuration to take where no attempt's is kept,
        from the first of them.

        `active` says whether there is a hyperparameter, given those before it. With `fills` those that there are not
        have their first value for the base, which then sees no difference between them; else they are left out.

        `searched` caches the space that the base infers, which costs a pass over all trials and does not change.
        """
        self._base, self._distributions, self._given, self._searched = base, distributions, given, searched
        self._kept, self._instead, self._active, self._fills = kept, instead, active, fills
        self.drawn = False

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All hyperparameters: also those that the base samples independently are sampled at once."""
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        first: Positions = {}
        for attempt in range(PROPOSALS):
            base = self._base(attempt)
            found = self._proposed(base, study, trial)
            if self._kept(found):
                return found
            first = first or found
            if type(base).__name__ == _PROPOSES_ITS_BEST:
                break
        self.drawn = True
        return self._instead(first)

    def _proposed(self, base: BaseSampler, study: Study, trial: FrozenTrial) -> Positions:
        inferred = base.infer_relative_search_space
        if not self._searched or getattr(base, "_group", False):  # groups are kept in the sampler
            self._searched.update(inferred(study, trial))
        relative = base.sample_relative(study, trial, dict(self._searched))
        found: Positions = {}
        for key, distribution in self._distributions.items():
            if not self._active(key, found):
                if self._fills:
                    found[key] = only(distribution)
            elif key in self._given:
                found[key] = self._given[key]
            elif distribution.single():
                found[key] = only(distribution)
            elif key in relative:
                found[key] = _clipped(distribution, relative[key])
            else:
                found[key] = _clipped(distribution, base.sample_independent(study, trial, key, distribution))
        return found

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        raise AssertionError("all hyperparameters are sampled at once")


def only(distribution: BaseDistribution) -> Any:
    """The first value of a distribution, which is that of one with a single value."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low


def _clipped(distribution: BaseDistribution, value: Any) -> Any:
    """The value, or the bound that it exceeds by a rounding error: TPE's exp(log(low)) may be less than low."""
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return min(max(value, distribution.low), distribution.high)
    return value
