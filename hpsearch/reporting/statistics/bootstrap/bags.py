"""Bootstrap samples (bags) of the validation samples, and what configurations score in and out of them.

May import NumPy and our runs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.statistics.bootstrap.runs import AnyRun, Run

DRAWN = 2
"""A bag draws so many times as many samples as there are.

A bag repeats samples, so choosing on it is like choosing on DRAWN/(DRAWN + 1) of the samples: on half of them if as
many are drawn as there are, which chooses clearly worse than the search did, on two thirds with twice as many. A bag
then leaves out 13.5% instead of 37%.
"""

_CELLS = 4_000_000
"""The most numbers of a matrix that are float32 at a time: 16 MB."""

_PRODUCTS = 4e10
"""So many multiplications a correction may take, some seconds: of more predictions there are fewer bags."""

_FEWEST = 200
"""There are at least so many bags, unless fewer were asked for."""


@dataclass(frozen=True)
class Found:
    """A configuration on each bag: its sum over the drawn samples, and its mean over those not drawn."""

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]


class _Sums(NamedTuple):
    """Of one run, (epochs, bags): the sums over the drawn samples; of contributions also over those not drawn."""

    inside: NDArray[np.floating]
    outside: NDArray[np.floating] | None


@dataclass(frozen=True)
class Bags:
    """How often each bag has each sample, (bags, parts, samples), and which it has not, packed (bags, parts, bytes)."""

    drawn: NDArray[np.float32]
    left_out: NDArray[np.uint8]
    sizes: NDArray[np.int64]  # of the samples left out of each bag

    @property
    def number(self) -> int:
        return len(self.drawn)

    @classmethod
    def draw(cls, samples: int, parts: int, runs: Sequence[AnyRun], most: int, seed: int) -> "Bags":
        """Draw bags for these runs; `parts` is the number of folds, whose samples are drawn together."""
        size = samples * parts
        cells = samples * sum(run.epochs for run in runs)
        number = min(most, max(_FEWEST, int(_PRODUCTS / max(1, cells))))
        generator = np.random.default_rng([seed, size])
        rows = np.empty((number, size), dtype=np.float32)
        for bag in rows:
            bag[:] = 1
            while np.all(bag > 0):  # of few samples a bag may leave none out
                bag[:] = np.bincount(generator.integers(0, size, size=DRAWN * size), minlength=size)
        drawn = rows.reshape(number, parts, samples)
        return cls(drawn, np.packbits(drawn == 0, axis=2), np.count_nonzero(drawn == 0, axis=(1, 2)))

    @cached_property
    def _outside(self) -> NDArray[np.float32]:
        """Which samples a bag has not, (bags, parts, samples), to multiply with."""
        return np.asarray(self.drawn == 0, dtype=np.float32)

    def evaluate(
        self,
        configurations: Sequence[Sequence[AnyRun]],
        *,
        runs_share_samples: bool,
        offset: float = 0.0,
        highest: float = math.inf,
    ) -> Iterator[tuple[Found, Found]]:
        """Yield what each configuration scores if its runs choose their epochs on the bag, and at those they have.

        The scores are less an `offset`, which is subtracted from what each sample adds to them. None is above the
        `highest`: the mean of contributions can be, where a bag has many of a rare class.
        """
        for block in _blocks(configurations, self.drawn.shape[2]):
            products = iter(self._products(block, offset, highest - offset, runs_share_samples=runs_share_samples))
            for runs in block:
                yield self._found(runs, products, runs_share_samples=runs_share_samples)

    def _products(
        self, block: Sequence[Sequence[AnyRun]], offset: float, most: float, *, runs_share_samples: bool
    ) -> list[_Sums]:
        """Return the sums of each run of a block, in one wide product."""
        samples = self.drawn.shape[2]
        runs = [(place, run) for each in block for place, run in enumerate(each)]
        found: list[_Sums] = [_Sums(np.empty((0, 0), np.float32), None)] * len(runs)
        for part in range(self.drawn.shape[1]):
            here = [index for index, (place, _) in enumerate(runs) if runs_share_samples or place == part]
            rows = [runs[index][1].rows(samples) for index in here]
            matrix = np.concatenate(rows).astype(np.result_type(np.float32, *rows))
            if offset:
                matrix -= offset
            inside = matrix @ self.drawn[:, part].T
            # Bits are counted instead, which is faster.
            outside = None if isinstance(runs[0][1], Run) else matrix @ self._outside[:, part].T
            if outside is not None and most < math.inf:
                limit = np.multiply(most, self.drawn[:, part].sum(axis=1), dtype=inside.dtype)
                np.minimum(inside, limit, out=inside)
            edges = np.cumsum([0, *(len(each) for each in rows)])
            for index, (start, end) in zip(here, pairwise(edges), strict=True):
                found[index] = _Sums(inside[start:end], None if outside is None else outside[start:end])
        return found

    def _found(
        self, runs: Sequence[AnyRun], products: Iterator[_Sums], *, runs_share_samples: bool
    ) -> tuple[Found, Found]:
        zero = np.zeros(self.number)
        inside, outside = [zero.copy(), zero.copy()], [zero.copy(), zero.copy()]
        for place, run in enumerate(runs):
            score = next(products)
            fixed = self._left_out(run, run.chosen, score, 0 if runs_share_samples else place)
            inside[1] += score.inside[run.chosen]
            outside[1] += fixed
            if run.epochs == 1:
                inside[0] += score.inside[0]
                outside[0] += fixed
                continue
            best = score.inside.argmax(axis=0)  # of equal epochs the earliest, as in the search
            inside[0] += score.inside[best, np.arange(self.number)]
            outside[0] += self._left_out(run, best, score, 0 if runs_share_samples else place)
        count = self.sizes * (len(runs) if runs_share_samples else 1)
        return Found(inside[0], outside[0] / count), Found(inside[1], outside[1] / count)

    def _left_out(
        self, run: AnyRun, epochs: int | NDArray[np.intp], sums: _Sums, part: int
    ) -> NDArray[np.int64] | NDArray[np.floating]:
        """Return the sum over the samples left out of each bag at some epoch, or at one of each bag."""
        if isinstance(run, Run):
            hits = np.bitwise_count(run.correct[epochs] & self.left_out[:, part])
            return np.asarray(hits.sum(axis=1, dtype=np.int64))
        assert sums.outside is not None, "of contributions these are computed"
        return np.asarray(sums.outside[epochs, np.arange(self.number)])


def _blocks(configurations: Sequence[Sequence[AnyRun]], samples: int) -> Iterator[list[Sequence[AnyRun]]]:
    """Cut the configurations into blocks that are multiplied at once."""
    block: list[Sequence[AnyRun]] = []
    rows = 0
    for runs in configurations:
        more = sum(run.epochs for run in runs)
        if block and (rows + more) * samples > _CELLS:
            yield block
            block, rows = [], 0
        block.append(runs)
        rows += more
    if block:
        yield block
