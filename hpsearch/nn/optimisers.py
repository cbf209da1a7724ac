"""Optimisers. May import NumPy and `hpsearch.nn`.

λ, the L2 regularisation, is the factor of λ·Σ‖W‖² in the cost, so the cost's gradient is g = dLoss/dW + 2λW; biases
have no λ. Only AdamW uses the same number as a decay that is not part of the gradient. Each trial has its own learning
rate η and its own λ. An optimiser's state is in the slots of each parameter, which are part of the network's state.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hpsearch.nn.parameters import Parameter, Weights, multiply_by_trial

Rates = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


class Optimiser(Protocol):
    """The interface of an optimiser."""

    def step(self, params: Iterable[Parameter | Weights], eta: Rates, lam: Rates, update: int) -> None:
        """Change the parameters, given the gradients that `backward` left, with each trial's η and λ, (K,).

        update: the update's number, counted from 0 since the training began. Overwrites the gradients.
        """


class Elementwise:
    """Base of optimisers that update each element by itself: the loop over the parameters, in blocks that stay in the
    cache, and clipping. clip: the largest global norm of a trial's gradient, or None.
    """

    slots: tuple[str, ...] = ()
    coupled = True  # whether λ is part of the cost, and so of the gradient

    def __init__(self, clip: float | None = None) -> None:
        if clip is not None and not clip > 0:
            raise ValueError(f"clip must be above 0, got {clip}")
        self.clip = clip

    def step(self, params: Iterable[Parameter | Weights], eta: Rates, lam: Rates, update: int) -> None:
        """See `Optimiser`."""
        params, in_gradient = list(params), 2 * lam * self.coupled
        if self.clip is not None:
            clip_by_global_norm(params, in_gradient, self.clip)
        for p in params:
            values, slots = p.values, [p.slot(name) for name in self.slots]
            rates = [p.by_column(rate) for rate in self.rates(eta, lam * p.regularised, update)]
            two_lam = p.by_column(in_gradient) if p.regularised and self.coupled and self.clip is None else None
            scratch = np.empty_like(values[:0])
            for place, g in p.gradients():
                w, calls = values[place], place[0]
                if scratch.shape != g.shape:
                    scratch = np.empty_like(g)
                if two_lam is not None:
                    g += np.multiply(w, two_lam[calls], out=scratch)
                self.change(w, g, [s[place] for s in slots], [rate[calls] for rate in rates], scratch)

    def rates(self, eta: Rates, lam: Rates, update: int) -> list[Rates]:
        """Return the numbers of each trial that `change` needs, (K,) each."""
        return [eta]

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        """Change a block w, given the gradient g, which it may overwrite, all (calls, rows, columns)."""
        raise NotImplementedError


class SGD(Elementwise):
    """W ← W − η g: (1 − 2ηλ) W − η dLoss/dW (Robbins & Monro 1951)."""

    def step(self, params: Iterable[Parameter | Weights], eta: Rates, lam: Rates, update: int = 0) -> None:
        """See `Optimiser`. W = c·V: the decay is one multiplication of c, and V takes the product in one BLAS call."""
        if self.clip is not None:
            super().step(params, eta, lam, update)
            return
        for p in params:
            if isinstance(p, Weights):
                p.decay(1.0 - 2.0 * eta * lam)
                multiply_by_trial(p.delta, eta / p.scale)
                p.add_product(p.delta)
            else:
                p.grad.reshape(p.values.shape)[...] *= p.by_column(eta)
                p.value -= p.grad

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        w -= np.multiply(g, rates[0], out=scratch)


class Momentum(Elementwise):
    """Heavy ball: v ← μv + g; W ← W − ηv (Polyak 1964; as in Sutskever et al. 2013 with η outside v)."""

    slots = ("velocity",)

    def __init__(self, momentum: float = 0.9, clip: float | None = None) -> None:
        super().__init__(clip)
        self.momentum = fraction("momentum", momentum)

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        (v,) = slots
        v *= w.dtype.type(self.momentum)
        v += g
        w -= np.multiply(v, rates[0], out=scratch)


class Nesterov(Momentum):
    """v ← μv + g; W ← W − η (g + μv): the step looks ahead (Nesterov 1983; Sutskever et al. 2013, eq. 7)."""

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        (v,) = slots
        v *= w.dtype.type(self.momentum)
        v += g
        g += np.multiply(v, w.dtype.type(self.momentum), out=scratch)
        w -= np.multiply(g, rates[0], out=scratch)


class Adam(Elementwise):
    """m ← β₁m + (1−β₁)g; s ← β₂s + (1−β₂)g²; W ← W − η m̂ / (√ŝ + ε), where m̂ = m / (1−β₁ᵗ), ŝ = s / (1−β₂ᵗ) and t
    counts updates from 1 (Kingma & Ba 2015, algorithm 1).

    The slots are m / (1−β₁) and s / (1−β₂), which saves a pass; the factors are in `rates` instead.
    """

    slots = ("mean", "square")

    def __init__(
        self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, clip: float | None = None
    ) -> None:
        super().__init__(clip)
        self.beta1, self.beta2 = fraction("beta1", beta1), fraction("beta2", beta2)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {epsilon}")
        self.epsilon = epsilon

    def rates(self, eta: Rates, lam: Rates, update: int) -> list[Rates]:
        """Return step and margin of η m̂ / (√ŝ + ε) = step · mean / (√square + margin)."""
        t = update + 1
        root = np.sqrt((1 - self.beta2) / (1 - self.beta2**t))  # √ŝ = root · √square
        step = eta * (1 - self.beta1) / (1 - self.beta1**t) / root
        return [step, np.full(len(eta), self.epsilon / root)]

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        (mean, square), dtype = slots, w.dtype.type
        mean *= dtype(self.beta1)
        mean += g
        square *= dtype(self.beta2)
        square += np.multiply(g, g, out=g)
        np.sqrt(square, out=scratch)
        scratch += rates[1].flat[0]  # the same for all trials
        np.divide(mean, scratch, out=scratch)
        scratch *= rates[0]
        w -= scratch


class AdamW(Adam):
    """Adam on dLoss/dW alone, and decoupled weight decay: W ← (1 − ηλ) W beforehand (Loshchilov & Hutter 2019,
    algorithm 2). Here λ is a decay, not the factor of λ·Σ‖W‖² in the cost.
    """

    coupled = False

    def rates(self, eta: Rates, lam: Rates, update: int) -> list[Rates]:
        """Return Adam's, and the factor of the decay."""
        return [*super().rates(eta, lam, update), 1.0 - eta * lam]

    def change(self, w: Array, g: Array, slots: list[Array], rates: list[Array], scratch: Array) -> None:
        w *= rates[2]
        super().change(w, g, slots, rates, scratch)


OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "adamw": AdamW,
}


def clip_by_global_norm(params: Iterable[Parameter | Weights], two_lam: Rates, largest: float) -> Rates:
    """Scale each trial's gradient down to the norm `largest` where it is longer (Pascanu et al. 2013, algorithm 1).

    The norm is that of all parameters' gradients together, with two_lam·W, (K,), added to those of weight matrices.
    Returns the norms before clipping, (K,).
    """
    params = list(params)
    norm: Rates = np.sqrt(np.sum([p.gradient_squares(two_lam) for p in params], axis=0))
    factor = largest / np.maximum(norm, largest)  # NaN where the norm is NaN: a trial that diverged stays so
    for p in params:
        p.clip(factor)
    return norm


def fraction(name: str, value: float) -> float:
    """Return the value if it is in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    return value
