"""Pools of workers with one interface, "submit a segment, get a future"; a backend is imported only if it is used."""

from hpsearch.workers.pools.backends import BACKENDS, ENDING, SCHEDULED, open_pool
from hpsearch.workers.pools.pool import LimitReached, Limits, Pool, WorkerDied, WorkerLost

__all__ = ["BACKENDS", "ENDING", "SCHEDULED", "LimitReached", "Limits", "Pool", "WorkerDied", "WorkerLost", "open_pool"]
