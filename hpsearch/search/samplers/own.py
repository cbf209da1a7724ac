"""Samplers of others: a class derived from `optuna.samplers.BaseSampler`, from a file of the workspace.

One instance samples a whole stage, since it may keep a state. A later run makes another, which is asked for the same
configurations after the same outcomes. May import spec and Optuna.
"""

import math
import numbers
import random
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpsearch.errors import HpsearchError, raised
from hpsearch.nn.random import generator
from hpsearch.search.samplers.model_based import ModelBasedSampler
from hpsearch.search.samplers.points import Point, Space
from hpsearch.search.samplers.sampler_files import SamplerClass
from hpsearch.search.samplers.untried import Untried
from hpsearch.spec import Stage
from hpsearch.spec.messages import fail, show
from hpsearch.storage.records import COMPLETE

CHECKED = 12
"""So many configurations are asked for twice before a study is launched: two more than many samplers draw at random."""


class OwnSampler(ModelBasedSampler):
    """Samples a stage's configurations by an instance of a class of the workspace."""

    def __init__(
        self,
        stage: Stage,
        space: Space,
        seed: int,
        made_of: SamplerClass,
        known: Sequence[Mapping[str, Any]],
        several: int,
        untried: Untried,
    ) -> None:
        super().__init__(stage, space, seed, known, several, untried)
        self._class = made_of
        self._instance: _Watched | None = None

    @property
    def name(self) -> str:
        return self._class.name

    def _sampler(self, number: int, attempt: int = 0) -> BaseSampler:
        if self._instance is None:
            seed = int(generator(self.seed, "sampler", self.stage.name).integers(2**32))
            self._instance = _Watched(lambda: self._class.make(seed), self._distributions)
        self._instance.key = (self.seed, self.stage.name, number, attempt)
        return self._instance

    def _ask_again(self, point: Point) -> None:
        again, _ = self._ask(point.number, self._untried.first(point.number))
        if again != dict(point.params):
            given, now = show(dict(point.params)), show(again)
            where = f"stage {self.stage.name!r}: {self.name}"
            rule = f"must give the same configurations in every run, but gave configuration {point.number} as"
            raise HpsearchError(f"{where} {rule} {given} and now as {now}; it must draw by its argument seed")

    def _before_told(self, trial_id: int, state: TrialState, values: list[float] | None) -> None:
        if self._instance is None:
            return
        trial = self._storage.get_trial(trial_id)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._instance.after_trial(self._study, trial, state, values)
        except Exception as error:
            what = f"stage {self.stage.name!r}: {self.name} failed after configuration {trial.number}"
            raise HpsearchError(f"{what}: {raised(error)}") from error


class _OutsideError(ValueError):
    """A sampler returned what is not in the space."""


