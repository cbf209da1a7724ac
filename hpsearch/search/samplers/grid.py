"""Grid search, and a plain list of configurations. May import spec."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.search.samplers.points import Space
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.spec import grid
from hpsearch.spec.spaces.admission import constraints_of, kept
from hpsearch.spec.spaces.branches import branches


class GridSampler(Sampler):
    """All combinations of values that keep the constraints; the last hyperparameter varies fastest."""

    def __init__(self, space: Space, constraints: Sequence[str] = ()) -> None:
        self._axes = {key: entry.grid() for key, entry in space.items()}
        self._listed: list[dict[str, Any]] | None = None
        if constraints or branches(space):
            read = constraints_of(constraints)
            self._listed = [params for params in grid(space) if kept(read, params)]

    @property
    def points(self) -> int:
        return math.prod(len(values) for values in self._axes.values()) if self._listed is None else len(self._listed)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        if self._listed is not None:
            return dict(self._listed[number]), None
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
