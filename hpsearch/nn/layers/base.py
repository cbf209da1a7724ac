"""The interface of all layers. May import NumPy and `hpsearch.nn`.

All arrays have a leading trial axis: activations are (K, N, H) for K trials and N rows; the first layer's input (N, D)
is shared by all trials. A layer is created without sizes and bound to them once, when a cohort is put together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.parameters import Parameter, Weights

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a layer is bound to: the numbers of trials and of inputs per row, and the rows of the training batches."""

    trials: int
    inputs: int
    rows: tuple[int, ...]
    shared: bool  # is the input one (N, D) array for all trials?
    dtype: str = "float32"


class Layer:
    """A layer of a network: `forward`, `backward`, and its parameters in `params`, each with its gradient.

    A new layer derives from this and overrides `forward` and `backward`, and `bind` if it has parameters or changes the
    number of outputs.
    """

    params: dict[str, Parameter | Weights]
    statistics: Mapping[str, Array] = MappingProxyType({})
    """Arrays (K, …) that training sets for evaluation and that no optimiser changes, e.g. running means."""

    def bind(self, sizes: Sizes) -> int:
        """Allocate the parameters for these sizes; return the number of outputs per row."""
        self.params = {}
        return sizes.inputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        """Initialise trial k's parameters."""

    def begin_epoch(self, k: int, rng: np.random.Generator) -> None:
        """Take the generator of trial k's random numbers in this epoch; a deterministic layer needs none."""

    def forward(self, x: Array, training: bool) -> Array:
        """Return the outputs (K, N, H); may overwrite and return its input where that is (K, N, D)."""
        raise NotImplementedError

    def backward(self, delta: Array) -> Array:
        """Set the parameters' gradients from dLoss/d(output) (K, N, H), and return dLoss/d(input) (K, N, D)."""
        raise NotImplementedError


def refuse_shared_input(layer: Layer, sizes: Sizes) -> None:
    """Raise ValueError where an in-place layer would be the first: all trials share the input samples."""
    if sizes.shared:
        raise ValueError(f"the first layer must be Dense, got {type(layer).__name__}")


def total_parameters(layers: Sequence[Layer]) -> int:
    """Return the number of parameters of one trial's network."""
    params = (p for layer in layers for p in layer.params.values())
    shapes = (p.value.shape if isinstance(p, Parameter) else p.shape for p in params)
    return sum(math.prod(shape[1:]) for shape in shapes)
