"""Checks of what a trainable returns: an error names the file, the method and the value.

May import trainables and `hpsearch.errors`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hpsearch.data import class_weights
from hpsearch.errors import ModelError, raised
from hpsearch.metrics import MOST, Metric
from hpsearch.nn.random import generator
from hpsearch.nn.training import Measured
from hpsearch.spec import Configuration
from hpsearch.trainables import EVALUATIONS, Array, Data, FromFunctions, Trainable
from hpsearch.workers.models.estimators import Estimator
from hpsearch.workers.models.npz import pack, unpack
from hpsearch.workers.models.plugin import Plugin, called, check_types, on_one_line, shown
from hpsearch.workers.models.predictions import (
    Predicted,
    PredictionError,
    as_array,
    checked_classes,
    loss_of,
    of_classes_or_scores,
    of_numbers,
    of_probabilities,
    of_values,
)

Checked = TypeVar("Checked")

METHODS = ("train", "save", "restore")

_FUNCTIONS = dict.fromkeys(METHODS, "train_epoch")
"""The plain function that messages name for a method."""

_TAKEN_BY_NPZ = ("file", "allow_pickle", "args", "kwds")
_LONGEST_NAME = 200
_SEEDS = 2**31  # the range of seeds that every library accepts


def squeezed(targets: Array) -> Array:
    """The targets (n, T) as a trainable gets them: of one target (n,), as scikit-learn's regressors have it."""
    return targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets


def seed_of(seed: int, key: tuple[str, int], replicate: int) -> int:
    """A trial's own seed, in [0, 2³¹)."""
    return int(generator(seed, "trainable", *key, replicate).integers(_SEEDS))


def common_seed(seed: int, replicate: int) -> int:
    """The seed that all trials of a replicate share, in [0, 2³¹)."""
    return int(generator(seed, "trainables", replicate).integers(_SEEDS))


def make(plugin: Plugin, data: Data, seed: int, configuration: Configuration) -> "CheckedTrainable":
    """Make the trainable of a configuration. Raises ModelError if the plug-in refuses it or makes no trainable."""
    assert plugin.taken is not None
    training: dict[str, Any] = {"lambda_": configuration.training.lambda_, "eta": configuration.training.eta}
    training["batch_size"] = configuration.training.batch_size
    if (weight := configuration.training.class_weight) is not None:
        training["class_weight"] = class_weights(weight, data.labels, data.class_names)
    asked = {key.removesuffix("_"): key for key in training if key.removesuffix("_") in plugin.taken}
    given = {name: training[name] for name in asked.values() if training[name] is not None}
    if plugin.way == "estimator":
        return _estimator(plugin, data, seed, configuration, given)
    return make_with(plugin, data, seed, configuration.parameters | given)


def _estimator(
    plugin: Plugin, data: Data, seed: int, configuration: Configuration, given: dict[str, Any]
) -> "CheckedTrainable":
    """Make an estimator; what it needs of [training], `given`, is `class_weight` by class and `batch_size`."""
    parameters, epochs = configuration.parameters, configuration.training.epochs or 1
    if twice := next(iter(given.keys() & parameters.keys()), None):
        raise ModelError(f"{plugin.path}: {twice} must be given in one place, got it in [model] and in [training]")
    if "class_weight" in given:
        given["class_weight"] = {number: float(weight) for number, weight in enumerate(given["class_weight"])}
    check_types(plugin, parameters)
    parameters = parameters | given
    own = {key: parameters.pop(key) for key in [*parameters] if key in plugin.own}
    what = shown("estimator", own)
    made = called(plugin, what, lambda: plugin.function(**own))
    trained = called(plugin, "it", lambda: Estimator(made, data, seed, parameters, epochs))
    return CheckedTrainable(trained, plugin.path, data)


