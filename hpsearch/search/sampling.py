"""Settings for a stage's trials: drawn at random, a grid's points, or a list. May import spec and NumPy.

Each trial's draw is keyed by its number, so that it does not depend on how many trials there are.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.nn.random import generator
from hpsearch.spec import Choices, Random, Range, Stage, grid

Space = Mapping[str, Range | Choices]


def settings(stage: Stage, space: Space, seed: int) -> list[dict[str, Any]]:
    """The searched keys' values of each of the stage's trials, in trial order."""
    if stage.settings is not None:
        return [dict(row) for row in stage.settings]
    if isinstance(stage.sampler, Random):
        return [draw(space, generator(seed, "sample", stage.name, i)) for i in range(stage.sampler.trials)]
    return grid(space)


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """One setting: each key uniform on its range (on a log scale where it says so) or among its choices."""
    return {key: _draw(entry, rng) for key, entry in space.items()}


def _draw(entry: Range | Choices, rng: np.random.Generator) -> Any:
    if isinstance(entry, Choices):
        return entry.choices[int(rng.integers(len(entry.choices)))]
    low, high = float(entry.low), float(entry.high)
    if entry.integer:  # each whole number gets the part of the scale that rounds down to it
        top = high + 1
        value = math.exp(rng.uniform(math.log(low), math.log(top))) if entry.log else rng.uniform(low, top)
        return min(max(math.floor(value), int(entry.low)), int(entry.high))
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if entry.log else rng.uniform(low, high)
    return min(max(float(value), low), high)
