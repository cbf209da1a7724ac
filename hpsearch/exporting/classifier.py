"""A trained model as a scikit-learn classifier: raw samples in, labels out. May import scikit-learn."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from hpsearch.errors import InputError
from hpsearch.exporting.predictions.labels import labels_of, numbers_of
from hpsearch.exporting.predictor import Array, Predictor
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.nn.losses import probabilities


def _has_scores(classifier: "Classifier") -> bool:
    return classifier._model.network is not None


def _has_probabilities(classifier: "Classifier") -> bool:
    if classifier._model.network is None:
        return classifier._model.has_probabilities
    return bool(classifier.model.configuration.training.loss == "cross_entropy")


class Classifier(ClassifierMixin, Predictor):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model: `predict` and `score`; a network has `decision_function`, with cross-entropy `predict_proba`.
    A trainable has `predict_proba` where it defines it.

    `classes_` are the labels of the dataset's file, in the order of the model's outputs: whole numbers, numbers, truth
    values or text. `class_names_` has them as text.
    """

    def __init__(self, model: TrainedModel) -> None:
        if model.targets:
            raise InputError(f"trial {model.trial} of study {model.study!r} is of a regression: use Results.regressor")
        super().__init__(model)

    @property
    def classes_(self) -> Array:
        """The labels (C,)."""
        return labels_of(self.model.classes)

    @property
    def class_names_(self) -> Array:
        """The labels as text (C,)."""
        return np.array(self.model.classes)

    @available_if(_has_scores)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the class scores (n, classes); with two classes, the second score less the first (n,)."""
        scores = self._model.scores(self._samples(X))
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the class probabilities (n, classes): the softmax of the scores; of a trainable, its own."""
        samples = self._samples(X)
        if self._model.network is None:
            return self._model.probabilities(samples) if len(samples) else np.empty((0, len(self.model.classes)))
        return probabilities(self._model.scores(samples))

    def predict(self, X: Any) -> Array:
        """Return the predicted label (n,) of each sample."""
        numbers = self._numbers(X)
        return np.asarray(self.classes_[numbers])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on samples with these labels. Raises ValueError where no label is one of `classes_`."""
        truth = numbers_of(column_or_1d(y), self.classes_)
        predicted = self._numbers(X)
        if len(truth) != len(predicted):
            raise ValueError(f"y must have a label for each of the {len(predicted):,} samples, has {len(truth):,}")
        return float(np.average(predicted == truth, weights=sample_weight))

    def _numbers(self, X: Any) -> npt.NDArray[np.int64]:
        """The predicted classes (n,) by number."""
        samples = self._samples(X)
        if self._model.network is not None:
            return np.asarray(self._model.scores(samples).argmax(axis=1))
        if not len(samples):
            return np.empty(0, np.int64)
        return self._model.predicted(samples, np.zeros(len(samples), np.int64)).astype(np.int64)
