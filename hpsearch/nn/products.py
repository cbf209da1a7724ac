"""Wide matrix products of many trials, arranged so that each trial gets its own bits. May import NumPy and SciPy only.

K trials share each batch x (N, D), so their weight matrices side by side make one wide product of K narrow ones, two to
four times as fast. But a trial's bits must not depend on its neighbours, and on some machines BLAS sums a column in
another order where it stands at an edge of the matrix (docs/decisions/0001-blocks-of-columns.md). So there are several
ways to arrange columns, a `Scheme` each; the first that is exact is taken, and that is tried out on random numbers.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

Array = npt.NDArray[Any]

ROWS_PER_CHUNK = 504
"""Rows of one forward product when a network is evaluated: large enough for BLAS, small enough for the cache, and a
multiple of 12 and 24, the strips in which x86 kernels take them."""

ROWS_PER_STRIP = 192
"""Rows of W whose gradient is made at once: what an optimiser then does with them finds them in the cache."""

EDGE = 8
"""Columns at each end of a block that AVX2 kernels may sum in another order: their narrow tile."""

WIDEST = 320
"""Columns that fit one block: AVX2 kernels cut wider matrices into blocks, each with edges of its own."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the columns of K trials stand: trial k's in call[k], at column[k] (H,), of `calls` matrices of one width.

    The arrays it arranges are (calls, rows, width), one BLAS call each; columns that belong to no trial stay 0.
    """

    calls: int
    width: int
    call: npt.NDArray[np.intp]  # (K,)
    column: npt.NDArray[np.intp]  # (K, H)

    @property
    def side_by_side(self) -> bool:
        """Is it one matrix, trial after trial?"""
        return self.calls == 1 and self.width == self.column.size

    def get(self, wide: Array, k: int) -> Array:
        """Trial k's columns as a copy (rows, H)."""
        own: Array = wide[self.call[k]][:, self.column[k]]
        return own

    def put(self, wide: Array, k: int, own: Array) -> None:
        """Write trial k's columns (rows, H)."""
        wide[self.call[k]][:, self.column[k]] = own

    def moved(self, wide: Array, to: "Layout") -> Array:
        """The same trials' columns in another layout."""
        other = np.zeros((to.calls, wide.shape[1], to.width), wide.dtype)
        for k in range(len(self.call)):
            to.put(other, k, self.get(wide, k))
        return other

    def index(self, rows: int) -> npt.NDArray[np.intp]:
        """Flat positions (K, rows, H) of all trials' numbers in an array (calls, rows, width)."""
        first = (self.call[:, None] * rows + np.arange(rows)) * self.width
        flat: npt.NDArray[np.intp] = first[:, :, None] + self.column[:, None, :]
        return flat

    def owner(self) -> npt.NDArray[np.intp]:
        """The trial that each column belongs to, (calls, 1, width); 0 for those that belong to none."""
        owner = np.zeros((self.calls, 1, self.width), np.intp)
        for k, (call, column) in enumerate(zip(self.call, self.column, strict=True)):
            owner[call, 0, column] = k
        return owner


