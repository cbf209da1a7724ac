"""One epoch of training of a case by this library and by its peers: each function returns a function that trains it.

Every peer does the same updates on the same batches: cost = cross-entropy + λ·Σ‖W‖², plain SGD unless the case says
otherwise. Those that cannot train several networks at once train one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from cases import BATCH, Case

ETA, LAM = 0.01, 1e-3

Epoch = Callable[[], object]


def hpsearch(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """This library: all trials of the case in one cohort."""
    from hpsearch.nn import Dense, Network, ReLU
    from hpsearch.nn.optimisers import OPTIMISERS
    from hpsearch.nn.schedules import constant
    from hpsearch.nn.training import train_epoch

    layers = [layer for units in case.hidden for layer in (Dense(units), ReLU())]
    network = Network([*layers, Dense(10)], inputs=3072, trials=case.trials, rows=(BATCH,))
    for k in range(case.trials):
        network.initialise(k, np.random.default_rng(k))
    optimiser = OPTIMISERS[case.optimiser]()
    order, lam = np.random.default_rng(0).permutation(len(x)), np.full(case.trials, LAM)
    options: dict[str, Any] = {"batch_size": BATCH, "schedules": [constant(ETA / 10)] * case.trials, "lam": lam}
    return lambda: train_epoch(network, optimiser, x, y, order, epoch=1, **options)


def initial(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    pairs = zip(case.sizes[:-1], case.sizes[1:], strict=True)
    return [(rng.standard_normal((a, b)) * np.sqrt(2 / a), np.zeros(b)) for a, b in pairs]


def numpy64(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """A textbook implementation: float64, one network, new arrays in every line."""
    x, onehot, layers = x.astype(np.float64), np.eye(10)[y], [list(pair) for pair in initial(case)]
    order = np.random.default_rng(0).permutation(len(x))

    def epoch() -> None:
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            inputs = [x[rows]]
            for w, b in layers:
                z = inputs[-1] @ w + b
                inputs.append(np.maximum(z, 0))
            p = np.exp(z - z.max(axis=1, keepdims=True))
            delta = (p / p.sum(axis=1, keepdims=True) - onehot[rows]) / len(rows)
            for i in range(len(layers) - 1, -1, -1):
                w, b = layers[i]
                grad_w, grad_b = inputs[i].T @ delta + 2 * LAM * w, delta.sum(axis=0)
                if i:
                    delta = (delta @ w.T) * (inputs[i] > 0)
                layers[i] = [w - ETA * grad_w, b - ETA * grad_b]

    return epoch


def torch(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """PyTorch, eager: one network, nn.Sequential, torch.optim."""
    import torch

    torch.set_num_threads(1)
    modules: list[Any] = []
    for a, b in zip(case.sizes[:-1], case.sizes[1:], strict=True):
        modules += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model, loss = torch.nn.Sequential(*modules[:-1]), torch.nn.CrossEntropyLoss()
    weights = [p for p in model.parameters() if p.ndim == 2]
    biases = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 2 * LAM}, {"params": biases}]
    optimiser = {
        "sgd": lambda: torch.optim.SGD(groups, lr=ETA),
        "momentum": lambda: torch.optim.SGD(groups, lr=ETA, momentum=0.9),
        "adam": lambda: torch.optim.Adam(groups, lr=ETA / 10),
    }[case.optimiser]()
    samples, labels = torch.from_numpy(x), torch.from_numpy(y)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))

    def epoch() -> None:
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            optimiser.zero_grad()
            loss(model(samples[rows]), labels[rows]).backward()
            optimiser.step()

    return epoch


def torch_vmap(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """PyTorch, all trials at once by torch.func.vmap over grad, SGD in place."""
    import torch

    torch.set_num_threads(1)
    first = [torch.from_numpy(a).float() for pair in initial(case) for a in pair]
    params = [p.repeat(case.trials, *[1] * p.ndim) for p in first]
    samples, labels = torch.from_numpy(x), torch.from_numpy(y)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))

    def cost(params: list[Any], x: Any, y: Any) -> Any:
        for i in range(0, len(params), 2):
            x = x @ params[i] + params[i + 1]
            if i + 2 < len(params):
                x = torch.relu(x)
        return torch.nn.functional.cross_entropy(x, y)

    gradient = torch.func.vmap(torch.func.grad(cost), in_dims=(0, None, None))

    def epoch() -> None:
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            grads = gradient(params, samples[rows], labels[rows])
            for p, g in zip(params, grads, strict=True):
                if p.ndim == 3:
                    p.mul_(1 - 2 * ETA * LAM)
                p.add_(g, alpha=-ETA)

    return epoch


def jax_vmap(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """JAX, all trials at once: jit of vmap of a step, parameters donated."""
    import jax
    import jax.numpy as jnp

    params = [jnp.asarray(np.repeat(a[None], case.trials, 0), jnp.float32) for pair in initial(case) for a in pair]

    def cost(params: list[Any], x: Any, y: Any) -> Any:
        for i in range(0, len(params), 2):
            x = x @ params[i] + params[i + 1]
            if i + 2 < len(params):
                x = jax.nn.relu(x)
        loss = -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()
        return loss + LAM * sum((w**2).sum() for w in params[::2])

    def step(params: list[Any], x: Any, y: Any) -> Any:
        return [p - ETA * g for p, g in zip(params, jax.grad(cost)(params, x, y), strict=True)]

    compiled = jax.jit(jax.vmap(step, in_axes=(0, None, None)), donate_argnums=0)
    order, held = np.random.default_rng(0).permutation(len(x)), [params]

    def epoch() -> None:
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            held[0] = compiled(held[0], x[rows], y[rows])
        jax.block_until_ready(held[0])

    return epoch


def sklearn(case: Case, x: np.ndarray, y: np.ndarray) -> Epoch:
    """scikit-learn's MLPClassifier, one network, plain SGD, an epoch per call of partial_fit."""
    from sklearn.neural_network import MLPClassifier

    options = {"solver": "sgd", "momentum": 0.0, "batch_size": BATCH, "learning_rate_init": ETA, "alpha": LAM}
    model = MLPClassifier(case.hidden, **options, random_state=0)
    return lambda: model.partial_fit(x, y, classes=np.arange(10))


TRAINERS: dict[str, Callable[[Case, np.ndarray, np.ndarray], Epoch]] = {
    "hpsearch": hpsearch,
    "numpy64": numpy64,
    "torch": torch,
    "torch_vmap": torch_vmap,
    "jax_vmap": jax_vmap,
    "sklearn": sklearn,
}
TOGETHER = ("hpsearch", "torch_vmap", "jax_vmap")
"""Those that train all trials of a case; the others train one."""
