"""Grid search, and a plain list of configurations. May import spec."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.search.samplers.points import Space
from hpsearch.search.samplers.sampler import Sampler


class GridSampler(Sampler):
    """All combinations of the hyperparameters' values; the last hyperparameter varies fastest."""

    def __init__(self, space: Space) -> None:
        self._axes = {key: entry.grid() for key, entry in space.items()}

    @property
    def points(self) -> int:
        return math.prod(len(values) for values in self._axes.values())

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        found = {}
        for key, values in reversed(self._axes.items()):
            number, index = divmod(number, len(values))
            found[key] = values[index]
        return {key: found[key] for key in self._axes}, None


class ListSampler(Sampler):
    """Configurations that are given: those listed in the study file, or the one that a final trains again."""

    def __init__(self, configurations: Sequence[Mapping[str, Any]]) -> None:
        self._configurations = configurations

    @property
    def points(self) -> int:
        return len(self._configurations)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        return dict(self._configurations[number]), None
