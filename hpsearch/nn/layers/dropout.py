"""Dropout, with each trial's own draws. May import NumPy and `hpsearch.nn`."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.layers.base import Layer, Sizes, refuse_shared_input

Array = npt.NDArray[Any]


class Dropout(Layer):
    """In training sets each number to 0 with probability `rate` and divides the others by 1 − rate, in place.

    So the expected output is the input, and evaluation leaves the input unchanged (Srivastava et al. 2014,
    section 10: "inverted" dropout). Trial k's masks come from the generator that `begin_epoch` gave it, and depend
    only on it and on the sizes of the batches.
    """

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {rate}")
        self.rate = rate

    def bind(self, sizes: Sizes) -> int:
        refuse_shared_input(self, sizes)
        self._rngs: dict[int, np.random.Generator] = {}
        self._buffers: dict[int, tuple[Array, Array]] = {}
        return super().bind(sizes)

    def begin_epoch(self, k: int, rng: np.random.Generator) -> None:
        self._rngs[k] = rng

    def _draw(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return a new mask (K, N, H) of 0 and 1 / (1 − rate), in an array that is reused."""
        trials, rows, _ = shape
        if len(self._rngs) < trials:
            raise RuntimeError("dropout draws from each trial's generator: call Network.begin_epoch before training")
        if rows not in self._buffers:
            self._buffers[rows] = np.empty(shape, np.float32), np.empty(shape, dtype)
        draws, mask = self._buffers[rows]
        for k in range(trials):
            self._rngs[k].random(out=draws[k], dtype=np.float32)
        np.greater_equal(draws, np.float32(self.rate), out=mask)
        mask *= dtype.type(1 / (1 - self.rate))
        return mask

    def forward(self, x: Array, training: bool) -> Array:
        if training and self.rate:
            self._mask = self._draw(x.shape, x.dtype)
            x *= self._mask
        return x

    def backward(self, delta: Array) -> Array:
        """dx = mask · δ, the mask of the last forward pass."""
        if self.rate:
            delta *= self._mask
        return delta
