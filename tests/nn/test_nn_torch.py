"""Layers, losses, schedules and SGD against PyTorch's, in float64; skipped where PyTorch is not installed."""

import functools

import numpy as np
import pytest
from later import later
from nn_cohorts import NETS, REGRESSION_NETS, initialised, lam_of, perturbed, samples, values

from hpsearch.nn import SGD, BatchNorm, Dense, Dropout, LeakyReLU, Weights
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.random import generator
from hpsearch.nn.regression_losses import REGRESSION_LOSSES
from hpsearch.nn.schedules import cosine, cyclical, one_cycle, step_decay

torch = later("torch")
pytestmark = pytest.mark.long  # PyTorch's import takes seconds

ETA = 0.05


def torch_loss(name, scores, y):
    if name == "hinge":
        return torch.nn.functional.multi_margin_loss(scores, y) * scores.shape[1]  # theirs divides by the classes
    theirs = {"squared_error": "mse_loss", "absolute_error": "l1_loss", "huber": "huber_loss"}
    return getattr(torch.nn.functional, theirs.get(name, name))(scores, y)


@functools.cache
def twin_class():
    class Twin(torch.nn.Module):
        """Trial k of a network in PyTorch, with its parameters under the same names."""

        def __init__(self, network, k):
            super().__init__()
            self.layers = network.layers
            weights = {name.replace(".", "_"): torch.tensor(array) for name, array in network.weights(k).items()}
            for name, array in weights.items():
                if name.endswith(("mean", "variance")):
                    self.register_buffer(name, array)
                else:
                    self.register_parameter(name, torch.nn.Parameter(array))

        def forward(self, x, rng):
            for i, layer in enumerate(self.layers):
                if isinstance(layer, Dense):
                    x = x @ getattr(self, f"{i}_weights") + getattr(self, f"{i}_bias")
                elif isinstance(layer, BatchNorm):
                    own = [getattr(self, f"{i}_{name}") for name in ("mean", "variance", "gamma", "beta")]
                    x = torch.nn.functional.batch_norm(x, *own, training=self.training)
                elif isinstance(layer, Dropout):
                    if self.training:
                        kept = rng.random(x.shape, dtype=np.float32) >= np.float32(layer.rate)
                        x = x * torch.tensor(kept) / (1 - layer.rate)
                else:
                    name = {"ReLU": "relu", "Tanh": "tanh", "LeakyReLU": "leaky_relu"}[type(layer).__name__]
                    x = getattr(torch.nn.functional, name)(x, *((layer.slope,) if isinstance(layer, LeakyReLU) else ()))
            return x

    return Twin


def made(layers, loss, x, trials=3):
    made_loss = (LOSSES | REGRESSION_LOSSES)[loss]()
    network = initialised(layers, x.shape[1], range(trials), dtype="float64", loss=made_loss)
    perturbed(network)
    return network, [twin_class()(network, k) for k in range(trials)]


SIZES = [(net, 10, 20) for net in NETS]
SIZES += [pytest.param(net, 100, 3072, marks=[pytest.mark.slow] * (net != "batch norm")) for net in NETS]  # CIFAR-10's


@pytest.mark.long
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("net", "n", "inputs"), SIZES)
def test_gradients_are_those_of_autograd(net, loss, n, inputs):
    x, y = samples(n, inputs, "float64")
    network, twins = made(NETS[net](50), loss, x)
    network.begin_epoch([generator(0, "draws", k) for k in range(3)])
    network.backward(x, y)
    for k, twin in enumerate(twins):
        torch_loss(loss, twin(torch.tensor(x), generator(0, "draws", k)), torch.tensor(y)).backward()
        for name, p in network.params.items():
            ours = p.gradient()[k] if isinstance(p, Weights) else p.grad[k]
            theirs = getattr(twin, name.replace(".", "_")).grad.numpy()
            assert np.abs(ours - theirs).max() <= 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", NETS)
def test_training_and_evaluation_are_those_of_pytorch_step_for_step(net, loss):
    x, y = samples(20, 30, "float64")
    train_both(*made(NETS[net](50), loss, x), loss, x, y)


@pytest.mark.slow
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize(("net", "targets"), [*zip(REGRESSION_NETS, [1, 3, 3, 1, 3], strict=True)])
def test_a_regression_is_trained_as_by_pytorch_step_for_step(net, loss, targets):
    x, y = values(20, 30, targets, "float64")
    train_both(*made(REGRESSION_NETS[net](targets), loss, x), loss, x, y)


def train_both(network, twins, loss, x, y):
    """Train 25 steps, and compare weights and outputs."""
    lam = np.array([lam_of(k) for k in range(3)])
    optimisers = [torch.optim.SGD(decayed(twin, lam[k]), lr=ETA) for k, twin in enumerate(twins)]
    network.begin_epoch([generator(0, "draws", k) for k in range(3)])
    rngs = [generator(0, "draws", k) for k in range(3)]
    for _ in range(25):
        network.backward(x, y)
        SGD().step(list(network.params.values()), np.full(3, ETA), lam)
        for twin, optimiser, rng in zip(twins, optimisers, rngs, strict=True):
            optimiser.zero_grad()
            torch_loss(loss, twin(torch.tensor(x), rng), torch.tensor(y)).backward()
            optimiser.step()
    scores = network.forward(x)
    for k, twin in enumerate(twins):
        for name, ours in network.weights(k).items():
            assert np.abs(ours - getattr(twin, name.replace(".", "_")).detach().numpy()).max() <= 1e-10
        assert np.abs(scores[k] - twin.eval()(torch.tensor(x), None).detach().numpy()).max() <= 1e-10


def decayed(twin, lam):
    """Parameter groups: λ·Σ‖W‖² is a weight decay of 2λ, on weights only."""
    named = dict(twin.named_parameters())
    weights = [p for name, p in named.items() if name.endswith("weights")]
    others = [p for name, p in named.items() if not name.endswith("weights")]
    return [{"params": weights, "weight_decay": 2 * lam}, {"params": others, "weight_decay": 0.0}]


def torch_rates(make, updates):
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    schedule = make(optimiser)
    rates = []
    for _ in range(updates):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


def cyclic(mode):
    return lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, 7, mode=mode, cycle_momentum=False)


@pytest.mark.long
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (step_decay(0.1, 0.5, 7), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5)),
        (cosine(0.1, 50, 0.01), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50, 0.01)),
        (cyclical(0.01, 0.1, 7), cyclic("triangular")),
        (cyclical(0.01, 0.1, 7, halve=True), cyclic("triangular2")),
        (one_cycle(0.1, 51), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=51)),
    ],
    ids=["step decay", "cosine", "cyclical", "cyclical halving", "one cycle"],
)
def test_schedules_are_those_of_pytorch(ours, theirs):
    assert ours(np.arange(50)) == pytest.approx(torch_rates(theirs, 50), abs=1e-10)
