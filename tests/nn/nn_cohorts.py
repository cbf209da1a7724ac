"""Small networks, samples and training runs that the tests of `hpsearch.nn` share."""

from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.nn import BatchNorm, Dense, Dropout, Layer, LeakyReLU, Network, Parameter, ReLU, Tanh
from hpsearch.nn.losses import Loss
from hpsearch.nn.network import State
from hpsearch.nn.optimisers import SGD, Optimiser
from hpsearch.nn.random import generator
from hpsearch.nn.schedules import Schedule, cyclical, step_decay
from hpsearch.nn.training import Measured, batch_rows, measure, train_epoch

CLASSES = 10
BATCH = 20

NETS: dict[str, Callable[[int], list[Layer]]] = {
    "softmax": lambda units: [Dense(CLASSES, "gaussian")],
    "relu": lambda units: [Dense(units), ReLU(), Dense(CLASSES)],
    "three layers": lambda units: [Dense(units), ReLU(), Dense(units // 2), ReLU(), Dense(CLASSES)],
    "leaky relu": lambda units: [Dense(units), LeakyReLU(), Dense(CLASSES)],
    "tanh": lambda units: [Dense(units), Tanh(), Dense(CLASSES)],
    "dropout": lambda units: [Dense(units), Tanh(), Dropout(0.3), Dense(CLASSES)],
    "batch norm": lambda units: [Dense(units), BatchNorm(), ReLU(), Dense(CLASSES)],
    "batch norm last": lambda units: [Dense(units), ReLU(), BatchNorm(), Dense(CLASSES)],
    "one unit": lambda units: [Dense(1), BatchNorm(), Tanh(), Dense(CLASSES)],
}
"""Layers by name, from the number of hidden units; each layer of the core is in one of them."""

REGRESSION_NETS: dict[str, Callable[[int], list[Layer]]] = {
    "linear": lambda targets: [Dense(targets)],
    "relu": lambda targets: [Dense(16), ReLU(), Dense(targets)],
    "dropout": lambda targets: [Dense(16), Tanh(), Dropout(0.3), Dense(targets)],
    "batch norm": lambda targets: [Dense(16), BatchNorm(), ReLU(), Dense(targets)],
    "batch norm last": lambda targets: [Dense(16), ReLU(), Dense(targets), BatchNorm()],
}
"""Layers by name, from the number of targets."""


def samples(n: int, inputs: int, dtype: str = "float32", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n samples (n, inputs) of numbers in [−1, 1], and labels (n,)."""
    rng = np.random.default_rng(seed)
    return (2 * rng.random((n, inputs), dtype=np.float32) - 1).astype(dtype), rng.integers(0, CLASSES, n)


def values(n: int, inputs: int, targets: int, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """n samples (n, inputs), and targets (n, targets) that depend on them, with some noise."""
    x, _ = samples(n, inputs, dtype)
    rng = np.random.default_rng(7)
    y = np.tanh(x @ rng.standard_normal((inputs, targets))) + 0.1 * rng.standard_normal((n, targets))
    return x, (3 * y).astype(dtype)


def initialised(layers: list[Layer], inputs: int, trials: Sequence[int] = (0,), **options: object) -> Network:
    """A network of these trials, each with the first parameters that its number gives it."""
    network = Network(layers, inputs=inputs, trials=len(trials), **options)
    for k, trial in enumerate(trials):
        network.initialise(k, generator(0, "initial", trial))
    return network


def perturbed(network: Network, seed: int = 0) -> Network:
    """The network with biases, γ and β away from their 0 and 1, and weights of several scales."""
    rng = np.random.default_rng(seed)
    for p in network.params.values():
        if isinstance(p, Parameter):
            p.value += 0.1 * rng.standard_normal(p.value.shape)
        else:
            p.scale *= np.linspace(0.5, 1.0, network.trials)
    return network


def lam_of(trial: int) -> float:
    return (0.0, 1e-3, 0.1, 1.0)[trial % 4]


def schedule_of(trial: int) -> Schedule:
    return cyclical(1e-5, 0.01 * (1 + trial), 7) if trial % 2 else step_decay(0.02 * (1 + trial), 0.5, 5)


def train(
    make: Callable[[], list[Layer]],
    trials: Sequence[int],
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int,
    cut: bool = False,
    leaving: dict[int, Sequence[int]] | None = None,
    batch_size: int = BATCH,
    loss: Callable[[], Loss] | None = None,
    optimiser: Callable[[], Optimiser] = SGD,
    class_weight: np.ndarray | None = None,
) -> dict[int, tuple[State, list[Measured]]]:
    """Train these trials together; return each one's last state and its measurements after every epoch.

    With `cut` every epoch begins in a new network loaded from the states; the trials that `leaving` names for an epoch
    stop before it.
    """
    trials = list(trials)
    curves: dict[int, list[Measured]] = {t: [] for t in trials}
    states: dict[int, State] = {}
    options = {"rows": batch_rows(len(x), batch_size), "loss": loss() if loss else None}
    options["class_weight"] = class_weight
    network = initialised(make(), x.shape[1], trials, **options)
    for epoch in range(1, epochs + 1):
        gone = (leaving or {}).get(epoch, ())
        if gone or cut:
            states |= {t: network.state(k) for k, t in enumerate(trials)}
            trials = [t for t in trials if t not in gone]
            network = Network(make(), inputs=x.shape[1], trials=len(trials), **options)
            for k, t in enumerate(trials):
                network.load(k, states[t])
        lam = np.array([lam_of(t) for t in trials])
        rngs = [generator(0, "epoch", t, epoch) for t in trials]
        order = generator(0, "order", epoch).permutation(len(x))
        schedules = [schedule_of(t) for t in trials]
        configurations = {"epoch": epoch, "batch_size": batch_size, "schedules": schedules, "lam": lam, "rngs": rngs}
        train_epoch(network, optimiser(), x, y, order, **configurations)
        for t, measured in zip(trials, measure(network, x, y, lam, outputs=True), strict=True):
            curves[t].append(measured)
    states |= {t: network.state(k) for k, t in enumerate(trials)}
    return {t: (states[t], curves[t]) for t in curves}


def differences(a: tuple[State, list[Measured]], b: tuple[State, list[Measured]]) -> list[str]:
    """Where two runs of one trial differ in any bit."""
    found = [name for name in a[0] if not np.array_equal(a[0][name], b[0][name])]
    for epoch, (one, other) in enumerate(zip(a[1], b[1], strict=True), start=1):
        same = (one.cost, one.loss) == (other.cost, other.loss)
        same &= np.array_equal(one.accuracy, other.accuracy, equal_nan=True)  # a regression has none
        pairs = (one.predicted, other.predicted), (one.outputs, other.outputs)
        if not (same and all(np.array_equal(a, b) for a, b in pairs)):
            found.append(f"measurements of epoch {epoch}")
    return found
