"""Pools of workers with one interface, "submit a segment, get a future"; a backend is imported only if it is used."""

from hpsearch.workers.pools.backends import BACKENDS, SCHEDULED, open_pool
from hpsearch.workers.pools.pool import Pool, WorkerDied, WorkerLost

__all__ = ["BACKENDS", "SCHEDULED", "Pool", "WorkerDied", "WorkerLost", "open_pool"]
