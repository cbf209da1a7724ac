"""Models with a training loop of their own: the interface that their files implement. May import NumPy and nn.

A model file defines either `make(data, seed, **parameters)`, which returns a `Trainable`, or plain functions,
`train_epoch(state, data, epoch, rng, **parameters)` and `predict(state, samples)`. See docs/models.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hpsearch.nn.random import generator

Array = npt.NDArray[Any]
State = dict[str, Array]
"""Arrays by name, none of objects: what is stored of a trial, and all that it needs to continue."""


@dataclass(frozen=True, eq=False)
class Data:
    """What a trainable trains on; the arrays are read-only.

    samples: (n, features) float32, standardised. labels: (n,) int64 in [0, classes); in a regression the targets, (n,)
    or of several (n, targets), float32, standardised like a feature: (value − mean) / deviation of the training
    samples. classes: their number, 0 in a regression. image_shape: (channels, height,
    width) where a row is a flattened image, else (1, 1, features). seed: the same for all trials that are compared.
    class_names, target_names: of the classes, in the order of their numbers; of the targets of a regression.
    """

    samples: npt.NDArray[np.float32]
    labels: npt.NDArray[Any]
    classes: int
    image_shape: tuple[int, int, int]
    seed: int
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()

    @property
    def images(self) -> npt.NDArray[np.float32]:
        """The former name of `samples`, for model files written for earlier versions."""
        return self.samples

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in which a PyTorch module gets a sample: (channels, height, width), or (features,) of a table."""
        return self.image_shape if self.image_shape[1] > 1 else (self.samples.shape[1],)

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for a sample: a score for each class, or a value for each target."""
        return self.classes or len(self.target_names)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """An order (n,) in which to train on the samples in this epoch, the same for all trials that are compared.

        Trials that use it differ by their hyperparameters, and not by chance in the order.
        """
        return generator(self.seed, "order", epoch).permutation(len(self.labels))


@runtime_checkable
class Trainable(Protocol):
    """A model under training. Its results may depend on its data, seed, parameters and epochs alone.

    It also has one or more of `EVALUATIONS`, none of which may change anything:

    predict(samples): classes (n,) as whole numbers; scores (n, classes) as floats; in a regression values (n,) or
        (n, targets), standardised as the targets in its data are
    predict_proba(samples): probabilities (n, classes)
    evaluate(samples, labels): (loss, predicted): a mean loss of its own, and classes, or values, as `predict` has them;
        or a mapping of numbers by name, such as {"profit": 3.0}, from which the study's metrics are taken
    """

    def train(self, epoch: int) -> None:
        """Train one more epoch, counted from 1. Random numbers come from (seed, epoch), or from what `save` returns."""

    def save(self) -> State:
        """Return all that `restore` needs for the next epochs to give the same bits."""

    def restore(self, state: State) -> None:
        """Load what `save` returned into a trainable just made with the same data, seed and parameters."""


EVALUATIONS = ("evaluate", "predict_proba", "predict")
"""The methods by which a trainable is evaluated: the loss is that of the first it has, further ones give the rest."""


class FromFunctions:
    """A trainable made of plain functions; its state is what `train_epoch` returned last.

    predictions: the functions `predict(state, samples)` and `predict_proba(state, samples)`, or one of them, by name.
    """

    def __init__(
        self,
        train_epoch: Callable[..., State],
        predictions: Mapping[str, Callable[[State, Array], Array]],
        data: Data,
        seed: int,
        parameters: Mapping[str, Any],
    ) -> None:
        self._train_epoch, self._data, self._seed = train_epoch, data, seed
        self._parameters = dict(parameters)
        self.state: State = {}
        for name, function in predictions.items():
            setattr(self, name, lambda samples, function=function: function(self.state, samples))

    def train(self, epoch: int) -> None:
        """Replace the state by what `train_epoch` returns for it; before the first epoch it is {}."""
        rng = generator(self._seed, "epoch", epoch)
        self.state = self._train_epoch(self.state, self._data, epoch, rng, **self._parameters)

    def save(self) -> State:
        """The state as it is."""
        return self.state

    def restore(self, state: State) -> None:
        """Continue from a saved state."""
        self.state = state
