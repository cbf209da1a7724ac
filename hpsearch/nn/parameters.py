"""What a network learns: arrays with a leading trial axis, their gradients, and how they lie in memory. NumPy only."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.products import accumulate

Array = npt.NDArray[Any]

_RANGE = 2.0**24
"""The scale of a decayed weight stays within (1 / _RANGE, _RANGE), far inside float32's range."""


@dataclass(slots=True)
class Parameter:
    """A bias or another parameter without regularisation: value and gradient (K, …)."""

    value: Array
    grad: Array

    def state(self, k: int) -> dict[str, Array]:
        """What trial k must keep to go on, as copies."""
        return {"": self.value[k].copy()}

    def load(self, k: int, state: dict[str, Array]) -> None:
        self.value[k] = state[""]

    def materialise(self, k: int) -> Array:
        """Trial k's numbers as they enter the model, as a copy."""
        return self.value[k].copy()


@dataclass(slots=True)
class Weights:
    """The weight matrices of K trials, W_k = scale_k · stored_k, regularised by λ·Σ‖W‖².

    `stored` is (K, D, H) to look at. In memory it is (D, K, H) where the trials' products are made side by side
    (`wide`), (K, D, H) where one by one. The gradient stays in two factors, xᵀδ, because that is what the optimiser can
    add to `stored` in one BLAS call; `gradient()` multiplies it out.
    """

    stored: Array
    wide: bool
    scale: npt.NDArray[np.float64] = field(init=False)
    x: Array = field(init=False)  # (N, D) shared by all trials, or (K, N, D)
    delta: Array = field(init=False)  # (K, N, H): dLoss/d(xW)

    def __post_init__(self) -> None:
        self.scale = np.ones(self.stored.shape[0])

    @classmethod
    def zeros(cls, trials: int, inputs: int, outputs: int, dtype: str, wide: bool) -> "Weights":
        if wide:
            return cls(np.zeros((inputs, trials, outputs), dtype).transpose(1, 0, 2), wide)
        return cls(np.zeros((trials, inputs, outputs), dtype), wide)

    def add_product(self, delta: Array, target: Array | None = None) -> None:
        """target_k ← target_k − x_kᵀ delta_k, in place; the target is `stored` or an array laid out like it."""
        target = self.stored if target is None else target
        if self.wide:
            rows = delta.transpose(1, 0, 2).reshape(delta.shape[1], -1)
            accumulate(self.x, rows, target.transpose(1, 0, 2).reshape(self.x.shape[1], -1), alpha=-1.0)
            return
        for k in range(len(delta)):
            accumulate(self.x if self.x.ndim == 2 else self.x[k], delta[k], target[k], alpha=-1.0)

    def gradient(self) -> Array:
        """dLoss/dW, (K, D, H), without the regularisation's 2λW."""
        negative = self.zeros(*self.stored.shape, self.stored.dtype.name, self.wide).stored
        self.add_product(self.delta, negative)
        return -negative

    def decay(self, factor: npt.NDArray[np.float64]) -> None:
        """W_k ← factor_k · W_k: one multiplication of the scale, folded into `stored` before it leaves its range."""
        self.scale *= factor
        size = np.abs(self.scale)
        if size.min() <= 1 / _RANGE or size.max() >= _RANGE:
            for k in np.flatnonzero(~((size > 1 / _RANGE) & (size < _RANGE))):
                self.stored[k] *= self.scale[k]
                self.scale[k] = 1.0

    def squared_norm(self, k: int) -> float:
        """Σ W_k², summed in float64 in an order that does not depend on the other trials."""
        flat = self.stored[k].astype(np.float64, order="C").ravel()
        return float(self.scale[k] ** 2 * np.dot(flat, flat))

    def state(self, k: int) -> dict[str, Array]:
        return {"": self.stored[k].copy(), ".scale": np.array(self.scale[k])}

    def load(self, k: int, state: dict[str, Array]) -> None:
        self.stored[k] = state[""]
        self.scale[k] = state.get(".scale", 1.0)

    def materialise(self, k: int) -> Array:
        return (self.stored[k] * self.stored.dtype.type(self.scale[k])).copy()
