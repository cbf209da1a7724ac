"""What must be equal where a segment is computed and where the study is. May import NumPy, SciPy and threadpoolctl."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.linalg.blas
from threadpoolctl import threadpool_info

import hpsearch

Facts = Mapping[str, str]

PATCH_MATTERS_NOT = 2
"""So many numbers of Python's version count: 3.11.4 computes what 3.11.9 does."""


@cache
def facts() -> Facts:
    """The versions, the kind of machine and the BLAS kernels of this process."""
    assert np.dot is not None
    assert scipy.linalg.blas is not None  # both have loaded their BLAS
    kernels = {
        f"{info['internal_api']} {info.get('architecture', '')}".strip()
        for info in threadpool_info()
        if info["user_api"] == "blas"
    }
    return {
        "hpsearch": f"{hpsearch.__version__} ({_source()})",
        "python": ".".join(platform.python_version_tuple()[:PATCH_MATTERS_NOT]),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "machine": f"{platform.system()} {platform.machine()}",
        "BLAS kernels": ", ".join(sorted(kernels)),
    }


def differences(here: Facts, there: Facts) -> list[str]:
    """What differs, in words: `here` is the coordinator's."""
    return [f"{key} {there.get(key, 'none')}, here {here[key]}" for key in here if here[key] != there.get(key)]


def _source() -> str:
    """Eight digits of a hash of our own code: versions between releases have the same number."""
    root = Path(hpsearch.__file__).parent
    found = hashlib.sha256()
    for part in ("nn", "data", "spec", "workers"):
        for path in sorted((root / part).rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()[:8]
