"""What a trained model returns for standardised samples. Threads may share it. May import `hpsearch.nn` and workers."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import InputError
from hpsearch.nn.network import Trained
from hpsearch.nn.products import ROWS_PER_CHUNK
from hpsearch.nn.training import Measured
from hpsearch.workers.models.checked_trainable import CheckedTrainable

Array = npt.NDArray[Any]


class Outputs:
    """The network or the trainable of a model, whose file is named in messages."""

    def __init__(
        self, model_file: Path | str, network: Trained | None = None, trainable: CheckedTrainable | None = None
    ) -> None:
        self.model_file, self.network, self.trainable = model_file, network, trainable
        self._lock = threading.Lock()  # calls share the buffers of the network

    @property
    def has_probabilities(self) -> bool:
        """Whether it is a trainable with probabilities of its own."""
        return self.trainable is not None and "predict_proba" in self.trainable.evaluations

    def scores(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The outputs (n, outputs) of a network."""
        assert self.network is not None
        with self._lock:
            return score(self.network, samples)

    def probabilities(self, samples: npt.NDArray[np.float32]) -> Array:
        """The probabilities (n, classes) of a trainable."""
        assert self.trainable is not None
        with self._lock:
            return self.trainable.probabilities(samples)

    def predicted(self, samples: npt.NDArray[np.float32], unknown: Array) -> Array:
        """What a trainable predicts; `unknown` labels only enter its loss, which is not used."""
        assert self.trainable is not None
        with self._lock:
            found: Measured = self.trainable.evaluate(samples, unknown)
        if found.returned is not None:
            rule = "predicts nothing for a sample, its evaluate returns numbers alone"
            raise InputError(f"{self.model_file}: {rule}")
        return found.predicted


def score(network: Trained, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the outputs (n, outputs) of standardised samples (n, features), in the same chunks as the search."""
    scores = np.empty((len(samples), network.outputs), np.float32)
    for start in range(0, len(samples), ROWS_PER_CHUNK):
        chunk = slice(start, start + ROWS_PER_CHUNK)
        scores[chunk] = network.forward(samples[chunk])[0]
    return scores
