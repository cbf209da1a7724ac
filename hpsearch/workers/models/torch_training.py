"""The optimisers and losses of [training] in PyTorch, with the meaning that they have in `hpsearch.nn`.

May import spec, NumPy and PyTorch.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from hpsearch.nn.network import State
from hpsearch.spec import Adam, AdamW, Momentum, Nesterov, Training

Rates = npt.NDArray[np.float64]
Parameters = Sequence[nn.Parameter]


class Updates:
    """An optimiser of `torch.optim`, called as one of `hpsearch.nn.optimisers` is.

    λ adds 2λW to the gradient of the weights, as `weight_decay` = 2λ does; of AdamW it is its own weight decay.
    """

    def __init__(self, weights: Parameters, others: Parameters, training: Training) -> None:
        """weights: the parameters that λ regularises; others: those that it does not."""
        self._weights, self._clip = list(weights), training.clip_norm
        self._coupled = not isinstance(training.optimiser, AdamW)
        groups = [{"params": [*weights]}, {"params": [*others]}]
        self._made = _made(groups, training)

    def step(self, params: Iterable[Any], eta: Rates, lam: Rates, update: int) -> None:
        """Change the module's parameters, given the gradients that `backward` left, with η (1,) and λ (1,)."""
        decay = float(lam[0]) * (2 if self._coupled else 1)
        if self._clip is not None:
            self._clip_gradients(decay if self._coupled else 0.0)
            decay = 0.0 if self._coupled else decay
        weights, others = self._made.param_groups
        weights["lr"] = others["lr"] = float(eta[0])
        weights["weight_decay"] = decay
        self._made.step()
        self._made.zero_grad()

    def _clip_gradients(self, two_lam: float) -> None:
        """Scale the gradient, with 2λW, down to the norm `clip_norm` where it is longer."""
        if two_lam:
            for p in self._weights:
                if p.grad is not None:
                    p.grad.add_(p.detach(), alpha=two_lam)
        gradients = [p.grad for group in self._made.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        factor = self._clip / norm.clamp(min=self._clip)
        for gradient in gradients:
            gradient.mul_(factor)

    def state(self) -> State:
        """What it keeps of each parameter, as "number.name"."""
        kept = self._made.state_dict()["state"]
        found = {f"{number}.{name}": value for number, of in kept.items() for name, value in of.items()}
        return {name: value.cpu().numpy().copy() for name, value in found.items() if isinstance(value, torch.Tensor)}

    def load(self, state: State) -> None:
        """Go on from what `state` returned; {} is the state before the first update."""
        kept: dict[int, dict[str, Any]] = {}
        for name, array in state.items():
            number, _, what = name.partition(".")
            kept.setdefault(int(number), {})[what] = torch.tensor(array)
        self._made.load_state_dict(self._made.state_dict() | {"state": kept})


def _made(groups: list[dict[str, Any]], training: Training) -> Any:
    """The optimiser; the learning rate and the weight decay come with each step."""
    kind = training.optimiser
    if isinstance(kind, AdamW | Adam):
        made = torch.optim.AdamW if isinstance(kind, AdamW) else torch.optim.Adam
        return made(groups, lr=1.0, betas=(kind.beta1, kind.beta2), eps=kind.epsilon, weight_decay=0.0)
    share = kind.momentum if isinstance(kind, Momentum | Nesterov) else 0.0
    return torch.optim.SGD(groups, lr=1.0, momentum=share, nesterov=isinstance(kind, Nesterov) and share > 0)


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
