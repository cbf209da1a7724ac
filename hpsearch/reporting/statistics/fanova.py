"""fANOVA (Hutter, Hoos & Leyton-Brown 2014): the share of a score's variance that each hyperparameter explains alone.

As in Optuna's FanovaImportanceEvaluator, with whose values a test compares it, but a hundred times as fast: 7 s for 300
configurations are too many for a report. The trees of its forest grow together, level by level, because importing
scikit-learn's would take longer than all else on a page. Categories are numbered, not one-hot. May import NumPy.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TREES = 64
MOST = 400
"""Of more configurations, so many that are evenly spread over the scores are used."""

Floats = NDArray[np.float64]


def explained(values: Sequence[NDArray[np.int64]], sizes: Sequence[int], scores: Floats, seed: int = 0) -> list[float]:
    """Return the share of the variance that each hyperparameter explains alone, as the mean over a random forest.

    `values` has the cell of each trial on each hyperparameter's axis of so many `sizes`, all cells equally likely. The
    shares add up to less than 1: what is left is due to several hyperparameters together.
    """
    chosen = np.argsort(scores, kind="stable")
    if chosen.size > MOST:
        chosen = chosen[np.linspace(0, chosen.size - 1, MOST).round().astype(np.int64)]
    chosen = np.sort(chosen)
    bounds = np.array([[-0.5, size - 0.5] for size in sizes])
    tree, low, high, value = _leaves(np.stack([each[chosen] for each in values]), sizes, scores[chosen], seed)
    each = [np.flatnonzero(tree == index) for index in range(TREES)]
    shares = [_shares(low[leaves], high[leaves], value[leaves], bounds) for leaves in each]
    known = [each for each in shares if each is not None]
    return np.mean(known, axis=0).tolist() if known else [0.0] * len(sizes)


def _shares(low: Floats, high: Floats, value: Floats, bounds: Floats) -> Floats | None:
    """Return each hyperparameter's share of a tree's variance over the box `bounds`, None where it has none.

    The tree has leaves with the boxes `low` to `high`, (leaves, hyperparameters), and a `value` each.
    """
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


def _leaves(
    cells: NDArray[np.int64], sizes: Sequence[int], scores: Floats, seed: int
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Grow regression trees, each on a bootstrap sample of the scores, until each leaf has one score or one cell.

    `cells` is (hyperparameters, trials). Return of each leaf its tree, its box, (leaves, hyperparameters) twice, and
    its value. Of equally good splits one is drawn, so that no hyperparameter is preferred.
    """
    generator = np.random.default_rng([seed, scores.size])
    weights = generator.multinomial(scores.size, np.full(scores.size, 1 / scores.size), size=TREES)
    tree, trial = np.nonzero(weights)
    weight, node = weights[tree, trial].astype(np.float64), tree
    scores = scores - scores.mean()
    owner = np.arange(TREES)  # of each open node its tree, and below its box
    low, high = np.full((TREES, len(sizes)), -0.5), np.tile(np.array(sizes) - 0.5, (TREES, 1))
    found = []
    while len(owner):
        nodes = np.arange(len(owner))
        gains, thresholds = [], []
        for of_axis, size in zip(cells, sizes, strict=True):
            gain, threshold = _best_split(
                node * size + of_axis[trial], weight, weight * scores[trial], (len(owner), size)
            )
            gains.append(gain)
            thresholds.append(threshold)
        best = np.stack(gains) * (1 + 1e-9 * generator.random((len(sizes), len(owner))))
        axis = best.argmax(axis=0)
        at = np.stack(thresholds)[axis, nodes]
        total, number = np.bincount(node, weight * scores[trial]), np.bincount(node, weight)
        leaf = best[axis, nodes] <= 1e-12
        found.append((owner[leaf], low[leaf], high[leaf], (total / number)[leaf]))
        # The children of an open node are two nodes, one after the other.
        place = 2 * (np.cumsum(~leaf) - 1)
        right = cells[axis[node], trial] > at[node]
        kept = ~leaf[node]
        node, trial, weight = (place[node] + right)[kept], trial[kept], weight[kept]
        owner, low, high = (np.repeat(each[~leaf], 2, axis=0) for each in (owner, low, high))
        split, cut = axis[~leaf], at[~leaf]
        high[2 * np.arange(len(split)), split] = cut
        low[2 * np.arange(len(split)) + 1, split] = cut
    tree, low, high, value = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return tree, low, high, value


def _best_split(
    at: NDArray[np.int64], weight: Floats, weighted: Floats, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return how much each node's best split along one axis reduces the sum of squares, and where it is.

    `at` is the index of each sample in (nodes, cells), of the given `shape`.
    """
    number = np.bincount(at, weight, shape[0] * shape[1]).reshape(shape)
    total = np.bincount(at, weighted, shape[0] * shape[1]).reshape(shape)
    left, sums = number.cumsum(axis=1), total.cumsum(axis=1)
    right, rest = left[:, -1:] - left, sums[:, -1:] - sums
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = sums**2 / left + rest**2 / right - sums[:, -1:] ** 2 / left[:, -1:]
    gain = np.where((number > 0) & (right > 0), gain, -1.0)
    best = gain.argmax(axis=1)
    nodes, cells = np.arange(shape[0]), np.arange(shape[1])
    following = np.where((number > 0) & (cells > best[:, None]), cells, shape[1]).min(axis=1)
    return gain[nodes, best], (best + following) / 2
