"""Random search: each configuration is drawn from the space on its own. May import spec and NumPy."""

from typing import Any

from hpsearch.nn.random import generator
from hpsearch.search.samplers.points import Space, draw_admitted, trials_of
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.spec import Stage


class RandomSampler(Sampler):
    """Draws each configuration with its own generator, so that it does not depend on the others or their number."""

    def __init__(self, stage: Stage, space: Space, seed: int) -> None:
        """`seed` is the study's."""
        self._stage, self._space, self._seed = stage, space, seed

    @property
    def points(self) -> int:
        return trials_of(self._stage)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        rng = generator(self._seed, "sample", self._stage.name, number)
        return draw_admitted(self._stage, self._space, number, rng), None
