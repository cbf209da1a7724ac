"""The functions that Dask and Ray call on a worker: each hands a parcel to a process of ours there.

May import the standard library, and each engine where it runs. They return (the worker's id, the pickled reply).
"""

from hpsearch.workers.remote import host


def in_dask(parcel: bytes) -> tuple[str, bytes]:
    """Make a call until nobody wants it any more: Dask ends no task that has begun."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        ends = worker.status.name in ("closing", "closed", "failed")
        return task is not None and task.state != "cancelled" and not ends

    return worker.address, host.call(parcel, wanted)


def in_ray(parcel: bytes) -> tuple[str, bytes]:
    """Make a call; Ray ends the worker, and with it our process, when nobody wants it any more."""
    import ray

    return ray.get_runtime_context().get_node_id(), host.call(parcel)
