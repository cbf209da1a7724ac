"""Initialisation of weight matrices. May import NumPy only."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Initialisation = Callable[[np.random.Generator, int, int], Array]


def he(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """N(0, 2/inputs), (inputs, outputs) float32: keeps the variance through ReLU layers (He et al. 2015, eq. 10)."""
    return rng.standard_normal((inputs, outputs), dtype=np.float32) * np.float32(np.sqrt(2.0 / inputs))


def gaussian(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """N(0, 0.01²), (inputs, outputs) float32, as the reports initialised their one-layer networks."""
    return rng.standard_normal((inputs, outputs), dtype=np.float32) * np.float32(0.01)


INITIALISATIONS: dict[str, Initialisation] = {"he": he, "gaussian": gaussian}
