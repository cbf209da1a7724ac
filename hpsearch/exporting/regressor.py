"""A trained model as a scikit-learn regressor: raw samples in, values out. May import scikit-learn."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from hpsearch.errors import InputError
from hpsearch.exporting.predictor import Predictor
from hpsearch.exporting.trained_model import TrainedModel


class Regressor(RegressorMixin, Predictor):  # type: ignore[misc]  # scikit-learn has no types
    """A trained model: `predict` returns values in the targets' own units, and `score` their R².

    `target_names_` has the names of the targets.
    """

    def __init__(self, model: TrainedModel) -> None:
        if not model.targets:
            raise InputError(
                f"trial {model.trial} of study {model.study!r} is of a classification: use Results.classifier"
            )
        super().__init__(model)

    @property
    def target_names_(self) -> npt.NDArray[Any]:
        """The names of the targets (T,)."""
        return np.array(self.model.targets)

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the predicted values in the targets' own units: of one target (n,), else (n, targets)."""
        samples = self._samples(X)
        if self._model.network is not None:
            found: npt.NDArray[Any] = self._model.scores(samples)
        else:
            unknown = np.zeros((len(samples), self.model.outputs), np.float32)
            found = self._model.predicted(samples, unknown) if len(samples) else unknown
        values = self.model.in_units(found)
        return values[:, 0] if self.model.outputs == 1 else values
