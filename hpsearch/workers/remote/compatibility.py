"""What must be equal on a worker and the coordinator for equal bits. May import NumPy, SciPy and threadpoolctl."""

import ast
import hashlib
import platform
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import numpy as np
import scipy
from threadpoolctl import threadpool_info

from hpsearch.nn import blas
from hpsearch.version import __version__

Facts = Mapping[str, str]

PYTHON_DIGITS = 2
"""How many numbers of Python's version must be equal: 3.11.4 computes the same as 3.11.9."""


@cache
def facts() -> Facts:
    """The versions, the kind of machine and the BLAS kernels of this process."""
    assert np.dot is not None
    assert blas.sgemm is not None  # both have loaded their BLAS
    kernels = {
        f"{info['internal_api']} {info.get('architecture', '')}".strip()
        for info in threadpool_info()
        if info["user_api"] == "blas"
    }
    return {
        "hpsearch": f"{__version__} ({_source()})",
        "python": ".".join(platform.python_version_tuple()[:PYTHON_DIGITS]),
        "numpy": np.__version__,  # what is loaded, whatever the metadata say
        "scipy": scipy.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "BLAS kernels": ", ".join(sorted(kernels)),
    }


@lru_cache(maxsize=16)
def facts_for(model: str | None) -> Facts:
    """Those facts, and the versions of the packages that a model file (its text) imports, as PyTorch."""
    if model is None:
        return facts()
    installed = packages_distributions()
    used = {name for module in _imported(model) for name in installed.get(module, ())}
    return {**facts(), **{name: version(name) for name in sorted(used - facts().keys())}}


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def differences(wanted: Facts) -> list[str]:
    """Differences from the coordinator's facts, as texts: they are shown there, so that "here" is the coordinator."""
    there = facts()
    found = {key: there[key] if key in there else _version(key) for key in wanted}
    return [f"{key} {found[key]}, here {wanted[key]}" for key in wanted if found[key] != wanted[key]]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _source() -> str:
    """Eight digits of a hash of our own code: versions between releases have the same number."""
    root = Path(__file__).parents[2]
    found = hashlib.sha256()
    for pattern in ("trainables.py", "nn/**/*.py", "data/**/*.py", "spec/**/*.py", "workers/**/*.py"):
        for path in sorted(root.glob(pattern)):
            found.update(path.relative_to(root).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()[:8]
