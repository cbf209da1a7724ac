"""Which images go where: draws without replacement that keep class proportions. May import NumPy only."""

from zlib import crc32

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Labels

Rows = npt.NDArray[np.int64]


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


def divide(sizes: Labels, train: int, validation: int) -> tuple[Labels, Labels]:
    """Return how many images of each class, of which there are `sizes` (k,), go to training and to validation."""
    both = apportion(train + validation, sizes)
    for_validation = apportion(validation, both)
    return both - for_validation, for_validation


def draw(labels: Labels, sizes: Labels, counts: tuple[int, int], seed: int, purpose: str) -> tuple[Rows, Rows]:
    """Draw `counts` = (train, validation) disjoint rows from `labels` (n,), which has `sizes` (k,) of each class.

    Every beginning of each result has the class proportions of the whole, to within an image or so per class; the
    order is random otherwise. With the same seed a smaller validation set is part of a larger one, as far as the
    class counts allow.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(purpose.encode())])))
    shuffled = [generator.permutation(np.flatnonzero(labels == label)) for label in range(len(sizes))]
    for_train, for_validation = divide(sizes, *counts)
    validation = [rows[:v] for rows, v in zip(shuffled, for_validation, strict=True)]
    train = [rows[v : v + t] for rows, t, v in zip(shuffled, for_train, for_validation, strict=True)]
    return _interleave(train, generator), _interleave(validation, generator)


def _interleave(by_class: list[Rows], generator: np.random.Generator) -> Rows:
    """Merge rows so that each class is spread evenly: the i-th of n rows falls at random in [i/n, (i+1)/n)."""
    places = [(np.arange(len(rows)) + generator.random(len(rows))) / max(len(rows), 1) for rows in by_class]
    return np.concatenate(by_class)[np.argsort(np.concatenate(places), kind="stable")]