def make_with(plugin: Plugin, data: Data, seed: int, parameters: dict[str, Any]) -> "CheckedTrainable":
    """Make the trainable from all keyword arguments of the plug-in's function."""
    check_types(plugin, parameters)
    if plugin.predictions is not None:
        functions = FromFunctions(plugin.function, plugin.predictions, data, seed, parameters)
        return CheckedTrainable(functions, plugin.path, data)
    what = shown("make", parameters)
    made = called(plugin, what, lambda: plugin.function(data, seed, **parameters))
    missing = [method for method in METHODS if not _has(made, method)]
    if missing or not any(_has(made, method) for method in EVALUATIONS):
        rule = f"must return a trainable with {', '.join(METHODS)} and one of {', '.join(EVALUATIONS)}"
        lacks = ", ".join(missing) or "any of these"
        raise ModelError(f"{plugin.path}: {what} {rule}, got {on_one_line(made)} without {lacks}")
    return CheckedTrainable(made, plugin.path, data)


def _has(made: object, method: str) -> bool:
    return callable(getattr(made, method, None))


class CheckedTrainable:
    """Wraps a trainable; raises ModelError, in one line, wherever it breaks the protocol."""

    def __init__(self, trainable: Trainable, path: Path | str, data: Data) -> None:
        self.trainable, self._path = trainable, path
        self._classes, self._targets = data.classes, len(data.target_names)
        self._functions = isinstance(trainable, FromFunctions)
        self._names = _FUNCTIONS if self._functions else {method: method for method in METHODS}
        self.evaluations = [method for method in EVALUATIONS if _has(trainable, method)]
        if self._targets and self.evaluations == ["predict_proba"]:
            raise ModelError(f"{path}: a regression has no probabilities: define predict, which returns values")

    def gives(self, needed: str) -> bool:
        """Can it give "probabilities" or "scores"? `predict` may return scores or classes: that is seen in training."""
        enough = ("predict_proba",) if needed == "probabilities" else ("predict_proba", "predict")
        return any(method in self.evaluations for method in enough)

    def train(self, epoch: int) -> None:
        """Train one more epoch."""
        self._call("train", lambda: self.trainable.train(epoch), f"({epoch})")
        if self._functions:  # they continue from what would be stored, so that the end of a segment makes no difference
            self.restore(self.save())

    def evaluate(self, samples: npt.NDArray[np.float32], labels: Array, metrics: Sequence[Metric] = ()) -> Measured:
        """Evaluate on samples (n, features) with labels (n,) or targets (n, T). A trainable's cost is its loss.

        metrics: those of the study, the objective first.
        """
        own = self._own_evaluation(samples, squeezed(labels)) if "evaluate" in self.evaluations else None
        if isinstance(own, Mapping):
            returned = self._checked("evaluate", lambda: of_numbers(own, metrics))
            for name, number in returned.items():
                if MOST < abs(number) < math.inf:
                    raise self._error(f"evaluate must return numbers of at most {MOST:g}", {name: number})
            own_loss, nothing = loss_of(returned, metrics), np.empty((len(labels), 0), np.float32)
            return Measured(own_loss, own_loss, math.nan, nothing, returned=returned)
        if lacking := [metric.name for metric in metrics if metric.kind == "returned"]:
            rule = f"must return a mapping of numbers with {lacking[0]!r}, which the study asks for"
            raise ModelError(f"{self._path}: evaluate {rule}, returned predictions")
        if self._targets:
            return self._values(samples, labels, own)
        outputs = any(metric.needs in ("probabilities", "scores") for metric in metrics)
        loss, found = None, None
        if own is not None:
            loss, predicted = own
            classes = self._checked("evaluate", lambda: checked_classes(predicted, len(labels), self._classes))
            found = Predicted(classes)
        if found is None or outputs:
            more = self._predicted(samples)
            if outputs and more.scores is None:
                rule = f"must return scores ({len(labels)}, {self._classes}) as floats, which the study's metrics need"
                raise ModelError(f"{self._path}: predict {rule}, returned classes")
            found = Predicted((found or more).classes, more.scores)
        loss = found.loss(labels) if loss is None else loss
        chosen = found.classes.astype(np.uint8 if self._classes <= 256 else np.uint16)
        scores = found.scores.astype(np.float32) if outputs and found.scores is not None else None
        return Measured(loss, loss, float(np.mean(chosen == labels)), chosen, scores)

    def probabilities(self, samples: npt.NDArray[np.float32]) -> Array:
        """The probability of each class (n, classes), as its `predict_proba` returns it."""
        trained: Any = self.trainable
        returned = self._call("predict_proba", lambda: trained.predict_proba(samples))
        self._checked("predict_proba", lambda: of_probabilities(returned, len(samples), self._classes))
        return np.asarray(returned)

    def _predicted(self, samples: Array) -> Predicted:
        """The predicted classes, with scores or probabilities if it gives any."""
        trained: Any = self.trainable
        if "predict_proba" in self.evaluations:
            returned = self._call("predict_proba", lambda: trained.predict_proba(samples))
            return self._checked("predict_proba", lambda: of_probabilities(returned, len(samples), self._classes))
        returned = self._call("predict", lambda: trained.predict(samples))
        return self._checked("predict", lambda: of_classes_or_scores(returned, len(samples), self._classes))

    def _values(self, samples: Array, targets: Array, own: tuple[float, Array] | None) -> Measured:
        """Evaluate in a regression: its own loss, or the mean squared error of its standardised values."""
        trained: Any = self.trainable
        loss, method = None, "predict"
        if own is not None:
            (loss, returned), method = own, "evaluate"
        else:
            returned = self._call("predict", lambda: trained.predict(samples))
        values = self._checked(method, lambda: of_values(returned, len(samples), self._targets))
        if loss is None:
            with np.errstate(over="ignore", invalid="ignore"):  # a diverging trial is found by its loss
                loss = float(np.square(values.astype(np.float64) - targets).mean())
        return Measured(loss, loss, math.nan, values)

    def _own_evaluation(self, samples: Array, labels: Array) -> tuple[float, Array] | Mapping[Any, Any]:
        """The loss and the predictions that its `evaluate` returns, or a mapping of numbers."""
        trained: Any = self.trainable
        found = self._call("evaluate", lambda: trained.evaluate(samples, labels))
        if isinstance(found, Mapping):
            return found
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._error("evaluate must return (loss, predicted)", found)
        try:
            return float(found[0]), as_array(found[1])
        except Exception:  # of any class, whose conversion may raise anything
            raise self._error("evaluate must return its loss as a number", found[0]) from None

    def _checked(self, method: str, check: Callable[[], Checked]) -> Checked:
        try:
            return check()
        except PredictionError as error:
            raise ModelError(f"{self._path}: {method}{error}") from None

    def save(self) -> bytes:
        """Its state, as the bytes of an .npz file."""
        state = self._call("save", self.trainable.save)
        method = self._names["save"]
        if not isinstance(state, dict):
            raise self._error(f"{method} must return a dict of arrays by name", state)
        for name, array in state.items():
            if not _can_be_stored(name):
                rule = f"names of at most {_LONGEST_NAME} characters that do not end in .npy"
                raise self._error(f"{method} must give its arrays {rule}, none of {', '.join(_TAKEN_BY_NPZ)}", name)
            if not isinstance(array, np.ndarray | np.generic) or array.dtype.hasobject:
                raise self._error(f"{method} must return arrays of numbers or text, {name!r} is none", array)
        return pack(state)

    def restore(self, content: bytes) -> None:
        """Continue from what `save` returned."""
        self._call("restore", lambda: self.trainable.restore(unpack(content)))

    def _call(self, method: str, function: Callable[[], Any], given: str = "") -> Any:
        try:
            return function()
        except BaseException as error:
            raise ModelError(
                f"{self._path}: {self._names.get(method, method)}{given} raised {raised(error)}"
            ) from error

    def _error(self, rule: str, found: Any) -> ModelError:
        what = f"an array {found.dtype} {found.shape}" if isinstance(found, np.ndarray) else on_one_line(found)
        return ModelError(f"{self._path}: {rule}, returned {what}")


def _can_be_stored(name: object) -> bool:
    """Does an .npz file return the array under this name, and under this name alone?"""
    if not isinstance(name, str) or name in _TAKEN_BY_NPZ or name.endswith(".npy"):
        return False
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable()
