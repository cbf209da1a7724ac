"""Checks of what a user's layers return: an error names the file, the class, the method and the value.

May import `hpsearch.nn` and `hpsearch.errors`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import ModelError, raised
from hpsearch.nn import Layer
from hpsearch.nn.layers import Sizes
from hpsearch.workers.models.plugin import on_one_line

Array = npt.NDArray[Any]


def checked(layers: Sequence[Layer], path: Path | str) -> list[Layer]:
    """The same layers; those that are not of hpsearch.nn are checked."""
    return [
        layer if type(layer).__module__.startswith("hpsearch.nn.") else CheckedLayer(layer, path) for layer in layers
    ]


class CheckedLayer(Layer):
    """Wraps a layer; raises ModelError, in one line, where `forward` or `backward` returns what it must not."""

    def __init__(self, layer: Layer, path: Path | str) -> None:
        self._layer, self._place = layer, f"{path}: {type(layer).__name__}"

    def bind(self, sizes: Sizes) -> int:
        self._trials, self._inputs, self._shared = sizes.trials, sizes.inputs, sizes.shared
        self._outputs = self._layer.bind(sizes)
        self.params, self.statistics = self._layer.params, self._layer.statistics
        return self._outputs

    def initialise(self, k: int, rng: np.random.Generator) -> None:
        self._layer.initialise(k, rng)

    def begin_epoch(self, k: int, rng: np.random.Generator) -> None:
        self._layer.begin_epoch(k, rng)

    def forward(self, x: Array, training: bool) -> Array:
        rows = x.shape[-2]
        found = self._call("forward", lambda: self._layer.forward(x, training))
        return self._checked("forward", found, (self._trials, rows, self._outputs))

    def backward(self, delta: Array) -> Array:
        rows = delta.shape[-2]
        found = self._call("backward", lambda: self._layer.backward(delta))
        return delta if self._shared else self._checked("backward", found, (self._trials, rows, self._inputs))

    def _call(self, method: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except KeyboardInterrupt:  # `gradcheck` is stopped by it
            raise
        except BaseException as error:
            raise ModelError(f"{self._place}.{method} raised {raised(error)}") from error

    def _checked(self, method: str, found: Any, shape: tuple[int, ...]) -> Array:
        if not isinstance(found, np.ndarray):
            what = on_one_line(found)
        elif found.dtype.kind in "fiub" and found.shape == shape:
            return found
        else:
            what = f"an array {found.dtype} {found.shape}"
        expected = f"(trials, {shape[1]}, {shape[2]})"
        raise ModelError(f"{self._place}.{method} must return an array of numbers {expected}, returned {what}")
