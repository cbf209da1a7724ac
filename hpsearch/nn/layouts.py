"""The arrangement of many trials' columns in wide matrices. May import NumPy only.

K trials' weight matrices side by side make one wide product of K narrow ones, but on some machines BLAS sums a column
in another order where it is at an edge of the matrix (docs/decisions/0001-blocks-of-columns.md). A `Scheme` is a
way to arrange columns so that each trial has the same ones at edges, whatever trials are beside it. A `Layout` is the
result for K trials. A `Buffer` copies between that and the trials' own arrays.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EDGE = 8
"""Columns at each end of a block that AVX2 kernels may sum in another order: their narrow tile."""

WIDEST = 320
"""Columns that fit one block: AVX2 kernels cut wider matrices into blocks, each with edges of its own."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The columns of K trials: trial k's in call[k], at column[k] (H,), of `calls` matrices of one width.

    The arrays it arranges are (calls, rows, width), one BLAS call each; columns that belong to no trial stay 0.
    """

    calls: int
    width: int
    call: npt.NDArray[np.intp]  # (K,)
    column: npt.NDArray[np.intp]  # (K, H)

    @property
    def side_by_side(self) -> bool:
        """Whether it is one matrix, trial after trial."""
        return self.calls == 1 and np.array_equal(self.column.ravel(), np.arange(self.width))

    def get(self, wide: Array, k: int) -> Array:
        """Return trial k's columns as a copy (rows, H)."""
        own: Array = wide[self.call[k]][:, self.column[k]]
        return own

    def put(self, wide: Array, k: int, own: Array) -> None:
        """Write trial k's columns (rows, H)."""
        wide[self.call[k]][:, self.column[k]] = own

    def moved(self, wide: Array, to: "Layout") -> Array:
        """Return the same trials' columns in another layout."""
        other = np.zeros((to.calls, wide.shape[1], to.width), wide.dtype)
        for k in range(len(self.call)):
            to.put(other, k, self.get(wide, k))
        return other

    def index(self, rows: int) -> npt.NDArray[np.intp]:
        """Return flat positions (K, rows, H) of all trials' elements in an array (calls, rows, width)."""
        first = (self.call[:, None] * rows + np.arange(rows)) * self.width
        flat: npt.NDArray[np.intp] = first[:, :, None] + self.column[:, None, :]
        return flat

    def owner(self) -> npt.NDArray[np.intp]:
        """Return the trial that each column belongs to, (calls, 1, width); 0 for columns that belong to none."""
        owner = np.zeros((self.calls, 1, self.width), np.intp)
        for k, (call, column) in enumerate(zip(self.call, self.column, strict=True)):
            owner[call, 0, column] = k
        return owner


@dataclass(frozen=True)
class Scheme:
    """A way to arrange any number of trials of one shape.

    per_block = 0: all side by side. Otherwise in blocks of at most `per_block` trials (2, 4, 8 or 16): the trials share
    the 16 columns at a block's two edges, each with its first and last few columns there, whatever trials are beside
    it. A block with fewer trials, or one, has columns of zeros in place of the missing ones. per_call is the number of
    blocks in one BLAS call, which BLAS is known to separate again.
    """

    per_block: int = 0
    per_call: int = 1

    def separate(self, trials: int, outputs: int) -> Layout:
        """Return the layout with one BLAS call for each trial, whose results every other layout must reproduce."""
        alone = self.layout(1, outputs)
        return Layout(trials, alone.width, np.arange(trials), np.repeat(alone.column, trials, axis=0))

    def layout(self, trials: int, outputs: int) -> Layout:
        if not self.per_block:
            column = np.arange(trials * outputs).reshape(trials, outputs)
            return Layout(1, trials * outputs, np.zeros(trials, np.intp), column)
        blocks = -(-trials // self.per_block)
        per_call = self.per_call if blocks % self.per_call == 0 else 1
        members = -(-trials // blocks)
        width = self._width(members, outputs)
        block, member = np.divmod(np.arange(trials), members)
        column = self._columns(member[:, None], width, outputs) + (block % per_call)[:, None] * width
        return Layout(blocks // per_call, per_call * width, block // per_call, column)

    def _width(self, members: int, outputs: int) -> int:
        """Return the columns of a block: edges, the trials' inner columns, and zeros to a full number of tiles.

        BLAS divides an odd number of tiles otherwise than an even one, so a block of few trials has the parity of a
        full one.
        """
        inner = outputs - 2 * EDGE // self.per_block
        tiles, full = (-(-n * inner // EDGE) for n in (members, self.per_block))
        return EDGE * (2 + tiles + (full - tiles) % 2)

    def _columns(self, member: npt.NDArray[np.intp], width: int, outputs: int) -> npt.NDArray[np.intp]:
        """Return the columns (K, H) of trials at position `member` (K, 1) of their block."""
        share = (
            EDGE // self.per_block
        )  # at each edge; 0 where 16 trials share 16: the first 8 go left, the others right
        if share:
            left, right = np.arange(share) + member * share, width - EDGE + np.arange(share) + member * share
        else:
            left, right = np.where(member < EDGE, member, width - 2 * EDGE + member), member[:, :0]
        inner = outputs - left.shape[1] - right.shape[1]
        return np.concatenate([left, EDGE + member * inner + np.arange(inner), right], axis=1)


def schemes(outputs: int) -> list[Scheme]:
    """Return the schemes to try, fastest first, for trials of so many columns; the last one always works."""
    fitting = [n for n in (16, 8, 4, 2) if n * outputs <= WIDEST]
    if not fitting or outputs < 3:
        return [Scheme()]
    blocks = Scheme(fitting[0])
    paired = [Scheme(fitting[0], per_call=2)] if 2 * fitting[0] * outputs > WIDEST else []
    return [Scheme(), *paired, blocks, Scheme()]


class Buffer:
    """Memory for the wide products of one number of rows; copies between it and the trials' own arrays."""

    def __init__(self, layout: Layout, rows: int, dtype: np.dtype[Any]) -> None:
        self.layout = layout
        self.wide = np.zeros((layout.calls, rows, layout.width), dtype)
        trials, outputs = layout.column.shape
        self._view = self.wide.reshape(rows, trials, outputs).transpose(1, 0, 2) if layout.side_by_side else None
        self._index = layout.index(rows)

    def collect(self, out: Array) -> None:
        """Copy the wide product into the trials' own array (K, N, H)."""
        if self._view is not None:
            np.copyto(out, self._view)
        else:
            np.take(self.wide, self._index, out=out, mode="clip")

    def spread(self, own: Array) -> Array:
        """Return the trials' own array (K, N, H) side by side, (calls, N, width)."""
        if self._view is not None:
            np.copyto(self._view, own)
        else:
            self.wide.reshape(-1)[self._index] = own
        return self.wide
