"""A network trained, measured and saved step by step, as the checks do it with a trainable. May import nn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.metrics import Metric
from hpsearch.nn.training import Measured
from hpsearch.workers.models.npz import pack, unpack
from hpsearch.workers.segments.cohort import Cohort

Array = npt.NDArray[Any]


class Stepwise:
    """The first network of a cohort."""

    def __init__(self, cohort: Cohort) -> None:
        self._cohort, self.network = cohort, cohort.network

    def train(self, epoch: int) -> None:
        """Train one more epoch."""
        self._cohort.train_only(epoch)

    def evaluate(self, x: npt.NDArray[np.float32], y: Array, metrics: Sequence[Metric]) -> Measured:
        """Measure it; the cohort's segment has the metrics."""
        return self._cohort.evaluate(x, y)[0]

    def save(self) -> bytes:
        """All that it needs to continue."""
        return pack(self.network.state(0))

    def restore(self, content: bytes) -> None:
        """Continue from what `save` returned."""
        self.network.load(0, unpack(content))
