"""Stratified draws without replacement, and folds. May import NumPy only."""

from zlib import crc32

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Labels

Rows = npt.NDArray[np.int64]
Fold = tuple[int, int]
"""(which fold validates, counted from 0; how many folds there are)"""


def apportion(total: int, sizes: Labels) -> Labels:
    """Divide `total` in proportion to `sizes` (k,), exactly, by largest remainder; no part exceeds its size.

    >>> apportion(10, np.array([50, 30, 21])).tolist()
    [5, 3, 2]
    """
    assert 0 <= total <= sizes.sum()
    parts, remainders = np.divmod(total * sizes, sizes.sum())  # whole numbers: nothing to round
    largest = np.argsort(-remainders, kind="stable")[: total - parts.sum()]
    parts[largest] += 1
    return parts


def fold_sizes(samples: int, folds: int) -> tuple[int, ...]:
    """Return how many of `samples` each of `folds` folds validates on: equal sizes, the first ones larger by one.

    >>> fold_sizes(11, 3)
    (4, 4, 3)
    """
    return tuple(samples // folds + (index < samples % folds) for index in range(folds))


def divide(sizes: Labels, train: int, validation: int, fold: Fold | None = None) -> list[npt.NDArray[np.bool_]]:
    """Return a mask for each class, of which there are `sizes` (k,): which of its samples, in drawn order, validate.

    Together the k masks have train + validation entries, `validation` of them true. With a fold, the samples are
    assigned to the folds in turn, class after class: sizes differ by at most one, in each class and in all.
    """
    both = apportion(train + validation, sizes)
    if fold is None:
        return [np.arange(n) < v for n, v in zip(both, apportion(validation, both), strict=True)]
    index, folds = fold
    assigned = np.arange(both.sum()) % folds == index
    return np.split(assigned, np.cumsum(both)[:-1])


def draw(
    labels: Labels, sizes: Labels, counts: tuple[int, int], seed: int, purpose: str, fold: Fold | None = None
) -> tuple[Rows, Rows]:
    """Draw `counts` = (train, validation) disjoint rows from `labels` (n,), which has `sizes` (k,) of each class.

    Any first n rows of each result have the class proportions of the whole, to within about one sample per class; the
    order is random otherwise. With the same seed a smaller validation set is part of a larger one, as far as the
    class counts allow; all folds divide the same samples.
    """
    generator = generator_of(seed, purpose)
    shuffled = [generator.permutation(np.flatnonzero(labels == label)) for label in range(len(sizes))]
    masks = divide(sizes, *counts, fold)
    validation = [rows[: len(mask)][mask] for rows, mask in zip(shuffled, masks, strict=True)]
    train = [rows[: len(mask)][~mask] for rows, mask in zip(shuffled, masks, strict=True)]
    return _interleave(train, generator), _interleave(validation, generator)


def generator_of(seed: int, purpose: str) -> np.random.Generator:
    """The generator of what is drawn from a dataset with a seed for a purpose."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(purpose.encode())])))


def hold_out(labels: Labels, count: int, purpose: str) -> tuple[Rows, Rows]:
    """Return (train, test) rows, sorted: `count` samples to test on, stratified, and the same for every study."""
    train, test = draw(labels, np.bincount(labels), (len(labels) - count, count), seed=0, purpose=purpose)
    return np.sort(train), np.sort(test)


def _interleave(by_class: list[Rows], generator: np.random.Generator) -> Rows:
    """Merge rows so that each class is spread evenly: the i-th of n rows falls at random in [i/n, (i+1)/n)."""
    places = [(np.arange(len(rows)) + generator.random(len(rows))) / max(len(rows), 1) for rows in by_class]
    return np.concatenate(by_class)[np.argsort(np.concatenate(places), kind="stable")]
