"""The matrix products of many trials at once, and the proof that each trial gets its own bits. NumPy and SciPy only.

K trials share each batch x (N, D). Their weight matrices side by side form one (D, K·H) matrix, so one wide product
does the work of K narrow ones. BLAS sums every column in the same order wherever the column stands, on most kernels
and for most shapes; where it does not, a trial's bits would depend on its neighbours. So each shape is tried out once
on random numbers, and trials are multiplied one by one where the wide product is not exact.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

Array = npt.NDArray[Any]

ROWS_PER_CHUNK = 500
"""Rows of one forward product when a network is evaluated: large enough for BLAS, small enough for the cache."""


def accumulate(x: Array, g: Array, out: Array, *, alpha: float = 1.0, beta: float = 1.0) -> None:
    """out ← β·out + α·xᵀg in place, as one BLAS call: x (N, D), g (N, H), out (D, H), all C-contiguous.

    BLAS is column-major: it is given the transposes, outᵀ ← β·outᵀ + α·gᵀx, which are the same memory.
    """
    gemm = blas.sgemm if out.dtype == np.float32 else blas.dgemm
    gemm(alpha, g.T, x.T, beta=beta, c=out.T, trans_b=True, overwrite_c=True)


@cache
def wide_is_exact(rows: int, inputs: int, outputs: int, trials: int, dtype: str, backward: bool) -> bool:
    """Do K trials side by side get the bits that each gets alone, in x W and, with `backward`, in W + xᵀg too?"""
    if trials == 1:
        return True
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inputs), dtype=np.float32).astype(dtype)
    w = rng.standard_normal((inputs, trials, outputs), dtype=np.float32).astype(dtype)
    g = rng.standard_normal((rows, trials, outputs), dtype=np.float32).astype(dtype)
    z = np.matmul(x, w.reshape(inputs, -1)).reshape(g.shape)
    wide = w.copy()
    if backward:
        accumulate(x, g.reshape(rows, -1), wide.reshape(inputs, -1), alpha=-1.0)
    for k in range(trials):
        own = w[:, k].copy()
        if not np.array_equal(np.matmul(x, own), z[:, k]):
            return False
        if backward:
            accumulate(x, g[:, k].copy(), own, alpha=-1.0)
            if not np.array_equal(own, wide[:, k]):
                return False
    return True
