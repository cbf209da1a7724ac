"""A multi-layer perceptron in PyTorch, trained by Adam: an example of a trainable whose optimiser has a state to save.

λ is the cost's, of weights and biases. All that is drawn comes from the seed and the epoch, on one thread, so that the
same trial gives the same bits.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from hpsearch.trainables import Array, Data, State

torch.set_num_threads(1)  # workers are one a core
torch.use_deterministic_algorithms(True)


def make(
    data: Data, seed: int, eta: float, batch_size: int, lambda_: float = 0.0, hidden: Sequence[int] = (64,)
) -> "Trained":
    """ReLU layers with so many units each."""
    sizes = [data.samples.shape[1], *hidden, data.classes]
    layers = [layer for inputs, units in pairwise(sizes) for layer in (nn.Linear(inputs, units), nn.ReLU())]
    draws = torch.Generator().manual_seed(seed)
    for layer in layers[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=draws)
        nn.init.zeros_(layer.bias)
    network = nn.Sequential(*layers[:-1])
    return Trained(network, torch.optim.Adam(network.parameters(), lr=eta, weight_decay=2 * lambda_), data, batch_size)


class Trained:
    """The network, its optimiser, and the data that it is trained on."""

    def __init__(self, network: nn.Module, optimiser: torch.optim.Optimizer, data: Data, batch_size: int) -> None:
        self.network, self.optimiser, self.data, self.batch_size = network, optimiser, data, batch_size
        self.loss = nn.CrossEntropyLoss()

    def train(self, epoch: int) -> None:
        """One pass over the samples, in the order that all trials of a stage share."""
        order = self.data.order(epoch)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            samples, labels = torch.from_numpy(self.data.samples[rows]), torch.from_numpy(self.data.labels[rows])
            self.optimiser.zero_grad()
            self.loss(self.network(samples), labels).backward()
            self.optimiser.step()

    @torch.inference_mode()
    def evaluate(self, samples: Array, labels: Array) -> tuple[float, Array]:
        """Mean cross-entropy, and the classes with the highest scores."""
        scores = self.network(torch.tensor(samples))
        return float(self.loss(scores, torch.tensor(labels))), scores.argmax(dim=1).numpy()

    def save(self) -> State:
        """The weights, and what Adam keeps of each: two running means and a count."""
        state = {f"network.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        for number, kept in self.optimiser.state_dict()["state"].items():
            state |= {f"adam.{number}.{name}": value.numpy() for name, value in kept.items()}
        return state

    def restore(self, state: State) -> None:
        """Go on from what `save` gave."""
        found = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        self.network.load_state_dict({name: found[f"network.{name}"] for name in self.network.state_dict()})
        kept: dict[int, dict[str, torch.Tensor]] = {}
        for name in found:
            if name.startswith("adam."):
                _, number, what = name.split(".")
                kept.setdefault(int(number), {})[what] = found[name]
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": kept})
