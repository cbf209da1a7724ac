"""K networks of one shape, trained side by side: layers in a row, then a loss. May import NumPy and `hpsearch.nn`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hpsearch.nn.layers import Layer, Sizes, total_parameters
from hpsearch.nn.losses import Loss, SoftmaxCrossEntropy
from hpsearch.nn.parameters import Parameter, Weights

Array = npt.NDArray[Any]
State = dict[str, Array]


class Trained(Protocol):
    """What training and measuring need of K networks: those of layers below, or a module of PyTorch as one network."""

    trials: int
    outputs: int
    size: int
    loss: Loss

    @property
    def multiply_adds(self) -> int: ...
    @property
    def params(self) -> Mapping[str, Parameter | Weights]: ...
    def begin_epoch(self, rngs: Sequence[np.random.Generator]) -> None: ...
    def forward(self, x: Array, training: bool = False) -> Array: ...
    def propagate(self, scores: Array, y: Array) -> None: ...
    def squared_norm(self, k: int) -> float: ...
    def state(self, k: int) -> State: ...
    def load(self, k: int, state: State) -> None: ...
    def weights(self, k: int) -> State: ...


class Network:
    """Layers bound to K trials. Parameters are named "<position of the layer>.<name>", e.g. "0.weights"."""

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        inputs: int,
        trials: int = 1,
        rows: tuple[int, ...] = (),
        dtype: str = "float32",
        loss: Loss | None = None,
        class_weight: npt.NDArray[np.float64] | None = None,
    ) -> None:
        """inputs: features of a sample; rows: the sizes of the training batches.

        class_weight: of each class (C,): what the loss of a sample of that class counts in training. `loss` itself, and
        so what is measured, has no weights.
        """
        self.layers, self.trials, self.loss = list(layers), trials, loss or SoftmaxCrossEntropy()
        self.class_weight = None if class_weight is None else class_weight.astype(dtype)
        for position, layer in enumerate(self.layers):
            inputs = layer.bind(Sizes(trials, inputs, rows, shared=position == 0, dtype=dtype))
        self.outputs = inputs
        self.params: Mapping[str, Parameter | Weights] = {
            f"{position}.{name}": p for position, layer in enumerate(self.layers) for name, p in layer.params.items()
        }
        self.statistics: dict[str, Array] = {
            f"{position}.{name}": a
            for position, layer in enumerate(self.layers)
            for name, a in layer.statistics.items()
        }
        if not self.params:
            raise ValueError(f"the layers must have parameters, got {len(self.layers)} without any")
        self.size = total_parameters(self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the matrix products that training on one sample takes, for one trial.

        For weights (D, H): D·H forward, D·H for their gradient, and, but in the first layer, D·H for their input's.
        """
        matrices = (p for p in self.params.values() if isinstance(p, Weights))
        return sum(math.prod(matrix.shape[1:]) * (2 if matrix.shared else 3) for matrix in matrices)

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        """Initialise trial k's parameters, layer by layer, from its own generator."""
        for layer in self.layers:
            layer.initialise(k, rng)

    def begin_epoch(self, rngs: Sequence[np.random.Generator]) -> None:
        """Give each trial the generator of its layers' random numbers in this epoch, e.g. of dropout's masks."""
        assert len(rngs) == self.trials
        for layer in self.layers:
            for k, rng in enumerate(rngs):
                layer.begin_epoch(k, rng)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Outputs of samples x (N, D): class scores (K, N, C) or values (K, N, T); the next call reuses the array."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, x: Array, y: Array) -> None:
        """Set every parameter's gradient of the mean loss over the batch x (N, D), labels y (N,) or targets (N, T).

        With weights w of the classes it is that of Σ w_y · loss / N. It is divided by the number of samples and not
        by Σ w_y, so that a sample counts the same in every batch.
        """
        self.propagate(self.forward(x, training=True), y)

    def propagate(self, scores: Array, y: Array) -> None:
        """The second half of `backward`, from the outputs of a training pass, which are overwritten."""
        delta = self.loss.gradient(scores, y)
        if self.class_weight is not None:
            delta *= self.class_weight[y][:, None]
        for layer in reversed(self.layers):
            delta = layer.backward(delta)

    def squared_norm(self, k: int) -> float:
        """Σ‖W‖² over trial k's weight matrices; biases do not count."""
        return sum(p.squared_norm(k) for p in self.params.values() if isinstance(p, Weights))

    def state(self, k: int) -> State:
        """Return all that trial k needs to continue, as copies, by parameter name."""
        learned = {name + part: a for name, p in self.params.items() for part, a in p.state(k).items()}
        return learned | self._statistics(k)

    def load(self, k: int, state: State) -> None:
        """Load a `state` or `weights` of a network of the same layers into trial k."""
        for name, p in self.params.items():
            mine = (key for key in state if key == name or key.startswith(f"{name}."))
            p.load(k, {key.removeprefix(name): state[key] for key in mine})
        for name, array in self.statistics.items():
            array[k] = state[name]

    def weights(self, k: int) -> State:
        """Return trial k's parameters and statistics as the model uses them, as copies, by name."""
        return {name: p.materialise(k) for name, p in self.params.items()} | self._statistics(k)

    def _statistics(self, k: int) -> State:
        return {name: array[k].copy() for name, array in self.statistics.items()}
