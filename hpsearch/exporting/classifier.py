"""A finished model as a classifier of scikit-learn's kind: raw images in, classes out. May import scikit-learn."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from hpsearch.errors import InputError
from hpsearch.exporting.trained_model import Finished, score

Array = npt.NDArray[Any]


def _has_scores(classifier: "Classifier") -> bool:
    return classifier._network is not None


def _has_probabilities(classifier: "Classifier") -> bool:
    return _has_scores(classifier) and bool(classifier.model.configuration.training.loss == "cross_entropy")


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model: `predict` and `score`; of a network `decision_function`, of a cross-entropy `predict_proba`.

    Images are (n, features), or (n, channels, height, width), raw as the dataset has them: they are standardised as in
    training. Classes are the dataset's labels 0, 1, …; `class_names_` has their names. It is trained already: `fit`
    refuses. Threads may share it. It can be pickled, and then needs its model file where it was (a trainable, its
    prepared images too).
    """

    def __init__(self, model: Finished) -> None:
        self.model = model
        self.classes_ = np.arange(len(model.classes))
        self.class_names_ = np.array(model.classes)
        self.n_features_in_ = model.features
        plugin = model.plugin()
        self._network = model.network(plugin) if plugin.kind == "layers" else None
        self._trainable = model.trainable(plugin) if plugin.kind == "trainable" else None
        self._one_at_a_time = threading.Lock()  # a network's buffers are the next call's too

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]  # the network is built anew: its layers may be of any kind

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> "Classifier":
        """Raise InputError: what it knows comes from its study."""
        raise InputError(
            f"trial {self.model.trial} of study {self.model.study!r} is trained already, on its study's images; "
            "launch a study to train, or wrap this in sklearn.frozen.FrozenEstimator"
        )

    @available_if(_has_scores)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the class scores (n, classes) of images; of two classes, how far the second is ahead (n,)."""
        scores = self._scores(X)
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return each class's probability (n, classes), by the softmax of the scores."""
        scores = self._scores(X).astype(np.float64)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """Return the class (n,) of each image."""
        if self._trainable is None:
            return np.asarray(self._scores(X).argmax(axis=1))
        samples = self._samples(X)
        if not len(samples):
            return np.empty(0, np.int64)
        unknown = np.zeros(len(samples), np.int64)  # the loss, which needs labels, is not looked at
        with self._one_at_a_time:
            return self._trainable.evaluate(samples, unknown).predicted.astype(np.int64)

    def _scores(self, X: Any) -> npt.NDArray[np.float32]:
        assert self._network is not None
        samples = self._samples(X)
        with self._one_at_a_time:
            return score(self._network, samples)

    def _samples(self, X: Any) -> npt.NDArray[np.float32]:
        """Check images as scikit-learn does, which raises ValueError, and standardise them."""
        samples = np.asarray(X)
        if samples.ndim == 4 and samples.shape[1:] == tuple(self.model.image_shape):
            samples = samples.reshape(len(samples), -1)
        if samples.ndim != 2 or samples.dtype.kind not in "biuf":
            raise ValueError(f"X must be numbers (images, features), got {samples.dtype} {samples.shape}")
        if samples.shape[1] != self.n_features_in_:
            expects = f"Classifier is expecting {self.n_features_in_} features as input"
            raise ValueError(f"X has {samples.shape[1]} features, but {expects}")
        with np.errstate(over="ignore"):
            standardised = self.model.standardise(samples)
        if not np.isfinite(standardised).all():
            raise ValueError("X contains NaN, infinity or a number too large for float32")
        return standardised
