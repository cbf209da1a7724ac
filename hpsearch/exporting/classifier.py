"""A trained model as a scikit-learn classifier: raw samples in, classes out. May import scikit-learn."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from hpsearch.errors import InputError
from hpsearch.exporting.trained_model import TrainedModel, score

Array = npt.NDArray[Any]


def _has_scores(classifier: "Classifier") -> bool:
    return classifier._network is not None


def _has_probabilities(classifier: "Classifier") -> bool:
    return _has_scores(classifier) and bool(classifier.model.configuration.training.loss == "cross_entropy")


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model: `predict` and `score`; a network has `decision_function`, with cross-entropy `predict_proba`.

    Samples are (n, features), or images (n, channels, height, width), raw as in the dataset; they are standardised like
    the training samples. Classes are the labels 0, 1, … of the dataset; `class_names_` has their names. `fit` raises,
    since the model is already trained. Threads may share a classifier. It can be pickled; to unpickle it, its model
    file, and for a trainable its prepared split, must be where they were.
    """

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self.classes_ = np.arange(len(model.classes))
        self.class_names_ = np.array(model.classes)
        self.n_features_in_ = model.features
        plugin = model.plugin()
        self._network = model.network(plugin) if plugin.kind == "layers" else None
        self._trainable = model.trainable(plugin) if plugin.kind == "trainable" else None
        self._lock = threading.Lock()  # calls share the buffers of the network

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]  # builds the network again: its layers may not be picklable

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> "Classifier":
        """Raise InputError: the model is already trained."""
        raise InputError(
            f"trial {self.model.trial} of study {self.model.study!r} is trained already; launch a study to "
            "train another, or wrap this in sklearn.frozen.FrozenEstimator"
        )

    @available_if(_has_scores)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the class scores (n, classes); with two classes, the second score less the first (n,)."""
        scores = self._scores(X)
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the class probabilities (n, classes), the softmax of the scores."""
        scores = self._scores(X).astype(np.float64)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """Return the predicted class (n,) of each sample."""
        if self._trainable is None:
            return np.asarray(self._scores(X).argmax(axis=1))
        samples = self._samples(X)
        if not len(samples):
            return np.empty(0, np.int64)
        unknown = np.zeros(len(samples), np.int64)  # the loss, which needs labels, is not used
        with self._lock:
            found = self._trainable.evaluate(samples, unknown)
        if found.returned is not None:
            raise InputError(f"{self.model.model_file}: predicts no classes, its evaluate returns numbers alone")
        return found.predicted.astype(np.int64)

    def _scores(self, X: Any) -> npt.NDArray[np.float32]:
        assert self._network is not None
        samples = self._samples(X)
        with self._lock:
            return score(self._network, samples)

    def _samples(self, X: Any) -> npt.NDArray[np.float32]:
        """Check samples like scikit-learn, which raises ValueError, and standardise them."""
        samples = np.asarray(X)
        if samples.ndim == 4 and samples.shape[1:] == tuple(self.model.image_shape):
            samples = samples.reshape(len(samples), -1)
        if samples.ndim != 2 or samples.dtype.kind not in "biuf":
            raise ValueError(f"X must be numbers (samples, features), got {samples.dtype} {samples.shape}")
        if samples.shape[1] != self.n_features_in_:
            expects = f"Classifier is expecting {self.n_features_in_} features as input"
            raise ValueError(f"X has {samples.shape[1]} features, but {expects}")
        with np.errstate(over="ignore"):
            standardised = self.model.standardise(samples)
        if not np.isfinite(standardised).all():
            raise ValueError("X contains NaN, infinity or a number too large for float32")
        return standardised
