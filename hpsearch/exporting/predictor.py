"""What the scikit-learn estimators of trained models share: samples, pickling, names. May import scikit-learn."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from hpsearch.errors import InputError
from hpsearch.exporting.predictions.samples import check_finite, encoded, to_array
from hpsearch.exporting.trained_model import TrainedModel

Array = npt.NDArray[Any]


class Predictor(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model as an estimator.

    Samples are (n, features), or images (n, channels, height, width), raw as in the dataset; they are standardised like
    the training samples. A frame's columns are put in the order of `feature_names_in_`, which the model of a CSV file
    has. `fit` raises, since the model is already trained. Threads may share an estimator. It can be pickled; to
    unpickle it, its model file, and for a trainable its prepared split, must be where they were, unless it came from
    `hpsearch export --format joblib`.
    """

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self._model = model.made()

    @property
    def n_features_in_(self) -> int:
        """The number of features; of a table, of its columns."""
        return len(self.model.feature_names) or self.model.features

    @property
    def feature_names_in_(self) -> Array:
        """The names of the features, in their order; missing where the dataset has none."""
        if not self.model.feature_names:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'feature_names_in_'")
        return np.array(self.model.feature_names, dtype=object)

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]  # builds the network again: its layers may not be picklable

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None) -> Self:
        """Raise InputError: the model is already trained."""
        raise InputError(
            f"trial {self.model.trial} of study {self.model.study!r} is trained already; launch a study to "
            "train another, or wrap this in sklearn.frozen.FrozenEstimator"
        )

    def _samples(self, X: Any) -> npt.NDArray[np.float32]:
        """Check samples like scikit-learn, which raises ValueError, and standardise them."""
        columns = self.model.columns
        if columns is not None and not columns.are_numbers:
            samples = encoded(X, columns)
        else:
            samples = to_array(X, self.model.feature_names)
        if samples.ndim == 4 and samples.shape[1:] == tuple(self.model.image_shape):
            samples = samples.reshape(len(samples), -1)
        if samples.ndim != 2 or samples.dtype.kind not in "biuf":
            hint = ". Reshape your data: one sample is a row" if samples.ndim == 1 else ""
            raise ValueError(f"X must be numbers (samples, features), got {samples.dtype} {samples.shape}{hint}")
        if samples.shape[1] != self.model.features:
            expects = f"{type(self).__name__} is expecting {self.n_features_in_} features as input"
            raise ValueError(f"X has {samples.shape[1]} features, but {expects}")
        with np.errstate(over="ignore"):
            standardised = np.ascontiguousarray(self.model.standardise(samples))  # a frame's order may give other bits
        if columns is None or not columns.keep_missing:
            check_finite(standardised, self.model.feature_names)
        return standardised
