"""Which configurations of a stage were not tried yet, so that none is trained twice. May import spec and NumPy."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from hpsearch.errors import HpsearchError
from hpsearch.search.samplers.axes import Axis
from hpsearch.search.samplers.points import Space, draw, first_of, position, trials_of
from hpsearch.spec import Stage
from hpsearch.spec.spaces.admission import ENUMERATED, all_of, constraints_of, kept, size_of
from hpsearch.spec.spaces.branches import within
from hpsearch.spec.tables.space import same

Draw = Callable[[Space, np.random.Generator, Mapping[str, Any]], dict[str, Any]]
"""Draws a configuration with the values that are given; see `draw`."""

MOST_DRAWS = 100_000
"""So many configurations in a row are drawn at most that were tried or break a constraint."""

DRAWS = 32
"""After so many, where a space is small enough to be listed, a configuration is taken from the list of the others."""


class NothingLeftError(HpsearchError):
    """There is no further configuration, or none was found: the stage is over."""


class Untried:
    """What a stage may still train: configurations that keep its constraints and, if `distinct`, were not tried yet.

    A configuration is its active hyperparameters with their values. Which one comes next depends on those that were
    tried, and not on their order.
    """

    def __init__(self, stage: Stage, space: Space, *, distinct: bool = True) -> None:
        """Without `distinct`, as in stages that began with earlier versions, configurations may come again."""
        self._stage, self._space, self.distinct = stage, space, distinct
        self._constraints = constraints_of(stage.constraints)
        self._tried: set[str] = set()
        self.is_listed = distinct and size_of(space) <= ENUMERATED
        self._list: _Listed | None = None

    @cached_property
    def points(self) -> int:
        """How many configurations there are to ask for: those of the study file, or fewer if the space has fewer.

        Where `first` has values outside the space it may be too many by a few; then NothingLeftError says so.
        """
        trials = trials_of(self._stage)
        return trials if not self.distinct else int(min(trials, self._most(trials) + self._outside))

    def _most(self, enough: int) -> float:
        """The number of configurations in the space that keep the constraints, counted up to `enough`."""
        if not self._constraints or not self.is_listed:
            return size_of(self._space) if not self._constraints else math.inf
        admitted = (1 for params in all_of(self._space) if kept(self._constraints, params))
        return sum(islice(admitted, enough))

    @property
    def _outside(self) -> int:
        inner = (all(key in self._space for key in row) for row in self._stage.tried_first)
        rows = zip(self._stage.tried_first, inner, strict=True)
        return sum(
            not inside or any(position(self._space[key], value) is None for key, value in row.items())
            for row, inside in rows
        )

    @property
    def fewer(self) -> str | None:
        """The sentence that all configurations were tried where there are fewer than the study file asks for."""
        return None if self.points == trials_of(self._stage) else self._all_tried(self.points)

    def _all_tried(self, number: int) -> str:
        asked = trials_of(self._stage)
        which = "The only configuration was" if number == 1 else f"All {number:,} different configurations were"
        return f"{which} tried; {asked:,} were asked for."

    def add(self, params: Mapping[str, Any]) -> None:
        """A configuration is tried."""
        if self.distinct:
            text = same(params)
            self._tried.add(text)
            if self._list is not None:
                self._list.remove(text)

    def keeps(self, params: Mapping[str, Any]) -> bool:
        """Does it keep the constraints?"""
        return kept(self._constraints, params)

    def admits(self, params: Mapping[str, Any]) -> bool:
        """Does it keep the constraints, and was it not tried?"""
        return self.keeps(params) and not self.was_tried(params)

    def was_tried(self, params: Mapping[str, Any]) -> bool:
        """Was it tried, where that counts?"""
        return self.distinct and same(params) in self._tried

    def first(self, number: int) -> dict[str, Any]:
        """The values of `first` for a configuration with this number; {} if all that have them were tried."""
        given = first_of(self._stage, number)
        if given and self.distinct:
            part = within(self._space, given)
            if size_of(part) <= ENUMERATED and not any(map(self.admits, all_of(part))):
                return {}
        return given

    def draw(self, number: int, rng: np.random.Generator, drawn_by: Draw = draw) -> dict[str, Any]:
        """Draw the configuration with this number, with the values of `first`, until one is admitted.

        Raises NothingLeftError if all were tried or none was found that was not, HpsearchError if none was found that
        keeps the constraints.
        """
        given, any_kept = self.first(number), False
        for i in range(MOST_DRAWS):
            if i == DRAWS and self.is_listed:
                return self._from_list(given, rng)
            drawn = drawn_by(self._space, rng, given)
            if self.keeps(drawn):
                if not self.was_tried(drawn):
                    return drawn
                any_kept = True
        raise self.not_found(number, any_kept=any_kept)

    def instead(self, proposal: Mapping[str, Any], number: int, rng: np.random.Generator) -> dict[str, Any]:
        """The configuration to try where this one, and others like it, are not admitted.

        It is the one nearest to it where the space is small enough to be listed, else drawn at random.
        """
        if not self.is_listed or self.first(number):
            return self.draw(number, rng)
        return self._listed().nearest(proposal, rng)

    def _from_list(self, given: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        if not given:
            return self._listed().drawn(rng)
        part = within(self._space, given)
        left = [params for params in all_of(part) if self.admits(params)]
        return left[int(rng.integers(len(left)))]

    def _listed(self) -> "_Listed":
        if self._list is None:
            kept_ones = ((same(params), params) for params in all_of(self._space) if self.keeps(params))
            self._list = _Listed(self._space, {text: each for text, each in kept_ones if text not in self._tried})
        if not self._list.left.any():
            raise NothingLeftError(self._all_tried(len(self._tried)))
        return self._list

    def not_found(self, number: int, *, any_kept: bool) -> HpsearchError:
        """The error that so many draws had no configuration: none that keeps the constraints, or none untried."""
        if any_kept:
            what = f"No untried configuration was found in {MOST_DRAWS:,} draws"
            return NothingLeftError(f"{what}; {number:,} were tried, of {trials_of(self._stage):,} asked for.")
        texts = " and ".join(map(repr, self._stage.constraints))
        what = f"stage {self._stage.name!r}: no configuration {number} was found that keeps {texts}"
        return HpsearchError(f"{what}, in {MOST_DRAWS:_} draws; widen the constraints or narrow the ranges")


class _Listed:
    """The configurations of a finite space that are left, with the distances between them."""

    def __init__(self, space: Space, configurations: Mapping[str, dict[str, Any]]) -> None:
        """`configurations` by their texts (see `same`)."""
        self._space, self._configurations = space, list(configurations.values())
        self._numbers = {text: i for i, text in enumerate(configurations)}
        self.left = np.ones(len(configurations), dtype=bool)

    def remove(self, text: str) -> None:
        if (number := self._numbers.get(text)) is not None:
            self.left[number] = False

    def drawn(self, rng: np.random.Generator) -> dict[str, Any]:
        """One of those left, all equally probable."""
        return self._one_of(np.flatnonzero(self.left), rng)

    def nearest(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """The one left that is nearest, each hyperparameter from 0 to 1 on its scale; a random one of several.

        The distance of different values without an order is 1, and so is that of a hyperparameter that is there from
        one that is not.
        """
        numbers = np.flatnonzero(self.left)
        total = np.minimum(np.abs(self._places[numbers] - self._place(params)), 1).sum(axis=1)
        return self._one_of(numbers[total <= total.min() + 1e-9], rng)

    def _one_of(self, numbers: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
        return dict(self._configurations[int(numbers[rng.integers(len(numbers))])])

    @cached_property
    def _places(self) -> np.ndarray:
        return np.array([self._place(params) for params in self._configurations])

    @cached_property
    def _axes(self) -> dict[str, Axis]:
        return {key: Axis(entry) for key, entry in self._space.items()}

    def _place(self, params: Mapping[str, Any]) -> list[float]:
        """The place of each hyperparameter; of one that is not there it is more than 1 away from all others."""
        return [axis.place(params[key]) if key in params else -2.0 for key, axis in self._axes.items()]
