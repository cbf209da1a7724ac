"""A trained model as a scikit-learn classifier: raw samples in, classes out. May import scikit-learn."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from hpsearch.errors import InputError
from hpsearch.exporting.predictor import Predictor
from hpsearch.exporting.trained_model import TrainedModel


def _has_scores(classifier: "Classifier") -> bool:
    return classifier._network is not None


def _has_probabilities(classifier: "Classifier") -> bool:
    if classifier._trainable is not None:
        return "predict_proba" in classifier._trainable.evaluations
    return bool(classifier.model.configuration.training.loss == "cross_entropy")


class Classifier(ClassifierMixin, Predictor):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model: `predict` and `score`; a network has `decision_function`, with cross-entropy `predict_proba`.
    A trainable has `predict_proba` where it defines it.

    Classes are the labels 0, 1, … of the dataset; `class_names_` has their names.
    """

    def __init__(self, model: TrainedModel) -> None:
        if model.targets:
            raise InputError(f"trial {model.trial} of study {model.study!r} is of a regression: use Results.regressor")
        super().__init__(model)
        self.classes_ = np.arange(len(model.classes))
        self.class_names_ = np.array(model.classes)

    @available_if(_has_scores)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the class scores (n, classes); with two classes, the second score less the first (n,)."""
        scores = self._outputs(X)
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the class probabilities (n, classes): the softmax of the scores; of a trainable, its own."""
        if self._trainable is not None:
            samples = self._samples(X)
            with self._lock:
                return self._trainable.probabilities(samples)
        scores = self._outputs(X).astype(np.float64)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """Return the predicted class (n,) of each sample."""
        if self._trainable is None:
            return np.asarray(self._outputs(X).argmax(axis=1))
        samples = self._samples(X)
        if not len(samples):
            return np.empty(0, np.int64)
        return self._evaluated(samples, np.zeros(len(samples), np.int64)).predicted.astype(np.int64)
