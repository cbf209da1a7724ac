"""The functions that Dask and Ray call on a worker: each passes a request to a process of ours there.

May import the standard library, and each engine where it runs. They return (the worker's id, the pickled reply).
"""

from hpsearch.workers.remote import host


def in_dask(request: bytes) -> tuple[str, bytes]:
    """Run a call until it is cancelled: Dask itself ends no running task."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        ends = worker.status.name in ("closing", "closed", "failed")
        return task is not None and task.state != "cancelled" and not ends

    return worker.address, host.call(request, wanted)


def in_ray(request: bytes) -> tuple[str, bytes]:
    """Run a call; Ray ends the worker, and with it our process, when the call is cancelled."""
    import ray

    return ray.get_runtime_context().get_node_id(), host.call(request)
