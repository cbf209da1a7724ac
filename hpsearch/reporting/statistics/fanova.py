"""fANOVA (Hutter, Hoos & Leyton-Brown 2014): the share of a score's variance that each hyperparameter explains alone.

As in Optuna's FanovaImportanceEvaluator, with whose values a test compares it, but a hundred times as fast: 7 s for 300
configurations are too many for a report. Categories are numbered, not one-hot. May import NumPy and scikit-learn.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TREES, DEPTH = 64, 64
MOST = 400
"""Of more configurations, so many that are evenly spread over the scores are used."""

Floats = NDArray[np.float64]


def explained(values: Sequence[NDArray[np.int64]], sizes: Sequence[int], scores: Floats, seed: int = 0) -> list[float]:
    """Return the share of the variance that each hyperparameter explains alone, as the mean over a random forest.

    `values` has the cell of each trial on each hyperparameter's axis of so many `sizes`, all cells equally likely. The
    shares add up to less than 1: what is left is due to several hyperparameters together.
    """
    from sklearn.ensemble import RandomForestRegressor

    chosen = np.argsort(scores, kind="stable")
    if chosen.size > MOST:
        chosen = chosen[np.linspace(0, chosen.size - 1, MOST).round().astype(np.int64)]
    chosen = np.sort(chosen)
    grid = np.stack([each[chosen] for each in values], axis=1).astype(np.float64)
    bounds = np.array([[-0.5, size - 0.5] for size in sizes])
    forest = RandomForestRegressor(TREES, max_depth=DEPTH, random_state=seed).fit(grid, scores[chosen])
    shares = [_shares(each.tree_, bounds) for each in forest.estimators_]
    known = [each for each in shares if each is not None]
    return np.mean(known, axis=0).tolist() if known else [0.0] * len(sizes)


def _shares(tree: object, bounds: Floats) -> Floats | None:
    """Return each hyperparameter's share of a tree's variance over the box `bounds`, None where it has none."""
    low, high, value = _leaves(tree, bounds)
    parts = (high - low) / (bounds[:, 1] - bounds[:, 0])
    volume = parts.prod(axis=1)
    mean = float(volume @ value)
    variance = float(volume @ (value - mean) ** 2)
    if variance <= 0:
        return None
    alone = np.empty(len(bounds))
    for index, (start, end) in enumerate(bounds):
        edges = np.unique(np.concatenate([[start, end], low[:, index], high[:, index]]))
        middle = (edges[1:] + edges[:-1]) / 2
        inside = (low[:, index, None] <= middle) & (middle < high[:, index, None])
        marginal = (value * volume / parts[:, index]) @ inside
        alone[index] = ((edges[1:] - edges[:-1]) / (end - start) * (marginal - mean) ** 2).sum()
    return np.maximum(alone, 0.0) / variance


def _leaves(tree: object, bounds: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the boxes of a tree's leaves, (leaves, hyperparameters) twice, and their values, (leaves,)."""
    left, right, feature, threshold, value = (
        getattr(tree, name) for name in ("children_left", "children_right", "feature", "threshold", "value")
    )
    low, high, values = [], [], []
    open_nodes = [(0, bounds[:, 0], bounds[:, 1])]
    while open_nodes:
        node, least, most = open_nodes.pop()
        if left[node] < 0:
            low.append(least)
            high.append(most)
            values.append(value[node].item())
            continue
        at, split = feature[node], threshold[node]
        below, above = most.copy(), least.copy()
        below[at], above[at] = min(most[at], split), max(least[at], split)
        open_nodes += [(left[node], least, below), (right[node], above, most)]
    return np.array(low), np.array(high), np.array(values)
