"""The optimisers and losses of [training] in PyTorch, with the meaning that they have in `hpsearch.nn`.

May import spec, NumPy and PyTorch. The updates are those of `torch.optim`, to the last bit, without its import of a
compiler that takes each worker seconds.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from hpsearch.nn.network import State
from hpsearch.spec import Adam, AdamW, Momentum, Nesterov, Training

Rates = npt.NDArray[np.float64]


class Updates:
    """The optimiser of a module's parameters, called as one of `hpsearch.nn.optimisers` is.

    Weights, parameters of two or more dimensions, have 2λW in their gradient, as `weight_decay` = 2λ of `torch.optim`
    does it; AdamW's own weight decay is of them alone, too. `slots` has what is kept of each parameter, by name.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], training: Training) -> None:
        self._parameters, self._clip, self._kind = dict(parameters), training.clip_norm, training.optimiser
        kept: tuple[str, ...] = ("velocity",) if isinstance(self._kind, Momentum | Nesterov) else ()
        if isinstance(self._kind, Adam | AdamW):
            kept = ("mean", "square")
        self.slots = {f"{name}.{slot}": torch.zeros_like(p) for name, p in self._parameters.items() for slot in kept}

    def step(self, params: Iterable[Any], eta: Rates, lam: Rates, update: int) -> None:
        """Change the parameters, given the gradients that `backward` left, with η (1,) and λ (1,); not `params`."""
        with torch.no_grad():
            self._step(float(eta[0]), float(lam[0]), update)

    def _step(self, rate: float, decay: float, update: int) -> None:
        found: dict[str, Any] = {name: p for name, p in self._parameters.items() if p.grad is not None}
        for p in found.values():
            if p.ndim >= 2 and decay:
                if isinstance(self._kind, AdamW):
                    p.mul_(1 - rate * decay)
                else:
                    p.grad.add_(p, alpha=2 * decay)
        if self._clip is not None:
            self._clip_gradients([p.grad for p in found.values()], self._clip)
        for name, p in found.items():
            self._change(p, p.grad, name, rate, update)
            p.grad = None

    def _clip_gradients(self, gradients: list[Any], largest: float) -> None:
        """Scale the gradient of all parameters together down to the norm `largest` where it is longer."""
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        factor = largest / norm.clamp(min=largest)
        for gradient in gradients:
            gradient.mul_(factor)

    def _change(self, p: Any, gradient: Any, name: str, rate: float, update: int) -> None:
        kind = self._kind
        if isinstance(kind, Adam | AdamW):
            mean, square, t = self.slots[f"{name}.mean"], self.slots[f"{name}.square"], update + 1
            mean.lerp_(gradient, 1 - kind.beta1)
            square.mul_(kind.beta2).addcmul_(gradient, gradient, value=1 - kind.beta2)
            root = (square.sqrt() / (1 - kind.beta2**t) ** 0.5).add_(kind.epsilon)
            p.addcdiv_(mean, root, value=-rate / (1 - kind.beta1**t))
            return
        if isinstance(kind, Momentum | Nesterov):
            velocity = self.slots[f"{name}.velocity"].mul_(kind.momentum).add_(gradient)
            gradient = gradient.add(velocity, alpha=kind.momentum) if isinstance(kind, Nesterov) else velocity
        p.add_(gradient, alpha=-rate)

    def state(self) -> State:
        """What it keeps, as copies."""
        return {name: slot.cpu().numpy().copy() for name, slot in self.slots.items()}

    def load(self, state: State) -> None:
        """Go on from what `state` returned; {} is the state before the first update."""
        for name, slot in self.slots.items():
            slot.copy_(torch.tensor(state[name])) if state else slot.zero_()


def loss_of(name: str, class_weight: Any = None) -> Callable[[Any, Any], Any]:
    """The mean loss over a batch, a function of outputs (N, C) or (N, T) and labels (N,) or targets (N, T).

    class_weight: what the loss of a sample of each class counts, (C,). As in `hpsearch.nn` the sum is divided by N, and
    not by the sum of the weights, as PyTorch's losses do.
    """
    if name in _OF_VALUES:
        return _OF_VALUES[name]
    losses = _hinge if name == "hinge" else _cross_entropy
    if class_weight is not None:
        return lambda scores, y: (losses(scores, y) * class_weight[y]).mean()
    return functional.cross_entropy if name == "cross_entropy" else lambda scores, y: losses(scores, y).mean()


_OF_VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "squared_error": functional.mse_loss,
    "absolute_error": functional.l1_loss,
    "huber": functional.huber_loss,
}


def _cross_entropy(scores: Any, y: Any) -> Any:
    return functional.cross_entropy(scores, y, reduction="none")


def _hinge(scores: Any, y: Any) -> Any:
    """Σ_{j≠y} max(0, z_j − z_y + 1); the term of j = y, which is 1, is taken off again."""
    return (scores - scores.gather(1, y[:, None]) + 1).clamp(min=0).sum(dim=1) - 1
