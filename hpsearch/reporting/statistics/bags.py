"""Bootstrap samples (bags) of the validation samples, and what configurations score in and out of them.

May import NumPy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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


class Epochs(Protocol):
    """Packed correct predictions, (epochs, bytes), and which epoch was chosen."""

    @property
    def correct(self) -> NDArray[np.uint8]: ...

    @property
    def chosen(self) -> int: ...


@dataclass(frozen=True)
class Found:
    """A configuration on each bag: how many drawn samples are correct, and the accuracy on those not drawn."""

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]


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
    def draw(cls, samples: int, parts: int, runs: Sequence[Epochs], most: int, seed: int) -> "Bags":
        """Draw bags for these runs; `parts` is the number of folds, whose samples are drawn together."""
        size = samples * parts
        cells = samples * sum(len(run.correct) for run in runs)
        number = min(most, max(_FEWEST, int(_PRODUCTS / max(1, cells))))
        generator = np.random.default_rng([seed, size])
        rows = np.empty((number, size), dtype=np.float32)
        for bag in rows:
            bag[:] = 1
            while np.all(bag > 0):  # of few samples a bag may leave none out
                bag[:] = np.bincount(generator.integers(0, size, size=DRAWN * size), minlength=size)
        drawn = rows.reshape(number, parts, samples)
        return cls(drawn, np.packbits(drawn == 0, axis=2), np.count_nonzero(drawn == 0, axis=(1, 2)))

    def evaluate(
        self, configurations: Sequence[Sequence[Epochs]], *, runs_share_samples: bool
    ) -> Iterator[tuple[Found, Found]]:
        """Yield what each configuration scores if its runs choose their epochs on the bag, and at those they have."""
        for block in _blocks(configurations, self.drawn.shape[2]):
            inside = self._inside(block, runs_share_samples=runs_share_samples)
            for runs in block:
                yield self._found(runs, inside, runs_share_samples=runs_share_samples)

    def _inside(self, block: Sequence[Sequence[Epochs]], *, runs_share_samples: bool) -> Iterator[NDArray[np.float32]]:
        """Yield how many drawn samples are correct for each run of a block, (epochs, bags), in one wide product."""
        samples = self.drawn.shape[2]
        runs = [(place, run) for each in block for place, run in enumerate(each)]
        found: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(runs)
        for part in range(self.drawn.shape[1]):
            here = [index for index, (place, _) in enumerate(runs) if runs_share_samples or place == part]
            rows = [np.unpackbits(runs[index][1].correct, axis=1, count=samples) for index in here]
            product = np.concatenate(rows).astype(np.float32) @ self.drawn[:, part].T
            edges = np.cumsum([0, *(len(each) for each in rows)])
            for index, (start, end) in zip(here, pairwise(edges), strict=True):
                found[index] = product[start:end]
        return iter(found)

    def _found(
        self, runs: Sequence[Epochs], scores: Iterator[NDArray[np.float32]], *, runs_share_samples: bool
    ) -> tuple[Found, Found]:
        zero = np.zeros(self.number)
        inside, outside = [zero.copy(), zero.copy()], [zero.copy(), zero.copy()]
        for place, run in enumerate(runs):
            score, left_out = next(scores), self.left_out[:, 0 if runs_share_samples else place]
            fixed = np.bitwise_count(run.correct[run.chosen] & left_out).sum(axis=1, dtype=np.int64)
            inside[1] += score[run.chosen]
            outside[1] += fixed
            if len(run.correct) == 1:
                inside[0] += score[0]
                outside[0] += fixed
                continue
            best = score.argmax(axis=0)  # of equal epochs the earliest, as in the search
            inside[0] += score[best, np.arange(self.number)]
            outside[0] += np.bitwise_count(run.correct[best] & left_out).sum(axis=1, dtype=np.int64)
        count = self.sizes * (len(runs) if runs_share_samples else 1)
        return Found(inside[0], outside[0] / count), Found(inside[1], outside[1] / count)


def _blocks(configurations: Sequence[Sequence[Epochs]], samples: int) -> Iterator[list[Sequence[Epochs]]]:
    """Cut the configurations into blocks that are multiplied at once."""
    block: list[Sequence[Epochs]] = []
    rows = 0
    for runs in configurations:
        more = sum(len(run.correct) for run in runs)
        if block and (rows + more) * samples > _CELLS:
            yield block
            block, rows = [], 0
        block.append(runs)
        rows += more
    if block:
        yield block
