"""What the scikit-learn estimators of trained models share: samples, outputs, pickling. May import scikit-learn."""

import threading
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from hpsearch.errors import InputError
from hpsearch.exporting.trained_model import TrainedModel, score
from hpsearch.nn.training import Measured

Array = npt.NDArray[Any]


class Predictor(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model as an estimator.

    Samples are (n, features), or images (n, channels, height, width), raw as in the dataset; they are standardised like
    the training samples. `fit` raises, since the model is already trained. Threads may share an estimator. It can be
    pickled; to unpickle it, its model file, and for a trainable its prepared split, must be where they were.
    """

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self.n_features_in_ = model.features
        plugin = model.plugin()
        self._network = model.network(plugin) if plugin.kind != "trainable" else None
        self._trainable = model.trainable(plugin) if plugin.kind == "trainable" else None
        self._lock = threading.Lock()  # calls share the buffers of the network

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]  # builds the network again: its layers may not be picklable

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> Self:
        """Raise InputError: the model is already trained."""
        raise InputError(
            f"trial {self.model.trial} of study {self.model.study!r} is trained already; launch a study to "
            "train another, or wrap this in sklearn.frozen.FrozenEstimator"
        )

    def _outputs(self, X: Any) -> npt.NDArray[np.float32]:
        """The outputs of a network, (n, outputs)."""
        assert self._network is not None
        samples = self._samples(X)
        with self._lock:
            return score(self._network, samples)

    def _evaluated(self, samples: Array, unknown: Array) -> Measured:
        """What a trainable predicts; `unknown` labels only enter its loss, which is not used."""
        assert self._trainable is not None
        with self._lock:
            found = self._trainable.evaluate(samples, unknown)
        if found.returned is not None:
            rule = "predicts nothing for a sample, its evaluate returns numbers alone"
            raise InputError(f"{self.model.model_file}: {rule}")
        return found

    def _samples(self, X: Any) -> npt.NDArray[np.float32]:
        """Check samples like scikit-learn, which raises ValueError, and standardise them."""
        samples = np.asarray(X)
        if samples.ndim == 4 and samples.shape[1:] == tuple(self.model.image_shape):
            samples = samples.reshape(len(samples), -1)
        if samples.ndim != 2 or samples.dtype.kind not in "biuf":
            raise ValueError(f"X must be numbers (samples, features), got {samples.dtype} {samples.shape}")
        if samples.shape[1] != self.n_features_in_:
            expects = f"{type(self).__name__} is expecting {self.n_features_in_} features as input"
            raise ValueError(f"X has {samples.shape[1]} features, but {expects}")
        with np.errstate(over="ignore"):
            standardised = self.model.standardise(samples)
        if not np.isfinite(standardised).all():
            raise ValueError("X contains NaN, infinity or a number too large for float32")
        return standardised
