"""Models that train by themselves: what their files may import, and what is asked of them. May import NumPy and nn.

A model file defines either `make(data, seed, **parameters)`, which returns a `Trainable`, or two plain functions,
`train_epoch(state, data, epoch, rng, **parameters)` and `predict(state, images)`. See docs/models.md.
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
"""Arrays by name, none of objects: what is stored of a trial, and all that it needs to go on."""


@dataclass(frozen=True, eq=False)
class Data:
    """What a trainable trains on; the arrays are read-only.

    images: (n, features) float32, standardised; labels: (n,) int64 in [0, classes). A row of images is one image
    flattened as `image_shape` = (channels, height, width). seed: the same for all trials that are compared.
    """

    samples: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    classes: int
    image_shape: tuple[int, int, int]
    seed: int

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """An order (n,) in which to see the images in this epoch, the same for all trials that are compared.

        Who trains in this order differs from others by their parameters, and not by luck in the order.
        """
        return generator(self.seed, "order", epoch).permutation(len(self.labels))


@runtime_checkable
class Trainable(Protocol):
    """A model under training. What it does may depend on its data, seed, parameters and epochs alone."""

    def train(self, epoch: int) -> None:
        """Train one more epoch, counted from 1. What is drawn comes from (seed, epoch), or from what `save` saves."""

    def evaluate(self, samples: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, Array]:
        """Mean loss on images (n, features), labels (n,), and the class predicted for each, (n,). Changes nothing."""

    def save(self) -> State:
        """All that `restore` needs for the next epochs to give the same bits."""

    def restore(self, state: State) -> None:
        """Put what `save` gave into a trainable just made with the same data, seed and parameters."""


class PredictedError(Exception):
    """What is wrong with what `predict` returned, in words."""


class FromFunctions:
    """The trainable that two plain functions make; its state is what `train_epoch` returned last."""

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
        """The state becomes what `train_epoch` makes of it; at the beginning it is {}."""
        rng = generator(self._seed, "epoch", epoch)
        self.state = self._train_epoch(self.state, self._data, epoch, rng, **self._parameters)

    def evaluate(self, samples: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, Array]:
        """Cross-entropy of the softmax of `predict`'s scores (n, classes); of classes (n,), the share that is wrong."""
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
        """Go on from a saved state."""
        self.state = state
