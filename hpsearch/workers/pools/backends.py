"""From the name of a backend to its pool. May import `hpsearch.errors` and `platform`; a backend only if it is used."""

import importlib.util
from collections.abc import Callable

from hpsearch.errors import InputError
from hpsearch.platform import cores
from hpsearch.workers.pools.pool import Pool

BACKENDS = ("loky", "threading", "sequential", "dask", "ray")
SCHEDULED = ("dask", "ray")
"""The backends whose workers are on other machines, behind --scheduler."""

ENDING = ("loky", *SCHEDULED)
"""The backends that run calls in other processes, and can end one that takes too long or too much memory."""

_PACKAGES = {"dask": "distributed", "ray": "ray"}


def open_pool(
    backend: str,
    workers: int | None = None,
    scheduler: str | None = None,
    notify: Callable[[str], None] = lambda text: None,
) -> Pool:
    """Return the backend's pool: of `workers` workers, of one a core, or of all that the scheduler has.

    `notify` gets a line, by `poll`, on workers that join, leave or are refused. Raises InputError for a backend that is
    not installed, and for a scheduler that does not answer, is missing or is not needed.
    """
    if backend not in BACKENDS:
        raise InputError(f"--backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if scheduler is not None and backend not in SCHEDULED:
        raise InputError(f"--scheduler needs --backend {' or '.join(SCHEDULED)}, got --backend {backend}")
    if scheduler is not None and not scheduler.strip():
        raise InputError(f"--scheduler must be an address, got {scheduler!r}")
    if backend in SCHEDULED:
        return _scheduled(backend, workers, scheduler, notify)
    if backend == "loky":
        from hpsearch.workers.pools.loky import LokyPool

        return LokyPool(workers or cores())
    from hpsearch.workers.pools.local import SequentialPool, ThreadPool

    return ThreadPool(workers or cores()) if backend == "threading" else SequentialPool()


def _scheduled(backend: str, workers: int | None, scheduler: str | None, notify: Callable[[str], None]) -> Pool:
    if importlib.util.find_spec(_PACKAGES[backend]) is None:
        raise InputError(f"--backend {backend}: {_PACKAGES[backend]} is missing; pip install 'hpsearch[{backend}]'")
    from hpsearch.workers.pools.scheduled import ScheduledPool

    if backend == "dask":
        from hpsearch.workers.pools.dask_engine import DaskEngine

        if scheduler is None:
            raise InputError(
                "--backend dask needs --scheduler ADDRESS, as tcp://host:8786; `dask scheduler` starts one"
            )
        return ScheduledPool(DaskEngine(scheduler), workers, notify)
    from hpsearch.workers.pools.ray_engine import RayEngine

    return ScheduledPool(RayEngine(scheduler, workers or cores()), workers, notify)
