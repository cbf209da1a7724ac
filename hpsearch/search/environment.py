"""The versions and the machine with which a study is run, as they are stored with it."""

import functools
import platform
from importlib.metadata import version
from typing import Any

from threadpoolctl import threadpool_info

from hpsearch.version import __version__

_PACKAGES = ("numpy", "scipy", "optuna", "sqlalchemy", "joblib", "pydantic")


def environment() -> dict[str, Any]:
    """Versions, machine and BLAS kernels: results are equal to the last bit per type of machine and BLAS kernels."""
    kernels = {f"{i['internal_api']} {i.get('architecture', '')}".strip() for i in threadpool_info()}
    return {
        "hpsearch": __version__,
        "python": platform.python_version(),
        **_versions(),
        "machine": f"{platform.system()} {platform.machine()}",
        "blas": ", ".join(sorted(kernels)),
    }


@functools.cache
def _versions() -> dict[str, str]:
    """Read once a process: it takes a tenth of the time of a small study."""
    return {name: version(name) for name in _PACKAGES}
