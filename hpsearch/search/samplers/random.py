"""Random search: configurations are drawn from the space, none of them twice. May import spec and NumPy."""

from typing import Any

from hpsearch.nn.random import generator
from hpsearch.search.samplers.points import Point, Space
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.search.samplers.untried import Untried
from hpsearch.spec import Stage


class RandomSampler(Sampler):
    """Draws each configuration with its own generator, so that it does not depend on the number of those after it."""

    def __init__(self, stage: Stage, space: Space, seed: int, untried: Untried) -> None:
        """`seed` is the study's."""
        self._stage, self._space, self._seed, self._untried = stage, space, seed, untried
        self._found: list[dict[str, Any]] = []

    @property
    def points(self) -> int:
        return self._untried.points

    @property
    def fewer(self) -> str | None:
        return self._untried.fewer

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        for each in range(len(self._found), number + 1):
            rng = generator(self._seed, "sample", self._stage.name, each)
            self._add(self._untried.draw(each, rng))
        return dict(self._found[number]), None

    def recall(self, point: Point) -> None:
        if point.number == len(self._found):
            self._add(dict(point.params))

    def _add(self, params: dict[str, Any]) -> None:
        self._untried.add(params)
        self._found.append(params)