@dataclass(frozen=True)
class Scheme:
    """A way to arrange any number of trials of one shape.

    per_block = 0: all side by side. Otherwise in blocks of at most `per_block` trials (2, 4, 8 or 16): the 16 columns
    at a block's two edges are shared out, each trial having its first and last few there, whichever trials stand
    beside it. A block with fewer trials has columns of zeros instead, a trial alone like any other. per_call is the
    number of blocks that BLAS gets at once, knowing that it will cut them apart again.
    """

    per_block: int = 0
    per_call: int = 1

    def separate(self, trials: int, outputs: int) -> Layout:
        """Each trial in a call of its own: what every other layout has to equal."""
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
        """Columns of a block: edges, the trials' inner columns, and zeros to a full number of tiles.

        An odd number of tiles is cut otherwise than an even one, so a block of few trials keeps to what a full one has.
        """
        inner = outputs - 2 * EDGE // self.per_block
        tiles, full = (-(-n * inner // EDGE) for n in (members, self.per_block))
        return EDGE * (2 + tiles + (full - tiles) % 2)

    def _columns(self, member: npt.NDArray[np.intp], width: int, outputs: int) -> npt.NDArray[np.intp]:
        """Columns (K, H) of trials at place `member` (K, 1) of their block."""
        share = EDGE // self.per_block  # at each edge; 0 where 16 trials share 16: the first 8 go left, the others right
        if share:
            left, right = np.arange(share) + member * share, width - EDGE + np.arange(share) + member * share
        else:
            left, right = np.where(member < EDGE, member, width - 2 * EDGE + member), member[:, :0]
        inner = outputs - left.shape[1] - right.shape[1]
        return np.concatenate([left, EDGE + member * inner + np.arange(inner), right], axis=1)


def schemes(outputs: int) -> list[Scheme]:
    """What to try, fastest first, for trials of so many columns; the last always works, if only trial by trial."""
    fitting = [n for n in (16, 8, 4, 2) if n * outputs <= WIDEST]
    if not fitting or outputs < 3:
        return [Scheme()]
    blocks = Scheme(fitting[0])
    paired = [Scheme(fitting[0], per_call=2)] if 2 * fitting[0] * outputs > WIDEST else []
    return [Scheme(), *paired, blocks, Scheme()]


@cache
def choose_scheme(rows: tuple[int, ...], inputs: int, outputs: int, dtype: str) -> Scheme:
    """The fastest scheme for batches of these sizes that is exact for a large cohort. Does not depend on the cohort."""
    for scheme in schemes(outputs):
        trials = scheme.per_block * scheme.per_call or max(2, min(16, WIDEST // outputs))
        if all(is_exact(scheme, trials, n, inputs, outputs, dtype, backward=True) for n in rows):
            return scheme
    return Scheme()


def choose_layout(trials: int, rows: tuple[int, ...], inputs: int, outputs: int, dtype: str) -> tuple[Scheme, Layout]:
    """How to arrange the weights of K trials, and the scheme that it comes from.

    Checks of gradients are done in float64; they have no need of speed, nor of bits.
    """
    if dtype != "float32" or not rows:
        return Scheme(), Scheme().separate(trials, outputs)
    scheme = choose_scheme(rows, inputs, outputs, dtype)
    if all(is_exact(scheme, trials, n, inputs, outputs, dtype, backward=True) for n in rows):
        return scheme, scheme.layout(trials, outputs)
    return scheme, scheme.separate(trials, outputs)


def accumulate(x: Array, g: Array, out: Array, *, alpha: float = 1.0, beta: float = 1.0) -> None:
    """out ← β·out + α·xᵀg in place, as one BLAS call: x (N, D), g (N, H), out (D, H), all C-contiguous.

    BLAS is column-major: it is given the transposes, outᵀ ← β·outᵀ + α·gᵀx, which are the same memory.
    """
    gemm = blas.sgemm if out.dtype == np.float32 else blas.dgemm
    gemm(alpha, g.T, x.T, beta=beta, c=out.T, trans_b=True, overwrite_c=True)


def strips(inputs: int) -> list[slice]:
    """Rows of W, so many at a time that what is done with them stays in the cache."""
    return [slice(start, min(start + ROWS_PER_STRIP, inputs)) for start in range(0, inputs, ROWS_PER_STRIP)]


@cache
def is_exact(scheme: Scheme, trials: int, rows: int, inputs: int, outputs: int, dtype: str, *, backward: bool) -> bool:
    """Has each of K trials the bits that it has alone, in x W and, with `backward`, in W + xᵀg and xᵀg too?

    All trials get the same numbers here, so all must have the same results as one alone.
    """
    if trials == 1:
        return True
    rng = np.random.default_rng(0)
    x, w, g = (
        rng.standard_normal(shape, dtype=np.float32).astype(dtype)
        for shape in ((rows, inputs), (inputs, outputs), (rows, outputs))
    )
    alone = _products(scheme.layout(1, outputs), x, w, g, backward)
    return _products(scheme.layout(trials, outputs), x, w, g, backward, alone) is not None


def _products(
    layout: Layout, x: Array, w: Array, g: Array, backward: bool, expected: list[Array] | None = None
) -> list[Array] | None:
    """The products that training makes, one trial's of each; None where a trial's are not as expected, bit for bit."""
    trials, rows, inputs = len(layout.call), len(x), len(w)
    stored = np.zeros((layout.calls, inputs, layout.width), x.dtype)
    flat = np.zeros((layout.calls, rows, layout.width), x.dtype)
    for k in range(trials):
        layout.put(stored, k, w)
        layout.put(flat, k, g)
    found = [np.matmul(x, stored)]
    if backward:
        gradient = np.empty_like(stored)
        for rows_of_w in strips(inputs):
            np.matmul(x[:, rows_of_w].T, flat, out=gradient[:, rows_of_w])
        for call in range(layout.calls):
            accumulate(x, flat[call], stored[call], alpha=-1.0)
        found += [gradient, stored]
    own = [layout.get(array, 0) for array in found]
    if expected is not None:
        same = (np.array_equal(layout.get(a, k), e) for a, e in zip(found, expected, strict=True) for k in range(trials))
        return own if all(same) else None
    return own