class _Watched(BaseSampler):
    """A sampler of others whose draws from global generators are keyed, and whose values are checked."""

    _group = True  # so that the space that it infers is asked for each time: it may keep a state there

    def __init__(self, make: Any, distributions: Mapping[str, BaseDistribution]) -> None:
        self._make, self._distributions = make, distributions
        self._base: BaseSampler | None = None
        self._inferred: dict[str, BaseDistribution] = {}
        self.key: tuple[int, str, int, int] = (0, "", 0, 0)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        with _seeded("sampler-space", self.key):
            if self._base is None:
                self._base = self._make()
            if self.key[-1] == 0:
                self._base.before_trial(study, trial)
            self._inferred = self._base.infer_relative_search_space(study, trial)
        return self._inferred

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        assert self._base is not None
        with _seeded("sampler-relative", self.key):
            found = self._base.sample_relative(study, trial, dict(self._inferred))
        if not isinstance(found, Mapping):
            raise _OutsideError(f"sample_relative must return a dict, returned {_shown(found)}")
        return {key: self._inside("sample_relative", key, value) for key, value in found.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        assert self._base is not None
        with _seeded("sampler-independent", self.key, param_name):
            found = self._base.sample_independent(study, trial, param_name, param_distribution)
        return self._inside("sample_independent", param_name, found)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        if self._base is not None:
            with _seeded("sampler-after", (*self.key[:2], trial.number, 0)):
                self._base.after_trial(study, trial, state, values)

    def _inside(self, function: str, key: str, value: Any) -> Any:
        """A value that lies in the space, as a plain number. Raises _OutsideError for any other."""
        distribution = self._distributions.get(key)
        if distribution is None:
            known = ", ".join(self._distributions)
            raise _OutsideError(f"{function} must return values of {known} alone, returned one of {key!r}")
        if isinstance(distribution, CategoricalDistribution):
            plain = int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else None
            if plain in distribution.choices:
                return plain
            rule = f"one of {distribution.choices}"
        else:
            assert isinstance(distribution, FloatDistribution | IntDistribution)
            low, high = distribution.low, distribution.high
            slack = 1e-9 * (high - low)  # rounding errors of a logarithm, as TPE has them
            real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
            if real and math.isfinite(value) and low - slack <= value <= high + slack:
                if isinstance(distribution, FloatDistribution):
                    return min(max(float(value), low), high)
                if value == int(value):
                    return int(value)
            rule = f"{'a whole' if isinstance(distribution, IntDistribution) else 'a'} number from {low} to {high}"
        raise _OutsideError(f"{function} must return {rule} for {key!r}, returned {_shown(value)}")


def _shown(value: object) -> str:
    return " ".join(f"{value!r:.60}".split())


@contextmanager
def _seeded(purpose: str, key: tuple[int, str, int, int], *names: str) -> Iterator[None]:
    """Seed the global generators, from which a sampler without a seed draws, and restore their states afterwards."""
    drawn = int(generator(key[0], purpose, *key[1:], *names).integers(2**32))
    torch = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None  # noqa: NPY002
    random.seed(drawn)
    np.random.seed(drawn)  # noqa: NPY002 - the generator of others
    if torch:
        torch.manual_seed(drawn)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        if torch and before[2] is not None:
            torch.set_rng_state(before[2])


def check_own_sampler(stage: Stage, space: Space, made_of: SamplerClass, place: str, i: int, several: int) -> None:
    """Raise StudyFileError if a sampler fails, leaves its space, or gives other values when it is asked again."""
    where: list[str | int] = ["stage", i, "sampler"]
    try:
        made_of.make(0)
    except Exception as error:
        raise fail(place, where, f"has arguments that {made_of.name} refuses: {raised(error)}") from error
    fewer = stage.model_copy(update={"first": (), "default": None, "constraints": ()})
    both = (OwnSampler(fewer, space, 0, made_of, (), several, Untried(fewer, space, distinct=False)) for _ in range(2))
    one, other = (_first_asked(each, place, where) for each in both)
    for number, (before, now) in enumerate(zip(one, other, strict=True)):
        if before != now:
            rule = f"must give the same configurations for the same seed; {made_of.name} gave configuration {number}"
            advice = "it must draw by its argument seed, or by NumPy's or Python's global generator"
            raise fail(place, where, f"{rule} as {show(before)}, then as {show(now)}; {advice}")


def _first_asked(sampler: OwnSampler, place: str, where: Sequence[str | int]) -> list[dict[str, Any]]:
    """A sampler's first configurations, each after the outcomes of those before."""
    found = []
    for number in range(min(CHECKED, sampler.points)):
        scores = (number / 10,) * sampler.several
        try:
            params, attributes = sampler.ask(number)
            sampler.tell(Point(number, params, COMPLETE, number / 10, (), attributes, scores))
        except HpsearchError as error:
            cause = error.__cause__ or error
            reason = str(cause) if isinstance(cause, _OutsideError | HpsearchError) else raised(cause)
            raise fail(place, where, f"failed: {sampler.name}, configuration {number}: {reason}") from error
        found.append(params)
    return found
