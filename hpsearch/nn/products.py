"""Wide matrix products of many trials, bit for bit as one by one. May import NumPy and `blas`, `layouts`.

K trials share each batch x (N, D), so that one wide product does the work of K narrow ones, in half the time or less.
A trial's bits must not depend on its neighbours: of the ways to arrange columns (`schemes`) the first is used that is
exact on this machine for these shapes, as a test on random numbers shows; trial by trial always is.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.nn import blas
from hpsearch.nn.layouts import WIDEST, Layout, Scheme, schemes

Array = npt.NDArray[Any]

ROWS_PER_CHUNK = 504
"""Rows of one forward product when a network is evaluated: large enough for BLAS, small enough for the cache, and a
multiple of 12 and 24, the strips of x86 kernels."""

ROWS_PER_STRIP = 384
"""Rows of W whose gradient is computed at once, so that the optimiser finds them in the cache."""

COHORT_COLUMNS = 256
"""First-layer columns of a cohort."""

COHORT_NUMBERS = 2**18
"""Where the models of a cohort learn fewer numbers, calls cost more than products: a batch of 8 trials of 64-64-10
takes as long as two alone."""


def cohort_size(outputs: int, numbers: int) -> int:
    """Return how many trials to train together, of this many first-layer columns, that learn so many numbers each.

    A power of two, so that 2 or 4 workers share a stage of 8 or 16 evenly; 128 to 256 columns in all reach 95%
    of the rate of wider products.
    """
    return next((n for n in (16, 8, 4, 2) if n * outputs <= COHORT_COLUMNS or n * numbers <= COHORT_NUMBERS), 1)


@cache
def choose_scheme(rows: tuple[int, ...], inputs: int, outputs: int, dtype: str) -> Scheme:
    """Return the fastest scheme for these batch sizes that is exact for a large cohort, whatever the cohort is."""
    candidates = schemes(outputs)
    for scheme in candidates[:-1]:
        trials = scheme.per_block * scheme.per_call or max(2, min(16, WIDEST // outputs))
        if all(is_exact(scheme, trials, n, inputs, outputs, dtype, backward=True) for n in rows):
            return scheme
    return candidates[-1]


def choose_layout(trials: int, rows: tuple[int, ...], inputs: int, outputs: int, dtype: str) -> tuple[Scheme, Layout]:
    """Return the scheme and the layout for the weights of K trials.

    Gradient checks use float64 and need neither speed nor equal bits.
    """
    if dtype != "float32" or not rows:
        return Scheme(), Scheme().separate(trials, outputs)
    scheme = choose_scheme(rows, inputs, outputs, dtype)
    if all(is_exact(scheme, trials, n, inputs, outputs, dtype, backward=True) for n in rows):
        return scheme, scheme.layout(trials, outputs)
    return scheme, scheme.separate(trials, outputs)


def accumulate(x: Array, g: Array, out: Array, *, alpha: float = 1.0, beta: float = 1.0) -> None:
    """out ← β·out + α·xᵀg in place, as one BLAS call: x (N, D), g (N, H), out (D, H), all C-contiguous.

    BLAS is column-major: it gets the transposes, outᵀ ← β·outᵀ + α·gᵀx, which are the same memory.
    """
    gemm = blas.sgemm if out.dtype == np.float32 else blas.dgemm
    gemm(alpha, g.T, x.T, beta=beta, c=out.T, trans_b=True, overwrite_c=True)


def strips(inputs: int) -> list[slice]:
    """Return slices of rows of W that fit into the cache."""
    return [slice(start, min(start + ROWS_PER_STRIP, inputs)) for start in range(0, inputs, ROWS_PER_STRIP)]


@cache
def is_exact(scheme: Scheme, trials: int, rows: int, inputs: int, outputs: int, dtype: str, *, backward: bool) -> bool:
    """Test whether each of K trials has the bits that it has alone, in x W and, with `backward`, in W + xᵀg and xᵀg.

    All trials get the same numbers here, so all must have the results of one alone.
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
    """Return how often to test: a few short sums can be equal by chance in any order."""
    return -(-128 // (min(rows, inputs) * outputs))


def _products(
    layout: Layout, x: Array, w: Array, g: Array, backward: bool, expected: list[Array] | None = None
) -> list[Array] | None:
    """Return one trial's products as training computes them; None where any trial's are not `expected`, bit for bit."""
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
