"""Which of the configurations that were trained comes next in a replay. May import spec and NumPy."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from hpsearch.search.replay.curves import Trained
from hpsearch.search.samplers.points import Point, Space
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.spec import Choices, Range
from hpsearch.spec.tables.space import same
from hpsearch.storage.records import RUNNING, Params


class Chooser(Protocol):
    """Chooses configurations by their index, each once, and may learn from their outcomes."""

    def choose(self, number: int) -> int:
        """The index of the configuration that is the search's number `number`."""

    def tell(self, point: Point) -> None:
        """Take in the outcome of a configuration, in order."""


class RandomOrder:
    """Takes the configurations in a random order: a random search whose every draw is among those trained."""

    def __init__(self, configurations: int, rng: np.random.Generator) -> None:
        self._order = rng.permutation(configurations)

    def choose(self, number: int) -> int:
        return int(self._order[number])

    def tell(self, point: Point) -> None:
        return


class NearestTried:
    """Takes, for each configuration that a sampler proposes, the nearest one that was trained and is not taken yet.

    The sampler then learns from the one that was taken. `make` returns a new sampler, which is asked for one
    configuration: Optuna's know only what they proposed themselves, so that each new one is given what was taken.
    """

    def __init__(self, make: Callable[[], Sampler], configurations: Sequence[Trained], space: Space) -> None:
        self._make, self._space = make, space
        self._configurations = configurations
        self._units = [_unit(space, each.params) for each in configurations]
        self._left = dict.fromkeys(range(len(configurations)))
        self._taken: list[int] = []
        self._outcomes: list[Point] = []

    def choose(self, number: int) -> int:
        sampler = self._make()
        for i, index in enumerate(self._taken):
            sampler.recall(Point(i, self._configurations[index].params, RUNNING, None, (), None))
        for point in self._outcomes:
            sampler.tell(point)
        proposed = _unit(self._space, sampler.ask(number)[0])
        index = min(self._left, key=lambda i: (_distance(proposed, self._units[i]), i))
        del self._left[index]
        self._taken.append(index)
        return index

    def tell(self, point: Point) -> None:
        self._outcomes.append(point)


def _unit(space: Space, params: Params) -> dict[str, float | str]:
    """Values on a scale from 0 to 1, logarithmic where the range is; choices without an order as text."""
    return {key: _scaled(entry, params[key]) for key, entry in space.items() if key in params}


def _scaled(entry: Range | Choices, value: Any) -> float | str:
    if isinstance(entry, Choices):
        texts = [same(choice) for choice in entry.in_order]
        if not entry.ordered or same(value) not in texts or len(texts) == 1:
            return str(same(value))
        return texts.index(same(value)) / (len(texts) - 1)
    low, high, here = (math.log(each) if entry.log else float(each) for each in (entry.low, entry.high, value))
    return (here - low) / (high - low)


def _distance(one: dict[str, float | str], other: dict[str, float | str]) -> float:
    """Squared Euclidean distance; 1 for a hyperparameter that only one has, and for different choices."""
    total = 0.0
    for key in one.keys() | other.keys():
        a, b = one.get(key), other.get(key)
        total += (a - b) ** 2 if isinstance(a, float) and isinstance(b, float) else float(a != b)
    return total
