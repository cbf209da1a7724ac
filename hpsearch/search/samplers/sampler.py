"""The interface of a sampler. May import the standard library and this folder's `points`."""

from typing import Any, Protocol

from hpsearch.search.samplers.points import Point

SamplerAttributes = dict[str, Any] | None
"""What a sampler must know of a configuration to replay it later, as JSON; None for most samplers."""


class Sampler(Protocol):
    """Chooses a stage's configurations, in order, and may learn from their outcomes.

    A stage whose run is killed makes its sampler again, replays the stored configurations and goes on: the values are
    the same to the last bit.
    """

    learns: bool = False
    """Does a configuration depend on the outcomes of earlier ones?"""

    @property
    def points(self) -> int:
        """The number of configurations that there are to ask for."""

    @property
    def fewer(self) -> str | None:
        """A sentence on it, where there are fewer than the study file asks for."""
        return None

    def ask(self, number: int) -> tuple[dict[str, Any], SamplerAttributes]:
        """The values of a configuration, and what `recall` will need; a sampler that learns is asked in order.

        Raises NothingLeftError where there is no further one, HpsearchError where Optuna's sampler fails.
        """

    def recall(self, point: Point) -> None:
        """Take in a configuration that an earlier run asked for, instead of asking for it; in order."""
        return

    def tell(self, point: Point) -> None:
        """Take in a configuration's outcome; in order. An `ask` sees all outcomes that were told before it."""
        return
