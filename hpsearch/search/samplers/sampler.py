"""What gives a stage's configurations their values, in order: a random or even draw, a grid, a list, or what was learnt.

Each configuration but a learnt one is keyed by its number, so that it depends neither on how many there are nor on which were
asked for before. May import spec and NumPy.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.nn.random import generator
from hpsearch.search.samplers.model_based import Learner
from hpsearch.search.samplers.optuna_samplers import CLASSES, check_options
from hpsearch.search.samplers.points import Point, Space, draw, first_of
from hpsearch.search.samplers.quasi_random import QuasiRandom
from hpsearch.spec import LEARNING, Around, Range, Stage
from hpsearch.spec.messages import fail
from hpsearch.storage.records import COMPLETE

__all__ = ["Asking", "Point", "Space", "check_sampler", "draw"]


class Asking:
    """Gives a stage's configurations their values; a sampler that learns does so from the outcomes that it is told.

    Asked whole, or asked in part, killed, recalled and asked on, it gives the same values to the bit.
    """

    def __init__(self, stage: Stage, space: Space, seed: int, known: Sequence[Mapping[str, Any]] = ()) -> None:
        """`seed` is the study's; `known` has {"params", "value"} of an earlier study's configurations, to learn from."""
        self.stage, self.space, self.seed = stage, space, seed
        self.learns = stage.kind in LEARNING
        self._known = known

    @property
    def points(self) -> int:
        """How many configurations there are to ask for."""
        if self.stage.configurations is not None:
            return len(self.stage.configurations)
        trials: int | None = getattr(self.stage.sampler, "trials", None)
        return math.prod(len(values) for values in self._axes.values()) if trials is None else trials

    def ask(self, number: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The values of a configuration, and what `recall` will need; those that learn are asked in order.

        Raises HpsearchError where Optuna's sampler fails.
        """
        if self.learns:
            return self._learner.ask(number)
        if self.stage.configurations is not None:
            return dict(self.stage.configurations[number]), None
        if self.stage.kind == "grid":
            return self._on_grid(number), None
        if self.stage.kind == "qmc":
            drawn = self._quasi_random.point(number)
        else:
            drawn = draw(self.space, generator(self.seed, "sample", self.stage.name, number))
        return drawn | first_of(self.stage, number), None

    def recall(self, point: Point) -> None:
        """Take in, instead of asking for it, a configuration that was asked for in an earlier run; in order."""
        if self.learns:
            self._learner.recall(point)

    def tell(self, point: Point) -> None:
        """Take in a configuration's outcome, in order; all that were told before an ask are what that ask sees."""
        if self.learns:
            self._learner.tell(point)

    @cached_property
    def _learner(self) -> Learner:
        return Learner(self.stage, self.space, self.seed, self._known)

    @cached_property
    def _quasi_random(self) -> QuasiRandom:
        return QuasiRandom(self.stage, self.space, self.seed)

    @cached_property
    def _axes(self) -> dict[str, list[Any]]:
        return {key: entry.grid() for key, entry in self.space.items()}

    def _on_grid(self, number: int) -> dict[str, Any]:
        """The grid's point with this number: the last key varies fastest."""
        found = {}
        for key, values in reversed(self._axes.items()):
            number, place = divmod(number, len(values))
            found[key] = values[place]
        return {key: found[key] for key in self.space}


def check_sampler(stage: Stage, place: str, i: int) -> None:
    """Raise StudyFileError if a stage's sampler misses its package, or Optuna does not take its options.

    `place` is where the study file came from, `i` the stage's position in it. What the options' types do not tell is
    found by asking for some configurations of a space like the stage's.
    """
    check_options(stage, place, i)
    if stage.sampler is None or not getattr(stage.sampler, "options", {}):
        return
    space = {
        key: Range(low=1.0, high=2.0) if isinstance(entry, Around) else entry for key, entry in stage.space.items()
    }
    sooner = {"n_startup_trials": 2} if stage.kind in LEARNING else {}
    trial = stage.model_copy(update={"sampler": stage.sampler.model_copy(update=sooner), "first": ()})
    try:
        asking = Asking(trial, space, seed=0)
        for number in range(4):
            params, asked = asking.ask(number)
            asking.tell(Point(number, params, COMPLETE, number / 10, (), asked))
    except Exception as error:  # whatever Optuna says to options that it does not expect
        cause = error.__cause__ if isinstance(error, HpsearchError) and error.__cause__ else error
        said = str(cause) or type(cause).__name__
        rule = f"has options that Optuna's {CLASSES[stage.kind]} does not take: {said}"
        raise fail(place, ["stage", i, "sampler"], rule) from None
