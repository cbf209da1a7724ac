"""Gradient check: analytic against numeric gradients of each parameter. May import NumPy and `hpsearch.nn`.

Report 1 compared them by relative error, report 3 by absolute difference; both are here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn.network import Network
from hpsearch.nn.parameters import Parameter, Weights
from hpsearch.nn.random import generator

Array = npt.NDArray[Any]
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ParameterCheck:
    """One parameter of one trial: its entry with the largest relative error, and its largest absolute difference."""

    name: str  # e.g. "0.weights"
    trial: int
    entries: int  # how many were compared
    relative_error: float
    absolute_difference: float
    index: Index  # of the entry with the largest relative error
    analytic: float  # there
    numeric: float  # there


def check(
    network: Network,
    x: Array,
    y: Array,
    lam: npt.NDArray[np.float64],
    *,
    h: float = 1e-6,
    eps: float = 1e-3,
    sample: int | None = None,
    rng: np.random.Generator | None = None,
) -> list[ParameterCheck]:
    """Compare gradients of the cost, loss + λ·Σ‖W‖², on samples x (n, D), with λ of each trial (K,).

    y: labels (n,), or targets (n, T) in a regression.

    Numeric gradients are central differences (cost(w + h) − cost(w − h)) / 2h; the relative error of numbers a and n is
    |a − n| / max(eps, |a| + |n|). With h = 1e-6 rounding leaves about 1e-10 in n, so gradients far below 1e-3 cannot be
    compared to a relative error of 1e-6: hence eps. `sample` is the number of entries of each parameter to check, drawn
    by `rng`; None is all. Where a kink (of ReLU, the hinge, |r|) lies within h, the numeric gradient is wrong. This is
    rare, and does not repeat with another sample or seed. A network of a dtype other than float64 raises ValueError.
    """
    for name, p in network.params.items():
        if (dtype := p.materialise(0).dtype) != np.float64:
            raise ValueError(f"gradients must be checked in float64, got {name} of {dtype}")
    rng = rng or np.random.default_rng(0)
    _begin(network)
    network.backward(x, y)
    analytic = {name: _gradient(p, lam) for name, p in network.params.items()}
    found = []
    for name, p in network.params.items():
        chosen = list(_entries(p.materialise(0).shape, sample, rng))
        numeric = _numeric(network, p, chosen, x, y, lam, h)
        for k in range(network.trials):
            own = np.array([analytic[name][k][index] for index in chosen])
            found.append(_compare(name, k, chosen, own, numeric[k], eps))
    return found


def _begin(network: Network) -> None:
    """Use the same random numbers in every pass: costs are comparable only if dropout drops the same units."""
    network.begin_epoch([generator(0, "gradcheck", k) for k in range(network.trials)])


def _gradient(p: Parameter | Weights, lam: npt.NDArray[np.float64]) -> Array:
    """d(cost)/d(parameter), (K, …), as a copy: the loss's gradient, and 2λW where W is regularised."""
    if isinstance(p, Parameter):
        return p.grad.copy()
    weights = np.stack([p.materialise(k) for k in range(len(lam))])
    regularised: Array = p.gradient() + 2 * lam[:, None, None] * weights
    return regularised


def _entries(shape: tuple[int, ...], sample: int | None, rng: np.random.Generator) -> Iterator[Index]:
    """Yield indices into an array of this shape: all, or a random sample."""
    size = int(np.prod(shape))
    flat = range(size) if sample is None or sample >= size else np.sort(rng.choice(size, sample, replace=False))
    for i in flat:
        yield tuple(int(j) for j in np.unravel_index(i, shape))


def _numeric(
    network: Network,
    p: Parameter | Weights,
    indices: list[Index],
    x: Array,
    y: Array,
    lam: npt.NDArray[np.float64],
    h: float,
) -> Array:
    """(cost(w + h) − cost(w − h)) / 2h of each entry, in all trials at once, (K, entries).

    The two costs differ only in their last digits, so differences are taken before anything else is added:
    sample by sample, and of Σ‖W‖² in the one square that changes.
    """
    trials = range(network.trials)
    saved, values = [p.state(k) for k in trials], np.stack([p.materialise(k) for k in trials])
    changes = np.empty((network.trials, len(indices)))
    for i, index in enumerate(indices):
        place: tuple[Any, ...] = (slice(None), *index)
        before = values[place].copy()
        upper, lower = before + h, before - h
        losses = []
        for side in (upper, lower):
            values[place] = side
            losses.append(_losses(network, p, values, x, y))
        values[place] = before
        changes[:, i] = (losses[0] - losses[1]).mean(axis=1)
        if isinstance(p, Weights):
            changes[:, i] += lam * (upper - lower) * (upper + lower)
    for k in trials:
        p.load(k, saved[k])
    return changes / (2 * h)


def _losses(network: Network, p: Parameter | Weights, values: Array, x: Array, y: Array) -> Array:
    """Return each sample's loss, (K, n), with the weight of its class, where the parameter has these values (K, …)."""
    for k, own in enumerate(values):
        p.load(k, {"": own})
    _begin(network)
    losses = network.loss.losses(network.forward(x, training=True), y)
    return losses if network.class_weight is None else losses * network.class_weight[y]


def _compare(
    name: str, trial: int, indices: list[Index], analytic: Array, numeric: Array, eps: float
) -> ParameterCheck:
    difference = np.abs(analytic - numeric)
    relative = difference / np.maximum(eps, np.abs(analytic) + np.abs(numeric))
    worst = int(relative.argmax())  # NumPy's argmax takes the first NaN, if there is one
    return ParameterCheck(
        name,
        trial,
        len(indices),
        float(relative[worst]),
        float(difference.max()),
        indices[worst],
        float(analytic[worst]),
        float(numeric[worst]),
    )
