"""Wide matrix products of many trials, each trial with its own bits. May import NumPy, SciPy and `hpsearch.nn.layouts`.

K trials share each batch x (N, D), so that one wide product does the work of K narrow ones, in half the time or less.
A trial's bits must not depend on its neighbours: of the ways to arrange columns (`schemes`) the first is taken that is
exact on this machine for these shapes, which is tried out on random numbers; trial by trial always is.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

from hpsearch.nn.layouts import WIDEST, Layout, Scheme, schemes

Array = npt.NDArray[Any]

ROWS_PER_CHUNK = 504
"""Rows of one forward product when a network is evaluated: large enough for BLAS, small enough for the cache, and a
multiple of 12 and 24, the strips in which x86 kernels take them."""

ROWS_PER_STRIP = 384
"""Rows of W whose gradient is made at once: what an optimiser then does with them finds them in the cache."""

COHORT_COLUMNS = 256
"""First-layer columns of a cohort."""


def cohort_size(inputs: int, outputs: int) -> int:
    """How many trials to train together, whose first layers have such weight matrices (inputs, outputs).

    A power of two, so that a stage of 8 or 16 is shared evenly by 2 or 4 workers; 128 to 256 columns in all reach 95%
    of the rate of wider products.
    """
    return next((n for n in (16, 8, 4, 2) if n * outputs <= COHORT_COLUMNS), 1)


@cache
def choose_scheme(rows: tuple[int, ...], inputs: int, outputs: int, dtype: str) -> Scheme:
    """The fastest scheme for batches of these sizes that is exact for a large cohort. Does not depend on the cohort."""
    candidates = schemes(outputs)
    for scheme in candidates[:-1]:
        trials = scheme.per_block * scheme.per_call or max(2, min(16, WIDEST // outputs))
        if all(is_exact(scheme, trials, n, inputs, outputs, dtype, backward=True) for n in rows):
            return scheme
    return candidates[-1]


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
    for _ in range(_draws(rows, inputs, outputs)):
        x, w, g = (
            rng.standard_normal(shape, dtype=np.float32).astype(dtype)
            for shape in ((rows, inputs), (inputs, outputs), (rows, outputs))
        )
        alone = _products(scheme.layout(1, outputs), x, w, g, backward)
        if _products(scheme.layout(trials, outputs), x, w, g, backward, alone) is None:
            return False
    return True


def _draws(rows: int, inputs: int, outputs: int) -> int:
    """How often to try: a few short sums can come out equal by chance, whatever their order."""
    return -(-128 // (min(rows, inputs) * outputs))


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
        same = (
            np.array_equal(layout.get(a, k), e) for a, e in zip(found, expected, strict=True) for k in range(trials)
        )
        return own if all(same) else None
    return own
