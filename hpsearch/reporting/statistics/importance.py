"""Hyperparameter importance: PED-ANOVA (Watanabe, Bansal & Hutter 2023), fANOVA, and a test of any influence.

PED-ANOVA's values are those of Optuna's PedAnovaImportanceEvaluator (a test compares them), but computed for all
permutations at once: Optuna's takes 4 ms for each, and a report needs hundreds. May import NumPy and SciPy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hpsearch.reporting.statistics.fanova import explained
from hpsearch.reporting.statistics.influence import influence, scores_as_ranks

STEPS = 50
"""The number of cells that a numeric range is divided into, as in Optuna."""

PERMUTATIONS = 499

MANY_TRIALS, FEWER_PERMUTATIONS = 2_000, 199
"""From so many trials on, so few permutations are enough."""

_TINY = 1e-12

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """The values of one hyperparameter: the cell of each trial, (trials,). Unordered cells are categories."""

    cells: NDArray[np.int64]
    size: int
    ordered: bool


@dataclass(frozen=True)
class Importance:
    """One hyperparameter, rated in three ways."""

    share: float  # PED-ANOVA: of the sum of all importances
    explained: float  # fANOVA: of the variance of the ranks
    correlation: float | None  # Spearman's, None of categories
    p: float  # of no influence, by permutation; not adjusted


def numeric_axis(values: Sequence[float], low: float, high: float, log: bool = False, cells: int | None = None) -> Axis:
    """Assign numbers to cells of a grid over their range; of two equally near cells, to the lower one.

    `cells` is the number of values that were possible, None where all real numbers were.
    """
    size = STEPS
    if cells is not None:
        size = min(math.ceil(math.log2(cells)) + 1 if log else cells, STEPS)
    scaled = np.asarray(values, dtype=np.float64)
    if log:
        scaled, low, high = np.log(scaled), math.log(low), math.log(high)
    nearest = np.ceil((scaled - low) / ((high - low) / (size - 1)) - 0.5).astype(np.int64)
    return Axis(np.clip(nearest, 0, size - 1), size, True)


def category_axis(values: Sequence[str]) -> Axis:
    """Number the categories in the order in which they first appear."""
    names = {name: index for index, name in enumerate(dict.fromkeys(values))}
    return Axis(np.array([names[value] for value in values], dtype=np.int64), len(names), False)


def top_share(trials: int) -> float:
    """Return the share of trials that counts as the best: a tenth, or five trials if more, but at most half."""
    return min(0.5, max(0.1, 5 / trials))


def importances(axes: Sequence[Axis], scores: Floats, seed: int = 0) -> list[Importance]:
    """Return the importance of each hyperparameter for the order of configurations by score, (trials,).

    PED-ANOVA's is for being among the best `top_share`, fANOVA's of the ranks of all. p is of `influence`, from 499
    permutations of the scores (199 with very many trials).
    """
    trials = scores.size
    generator = np.random.default_rng([seed, trials])
    order = np.argsort(-scores, kind="stable")
    all_once = np.ones((1, trials), dtype=np.int64)
    repeats = PERMUTATIONS if trials < MANY_TRIALS else FEWER_PERMUTATIONS
    permutations = np.argsort(generator.random((repeats, trials)), axis=1, kind="stable")
    best = _top(all_once, scores, order)
    orders = np.concatenate([best, best[0][permutations]])  # the observed one first
    divergences = [_divergence(axis, orders, all_once) for axis in axes]
    total = sum(float(each[0]) for each in divergences) or 1.0
    alone = explained([axis.cells for axis in axes], [axis.size for axis in axes], scores_as_ranks(scores), seed)
    tests = [
        influence(axis.cells, axis.ordered, scores, permutations, divergence)
        for axis, divergence in zip(axes, divergences, strict=True)
    ]
    return [
        Importance(float(divergence[0]) / total, part, test.correlation, test.p)
        for divergence, part, test in zip(divergences, alone, tests, strict=True)
    ]


def _top(weights: Counts, scores: Floats, order: NDArray[np.int64]) -> Counts:
    """Return the weights, (resamples, trials), with those of all but the best trials, ties included, set to 0."""
    wanted = math.ceil(top_share(scores.size) * scores.size)
    reached = np.cumsum(weights[:, order], axis=1) >= wanted
    bound = scores[order][reached.argmax(axis=1)]
    return np.where(scores >= bound[:, None], weights, 0)


def _divergence(axis: Axis, best: Counts, every: Counts) -> Floats:
    """Return the Pearson divergence of the best trials' density from that of every trial, (resamples,)."""
    at = np.zeros((axis.cells.size, axis.size))
    at[np.arange(axis.cells.size), axis.cells] = 1
    density = _ordered_density if axis.ordered else _category_density
    top, local = density(best @ at) + _TINY, density(every @ at) + _TINY
    return np.asarray((local * (top / local - 1) ** 2).sum(axis=1), dtype=np.float64)


def _category_density(counts: Floats) -> Floats:
    """Return each category's probability: a kernel for each that occurs, weighted by its count, and a flat prior.

    `counts` and the result are (resamples, categories).
    """
    seen = counts > 0
    flat = 1 / (seen.sum(axis=1, keepdims=True) + 1)  # what the prior adds to every category of each kernel
    size = counts.shape[1]
    kernels = 1 + size * flat
    total = counts.sum(axis=1, keepdims=True)
    spread = (counts + flat * total) / kernels
    return np.asarray((spread + 1 / size) / (total + 1), dtype=np.float64)


def _ordered_density(counts: Floats) -> Floats:
    """Return each cell's probability: a truncated normal around each that occurs, of Scott's (1992) width, and a prior.

    `counts` and the result are (resamples, cells).
    """
    size = counts.shape[1]
    cells = np.arange(size)
    sigma = _scott(counts, cells)[:, None]
    # A normal's mass from cell s on cell g depends on g − s alone: one table of its distribution function serves all.
    edge = ndtr((np.arange(-size, size + 1) + 0.5) / sigma)
    offset = cells[:, None] - cells + size  # (g, s): the index of (g − s) + ½ in that table
    inside = edge[:, size + size - 1 - cells] - edge[:, size - 1 - cells]
    mass = np.take(np.diff(edge), offset - 1, axis=1)
    mixed = np.einsum("rs,rgs->rg", counts / inside, mass)
    centre = (cells - (size - 1) / 2) / size
    prior = ndtr(centre + 0.5 / size) - ndtr(centre - 0.5 / size)
    return np.asarray((mixed + prior / prior.sum()) / (counts.sum(axis=1, keepdims=True) + 1), dtype=np.float64)


def _scott(counts: Floats, cells: NDArray[np.int64]) -> Floats:
    """Return the width of the kernels by Scott's rule, in cells, (resamples,): at least that of one cell."""
    total = counts.sum(axis=1)
    mean = counts @ cells / total
    deviation = np.sqrt((counts * (cells - mean[:, None]) ** 2).sum(axis=1) / np.maximum(1, total - 1))
    reached = np.cumsum(counts, axis=1)
    first = (reached >= (total // 4)[:, None]) & (counts > 0)
    third = (reached > (total * 3 // 4)[:, None]) & (counts > 0)
    last = cells.size - 1 - (counts > 0)[:, ::-1].argmax(axis=1)
    upper = np.where(third.any(axis=1), third.argmax(axis=1), last)
    quartiles = (upper - first.argmax(axis=1)) / 1.34
    return np.asarray(np.maximum(1.059 * np.minimum(quartiles, deviation) * total**-0.2, 0.5 / 1.64), dtype=np.float64)
