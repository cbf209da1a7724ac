"""SciPy's BLAS, whose products accumulate in place. May import SciPy.

`scipy.linalg.blas` is its `_fblas` with a few names more, but comes with all of `scipy.linalg` and of SciPy's array
API: 0.1 s and 13 MB in each worker.
"""

from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

import scipy


def _loaded() -> Any:
    found = PathFinder.find_spec("_fblas", [f"{place}/linalg" for place in scipy.__path__])
    if found is None or found.loader is None:  # a SciPy that keeps it elsewhere
        from scipy.linalg import blas

        return blas
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


_BLAS = _loaded()
sgemm, dgemm = _BLAS.sgemm, _BLAS.dgemm
