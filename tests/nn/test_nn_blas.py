"""The BLAS that is loaded without the rest of SciPy's linear algebra is SciPy's."""

import numpy as np
from scipy.linalg import blas as scipys

from hpsearch.nn import blas


def test_products_have_the_bits_of_scipys():
    rng = np.random.default_rng(0)
    for dtype, ours, theirs in ((np.float32, blas.sgemm, scipys.sgemm), (np.float64, blas.dgemm, scipys.dgemm)):
        a, b = rng.standard_normal((2, 70, 70)).astype(dtype)
        assert np.array_equal(ours(1.0, a, b), theirs(1.0, a, b))


def test_a_scipy_that_keeps_it_elsewhere_is_imported_as_a_whole(monkeypatch):
    monkeypatch.setattr(blas.PathFinder, "find_spec", lambda *_: None)
    assert blas._loaded() is scipys
