"""Checks of what a trainable returns: an error names the file, the method and the value.

May import trainables and `hpsearch.errors`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data import class_weights
from hpsearch.errors import ModelError, raised
from hpsearch.nn.random import generator
from hpsearch.nn.training import Measured
from hpsearch.spec import Configuration
from hpsearch.trainables import Data, FromFunctions, PredictedError, Trainable
from hpsearch.workers.models.npz import pack, unpack
from hpsearch.workers.models.plugin import Plugin, called, check_types, on_one_line, shown

METHODS = ("train", "evaluate", "save", "restore")

_FUNCTIONS = {"train": "train_epoch", "evaluate": "predict", "save": "train_epoch", "restore": "train_epoch"}
"""The plain function that messages name for a method."""

_TAKEN_BY_NPZ = ("file", "allow_pickle", "args", "kwds")
_LONGEST_NAME = 200
_SEEDS = 2**31  # the range of seeds that every library accepts


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
    return make_with(plugin, data, seed, configuration.parameters | given)


def make_with(plugin: Plugin, data: Data, seed: int, parameters: dict[str, Any]) -> "CheckedTrainable":
    """Make the trainable from all keyword arguments of the plug-in's function."""
    check_types(plugin, parameters)
    if plugin.predict is not None:
        functions = FromFunctions(plugin.function, plugin.predict, data, seed, parameters)
        return CheckedTrainable(functions, plugin.path, data.classes)
    what = shown("make", parameters)
    made = called(plugin, what, lambda: plugin.function(data, seed, **parameters))
    if not isinstance(made, Trainable):
        missing = [method for method in METHODS if not callable(getattr(made, method, None))]
        rule = f"must return a trainable with {', '.join(METHODS)}"
        raise ModelError(f"{plugin.path}: {what} {rule}, got {on_one_line(made)} without {', '.join(missing)}")
    return CheckedTrainable(made, plugin.path, data.classes)


class CheckedTrainable:
    """Wraps a trainable; raises ModelError, in one line, wherever it breaks the protocol."""

    def __init__(self, trainable: Trainable, path: Path, classes: int) -> None:
        self.trainable, self._path, self._classes = trainable, path, classes
        self._functions = isinstance(trainable, FromFunctions)
        self._names = _FUNCTIONS if self._functions else {method: method for method in METHODS}

    def train(self, epoch: int) -> None:
        """Train one more epoch."""
        self._call("train", lambda: self.trainable.train(epoch), f"({epoch})")
        if self._functions:  # they continue from what would be stored, so that the end of a segment makes no difference
            self.restore(self.save())

    def evaluate(self, samples: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Measured:
        """Evaluate on samples (n, features) with labels (n,). A trainable's cost is its loss."""
        found = self._call("evaluate", lambda: self.trainable.evaluate(samples, labels))
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._error("evaluate must return (loss, predicted)", found)
        try:
            loss = float(found[0])
        except Exception:  # of any class, whose conversion may raise anything
            raise self._error("evaluate must return its loss as a number", found[0]) from None
        try:
            predicted = np.asarray(found[1])
        except Exception:
            predicted = np.empty(0)
        if predicted.shape != (len(labels),) or predicted.dtype.kind not in "iu":
            rule = f"evaluate must return the classes predicted as whole numbers ({len(labels)},)"
            raise self._error(rule, found[1])
        if predicted.min() < 0 or predicted.max() >= self._classes:
            rule = f"{self._names['evaluate']} must return classes from 0 to {self._classes - 1}"
            raise ModelError(f"{self._path}: {rule}, returned {predicted.min()} to {predicted.max()}")
        classes = predicted.astype(np.uint8 if self._classes <= 256 else np.uint16)
        return Measured(loss, loss, float(np.mean(predicted == labels)), classes)

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
        except PredictedError as error:
            raise ModelError(f"{self._path}: {error}") from None
        except BaseException as error:
            raise ModelError(f"{self._path}: {self._names[method]}{given} raised {raised(error)}") from error

    def _error(self, rule: str, found: Any) -> ModelError:
        what = f"an array {found.dtype} {found.shape}" if isinstance(found, np.ndarray) else on_one_line(found)
        return ModelError(f"{self._path}: {rule}, returned {what}")


def _can_be_stored(name: object) -> bool:
    """Does an .npz file return the array under this name, and under this name alone?"""
    if not isinstance(name, str) or name in _TAKEN_BY_NPZ or name.endswith(".npy"):
        return False
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable()
