"""One training in PyTorch, eager, one thread: what the scripts with Optuna and with Ray Tune share."""

from collections.abc import Callable

import numpy as np
import plan
import torch


def train(
    data: plan.Data, lam: float, epochs: int, seed: int, report: Callable[[float, int], None]
) -> tuple[float, float]:
    """Train once; return the best epoch's validation accuracy, and the last one's on the test set."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(3072, plan.HIDDEN), torch.nn.ReLU(), torch.nn.Linear(plan.HIDDEN, plan.CLASSES)
    )
    for layer in (model[0], model[2]):
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        torch.nn.init.zeros_(layer.bias)
    weights = [each for each in model.parameters() if each.ndim == 2]
    biases = [each for each in model.parameters() if each.ndim == 1]
    groups = [{"params": weights, "weight_decay": 2 * lam}, {"params": biases}]
    optimiser, loss = torch.optim.SGD(groups, lr=plan.ETA_MIN), torch.nn.CrossEntropyLoss()
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    updates = -(-len(y) // plan.BATCH)
    rates = torch.optim.lr_scheduler.CyclicLR(
        optimiser, plan.ETA_MIN, plan.ETA_MAX, step_size_up=plan.HALF_CYCLE * updates, cycle_momentum=False
    )
    best = 0.0
    for epoch in range(epochs):
        order = torch.from_numpy(rng.permutation(len(y)))
        for rows in order.split(plan.BATCH):
            optimiser.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimiser.step()
            rates.step()
        best = max(best, accuracy(model, data.x_validation, data.y_validation))
        report(best, epoch)
    return best, accuracy(model, data.x_test, data.y_test)


def accuracy(model: torch.nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    with torch.no_grad():
        return float((model(torch.from_numpy(x)).argmax(dim=1) == torch.from_numpy(y)).float().mean())
