"""What samplers share: a configuration and its outcome, random draws, values as Optuna's numbers. May import spec."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

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
        drawn = (
            _draw_around(entry, rng)
            if by_prior and isinstance(entry, Range) and entry.prior is not None
            else (_draw(entry, rng))
        )  # also where it is given, so that the others are drawn as if it were not
        return given.get(key, drawn)

    return complete(space, value)


def _draw_around(span: Range, rng: np.random.Generator) -> Any:
    """A value by the normal distribution around the prior that ends at the range's ends, on the range's scale."""
    assert span.prior is not None
    scale = math.log if span.log else float
    low, high, centre = scale(span.low), scale(span.high), scale(span.prior)
    deviation = span.deviation * (high - low)
    below, above = ndtr((low - centre) / deviation), ndtr((high - centre) / deviation)
    value = centre + deviation * float(ndtri(rng.uniform(below, above)))
    value = min(max(math.exp(value) if span.log else value, float(span.low)), float(span.high))
    if span.step is not None:
        return span.at(span.index(value))
    return round(value) if span.integer else value


def _draw(entry: Range | Choices, rng: np.random.Generator) -> Any:
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
