"""What samplers share: a configuration and its outcome, random draws, values as Optuna's numbers. May import spec."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.spec import Choices, Range, Stage
from hpsearch.spec.spaces.branches import complete
from hpsearch.spec.tables.space import same
from hpsearch.storage.records import Params

Space = Mapping[str, Range | Choices]


@dataclass(frozen=True)
class Point:
    """A configuration that a sampler chose, with its outcome.

    `state` is running, complete (with a `value`), pruned or failed; `rungs` has (epoch, value) of each rung that it
    reached; `sampler_attributes` is what the sampler returned with it.
    """

    number: int
    params: Params
    state: str
    value: float | None
    rungs: tuple[tuple[int, float], ...]
    sampler_attributes: Mapping[str, Any] | None
    scores: tuple[float, ...] = ()  # of several objectives


def draw(space: Space, rng: np.random.Generator, given: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """One configuration: each hyperparameter uniform (or log-uniform) on its range, or one of its choices, or `given`.

    What belongs to a choice is drawn where that is taken. Ranges with a prior are drawn by it, but in a third of the
    configurations uniformly, so that a wrong prior does not keep the search away from the best.
    """
    has_prior = any(isinstance(entry, Range) and entry.prior is not None for entry in space.values())
    by_prior = has_prior and rng.random() >= UNIFORM_SHARE

    def value(key: str, entry: Range | Choices) -> Any:
        drawn = draw_by_prior(entry, rng) if by_prior else draw_uniformly(entry, rng)
        return given.get(key, drawn)  # drawn also where it is given, so that the others are as if it were not

    return complete(space, value)


def draw_by_prior(entry: Range | Choices, rng: np.random.Generator) -> Any:
    """A value of one hyperparameter: by its prior, if it has one."""
    if isinstance(entry, Range) and entry.prior is not None:
        return draw_near(entry, entry.prior, entry.deviation, rng)
    return draw_uniformly(entry, rng)


def draw_near(span: Range, centre: float, share: float, rng: np.random.Generator) -> Any:
    """A value by the normal distribution around `centre` that ends at the range's ends, on the range's scale.

    Its standard deviation is this share of the range.
    """
    from scipy.special import ndtr, ndtri  # takes 0.2 s, and most studies do without

    scale = math.log if span.log else float
    low, high, middle = scale(span.low), scale(span.high), scale(centre)
    deviation = share * (high - low)
    below, above = ndtr((low - middle) / deviation), ndtr((high - middle) / deviation)
    value = middle + deviation * float(ndtri(rng.uniform(below, above)))
    value = min(max(math.exp(value) if span.log else value, float(span.low)), float(span.high))
    if span.step is not None:
        return span.at(span.index(value))
    return round(value) if span.integer else value


def draw_uniformly(entry: Range | Choices, rng: np.random.Generator) -> Any:
    """A value of one hyperparameter: uniform (or log-uniform) on its range, or one of its choices."""
    if isinstance(entry, Choices):
        return entry.choices[int(rng.integers(len(entry.choices)))]
    if entry.size is not None:
        return entry.at(int(rng.integers(entry.size)))
    low, high = float(entry.low), float(entry.high)
    if entry.integer:  # each whole number gets the part of the scale that rounds down to it
        top = high + 1
        value = math.exp(rng.uniform(math.log(low), math.log(top))) if entry.log else rng.uniform(low, top)
        return min(max(math.floor(value), int(entry.low)), int(entry.high))
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if entry.log else rng.uniform(low, high)
    return min(max(float(value), low), high)


UNIFORM_SHARE = 1 / 3
"""The share of configurations that are drawn without the priors; PriorBand (Mallik et al. 2023) keeps one, too."""


def trials_of(stage: Stage) -> int:
    """The number of configurations that the study file asks for."""
    trials: int = getattr(stage.sampler, "trials", 0)
    return trials


def first_of(stage: Stage, number: int) -> dict[str, Any]:
    """The values of `default` and `first` in the study file for a configuration with this number; {} beyond them."""
    return dict(stage.tried_first[number]) if number < len(stage.tried_first) else {}


def position(entry: Range | Choices, value: Any) -> int | float | None:
    """The number by which Optuna knows a value: itself, or its index in the choices; None if it is outside the space.

    Choices are known by their index because 1, 1.0 and true are equal to Optuna, and lists are no choices; so are the
    values of a range with a step, which Optuna would compute with rounding errors.
    """
    if isinstance(entry, Choices):
        texts = [same(choice) for choice in entry.in_order]
        return texts.index(same(value)) if same(value) in texts else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not entry.low <= value <= entry.high:
        return None
    if entry.step is not None:
        return entry.index(value) if entry.at(entry.index(value)) == value else None
    if entry.integer:
        return int(value) if value == int(value) else None
    return float(value)


def at_position(entry: Range | Choices, number: float) -> Any:
    """The value of a number: the inverse of `position`."""
    if isinstance(entry, Choices):
        return entry.in_order[int(number)]
    if entry.step is not None:
        return entry.at(int(number))
    return int(number) if entry.integer else float(number)
