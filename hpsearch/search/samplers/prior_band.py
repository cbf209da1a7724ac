"""PriorBand (Mallik et al. 2023): draws by the priors, uniformly, and around the best so far. May import spec, NumPy.

It is made for halving and Hyperband: a configuration that was pruned counts by the rung that it reached.
"""

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.nn.random import generator
from hpsearch.search.samplers.axes import Axis
from hpsearch.search.samplers.points import Point, Space, draw_by_prior, draw_near, draw_uniformly, position
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.search.samplers.untried import Untried
from hpsearch.spec import Choices, Range, Stage
from hpsearch.spec.spaces.branches import complete
from hpsearch.storage.records import COMPLETE, PRUNED

UNIFORM = 1 / 2
"""The share of uniform draws: 1 / (1 + η^r) at the rung r = 0, where halving starts all configurations."""

ETA = 3
"""The best so far count once there are so many outcomes; the best third of them weighs them against the priors."""

DEVIATION = 1 / 4
"""The standard deviation around the best configuration, as a share of a range."""

PERTURBED = 1 / 2
"""The probability that a hyperparameter of the best configuration is drawn anew, and that another choice is taken."""

Outcome = tuple[float, float, Mapping[str, Any]]
"""How far a configuration came (infinity: to its end), its value there, and its hyperparameters."""


class PriorBandSampler(Sampler):
    """Draws each configuration with its own generator, from a mixture that depends on the outcomes told before it."""

    learns = True

    def __init__(
        self, stage: Stage, space: Space, seed: int, known: Sequence[Mapping[str, Any]], untried: Untried
    ) -> None:
        """`seed` is the study's; `known` has {"params", "value"} of an earlier study's configurations."""
        self._stage, self._space, self._seed, self._untried = stage, space, seed, untried
        self._axes = {key: Axis(entry) for key, entry in space.items()}
        self._outcomes: list[Outcome] = []  # the best first
        self._share: float | None = None  # what `_share_of_best` is, until there is another outcome
        for row in known:
            self._take(math.inf, row["value"], row["params"])

    @property
    def points(self) -> int:
        return self._untried.points

    @property
    def fewer(self) -> str | None:
        return self._untried.fewer

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        rng = generator(self._seed, "sample", self._stage.name, number)
        found = self._untried.draw(number, rng, self._draw)
        self._untried.add(found)
        return found, None

    def _draw(self, space: Space, rng: np.random.Generator, given: Mapping[str, Any]) -> dict[str, Any]:
        uniform, near = rng.random() < UNIFORM, rng.random() < self._share_of_best()

        def value(key: str, entry: Range | Choices) -> Any:
            if key in given:
                return given[key]
            if uniform:
                return draw_uniformly(entry, rng)
            return self._near(key, entry, self._outcomes[0][2], rng) if near else draw_by_prior(entry, rng)

        return complete(space, value)

    def recall(self, point: Point) -> None:
        self._untried.add(point.params)

    def tell(self, point: Point) -> None:
        if point.state == COMPLETE and point.value is not None:
            self._take(math.inf, point.value, point.params)
        elif point.state == PRUNED and point.rungs:
            self._take(*point.rungs[-1], point.params)

    def _take(self, epochs: float, value: float, params: Mapping[str, Any]) -> None:
        """Take in an outcome, unless it is of a configuration outside the space, as `first` may have."""
        inside = (key in self._space and position(self._space[key], each) is not None for key, each in params.items())
        if math.isfinite(value) and all(inside):
            insort(self._outcomes, (epochs, value, params), key=lambda each: (-each[0], -each[1]))
            self._share = None

    def _share_of_best(self) -> float:
        """The share of draws around the best one among those that are not uniform (their equation 3).

        It is how much more probable the best third is around the best one than by the priors; 0 until one is complete.
        """
        if self._share is None:
            counts = len(self._outcomes) >= ETA and self._outcomes[0][0] == math.inf
            self._share = self._weighed() if counts else 0.0
        return self._share

    def _weighed(self) -> float:
        top = [params for _, _, params in self._outcomes[: max(ETA, len(self._outcomes) // ETA)]]
        centre, weights = top[0], np.arange(len(top), 0, -1)
        by_prior = [sum(self._log_of_prior(key, value) for key, value in each.items()) for each in top]
        by_best = [sum(self._log_near(key, value, centre) for key, value in each.items()) for each in top]
        most = max(*by_prior, *by_best)  # the sum of exponentials without underflow
        prior, near = (float(weights @ np.exp(np.array(logs) - most)) for logs in (by_prior, by_best))
        return near / (prior + near)

    def _log_of_prior(self, key: str, value: Any) -> float:
        entry = self._space[key]
        if not isinstance(entry, Range) or entry.prior is None:
            return 0.0
        return _log_density(self._axes[key].place(value), self._axes[key].place(entry.prior), entry.deviation)

    def _log_near(self, key: str, value: Any, centre: Mapping[str, Any]) -> float:
        """The logarithm of the density around the best, over that of a uniform draw."""
        if key not in centre:  # it belongs to a choice that the best does not take
            return self._log_of_prior(key, value)
        axis, entry = self._axes[key], self._space[key]
        if isinstance(entry, Range) or (entry.ordered and len(entry.choices) > 1):
            return _log_density(axis.place(value), axis.place(centre[key]), DEVIATION)
        assert isinstance(entry, Choices)
        equal = axis.place(value) == axis.place(centre[key])
        return math.log((1 - PERTURBED) * len(entry.choices) * equal + PERTURBED)

    def _near(self, key: str, entry: Range | Choices, centre: Mapping[str, Any], rng: np.random.Generator) -> Any:
        """A value of one hyperparameter: that of the best configuration, or one near it."""
        if key not in centre:
            return draw_by_prior(entry, rng)
        if rng.random() >= PERTURBED:
            return centre[key]
        if isinstance(entry, Range):
            return draw_near(entry, centre[key], DEVIATION, rng)
        if not entry.ordered or len(entry.choices) == 1:
            return draw_uniformly(entry, rng)
        indices = Range(low=0, high=len(entry.choices) - 1, integer=True)
        return entry.in_order[draw_near(indices, self._axes[key].place(centre[key]) * indices.high, DEVIATION, rng)]


def _log_density(place: float, centre: float, deviation: float) -> float:
    """That of the normal distribution around `centre` that ends at 0 and 1."""
    from scipy.special import ndtr  # as in `points`

    inside = ndtr((1 - centre) / deviation) - ndtr(-centre / deviation)
    return -(((place - centre) / deviation) ** 2) / 2 - math.log(deviation * math.sqrt(2 * math.pi) * inside)
