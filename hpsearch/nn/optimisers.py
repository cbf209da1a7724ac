"""Optimisers: how a network's parameters follow their gradients. May import NumPy and `hpsearch.nn`.

λ is the factor of λ·Σ‖W‖² in the cost, so the cost's gradient is that of the loss plus 2λW.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.layers import multiply_by_trial
from hpsearch.nn.parameters import Parameter, Weights

Rates = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


class SGD:
    """W ← (1 − 2ηλ) W − η dLoss/dW; b ← b − η dLoss/db, with each trial's own η and λ, (K,)."""

    def step(self, params: Iterable[Parameter | Weights], eta: Rates, lam: Rates) -> None:
        """One update from the gradients that `backward` left; uses up their buffers."""
        for p in params:
            if isinstance(p, Weights):
                p.decay(1.0 - 2.0 * eta * lam)
                multiply_by_trial(p.delta, eta / p.scale, p.wide)
                p.add_product(p.delta)
            else:
                p.grad *= eta.astype(p.grad.dtype)[:, None]
                p.value -= p.grad
