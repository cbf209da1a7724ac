"""Models with a training loop of their own: the interface that their files implement. May import NumPy and nn.

A model file defines either `make(data, seed, **parameters)`, which returns a `Trainable`, or two plain functions,
`train_epoch(state, data, epoch, rng, **parameters)` and `predict(state, samples)`. See docs/models.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hpsearch.nn.losses import SoftmaxCrossEntropy
from hpsearch.nn.random import generator

Array = npt.NDArray[Any]
State = dict[str, Array]
"""Arrays by name, none of objects: what is stored of a trial, and all that it needs to continue."""


@dataclass(frozen=True, eq=False)
class Data:
    """What a trainable trains on; the arrays are read-only.

    samples: (n, features) float32, standardised. labels: (n,) int64 in [0, classes). image_shape: (channels, height,
    width) where a row is a flattened image, else (1, 1, features). seed: the same for all trials that are compared.
    class_names: the names of the classes, in the order of their numbers.
    """

    samples: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    classes: int
    image_shape: tuple[int, int, int]
    seed: int
    class_names: tuple[str, ...] = ()

    @property
    def images(self) -> npt.NDArray[np.float32]:
        """The former name of `samples`, for model files written for earlier versions."""
        return self.samples

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """An order (n,) in which to train on the samples in this epoch, the same for all trials that are compared.

        Trials that use it differ by their hyperparameters, and not by chance in the order.
        """
        return generator(self.seed, "order", epoch).permutation(len(self.labels))


@runtime_checkable
class Trainable(Protocol):
    """A model under training. Its results may depend on its data, seed, parameters and epochs alone."""

    def train(self, epoch: int) -> None:
        """Train one more epoch, counted from 1. Random numbers come from (seed, epoch), or from what `save` returns."""

    def evaluate(self, samples: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, Array]:
        """Mean loss on samples (n, features), labels (n,), and the class predicted for each, (n,). Changes nothing."""

    def save(self) -> State:
        """Return all that `restore` needs for the next epochs to give the same bits."""

    def restore(self, state: State) -> None:
        """Load what `save` returned into a trainable just made with the same data, seed and parameters."""


class PredictedError(Exception):
    """`predict` returned something else than scores or classes; the message says what."""


class FromFunctions:
    """A trainable made of the two plain functions; its state is what `train_epoch` returned last."""

    def __init__(
        self,
        train_epoch: Callable[..., State],
        predict: Callable[[State, Array], Array],
        data: Data,
        seed: int,
        parameters: Mapping[str, Any],
    ) -> None:
        self._train_epoch, self._predict, self._data, self._seed = train_epoch, predict, data, seed
        self._parameters = dict(parameters)
        self.state: State = {}

    def train(self, epoch: int) -> None:
        """Replace the state by what `train_epoch` returns for it; before the first epoch it is {}."""
        rng = generator(self._seed, "epoch", epoch)
        self.state = self._train_epoch(self.state, self._data, epoch, rng, **self._parameters)

    def evaluate(self, samples: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, Array]:
        """Mean cross-entropy of `predict`'s scores (n, classes) after softmax; error rate of its classes (n,)."""
        returned, classes = self._predict(self.state, samples), self._data.classes
        try:
            found = np.asarray(returned)
        except Exception:  # rows of unequal length, for example
            found = np.empty((), object)
        if found.shape == (len(labels),) and found.dtype.kind in "iu":
            return float(np.mean(found != labels)), found
        if found.shape != (len(labels), classes) or found.dtype.kind != "f":
            rule = f"predict must return scores ({len(labels)}, {classes}) as floats or classes ({len(labels)},)"
            raise PredictedError(f"{rule} as whole numbers, returned {found.dtype} {found.shape}")
        losses = SoftmaxCrossEntropy().losses(found[None].astype(np.float64), labels)
        return float(losses.mean()), found.argmax(axis=1)

    def save(self) -> State:
        """The state as it is."""
        return self.state

    def restore(self, state: State) -> None:
        """Continue from a saved state."""
        self.state = state
