"""Properties of this machine: cores, memory, disks, the speed of BLAS. May import NumPy and threadpoolctl.

What a system does not offer is None.
"""

import time
from pathlib import Path

import numpy as np

from hpsearch.workers.out_of_memory import control_groups

NETWORK = ("nfs", "cifs", "smb", "sshfs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "9p", "afs")
"""Network file systems, by their kind or its prefix."""


def core_quota() -> float | None:
    """Return the CPU quota of this process's control group in cores, as containers and batch systems set it."""
    for folder in control_groups("cpu"):
        try:
            if (folder / "cpu.max").exists():
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = ((folder / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period"))
            if quota != "max" and float(quota) > 0:
                return float(quota) / float(period)
        except (OSError, ValueError):
            continue
    return None


def memory_free() -> int | None:
    """Return the bytes that this process can still allocate: the machine's, or its control group's if fewer."""
    found = [_machine_memory(), *(_group_memory(folder) for folder in control_groups("memory"))]
    return min((value for value in found if value is not None), default=None)


def _machine_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _group_memory(folder: Path) -> int | None:
    for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        try:
            return max(0, int((folder / limit).read_text()) - int((folder / used).read_text()))
        except (OSError, ValueError):  # no such file, or no limit: "max"
            continue
    return None


def file_system(path: Path) -> str | None:
    """Return the kind of file system that a path is on, as Linux calls it."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
        place = path.resolve()
    except (OSError, RuntimeError):
        return None
    over = [
        (mount[1], mount[2]) for mount in mounts if place.is_relative_to(mount[1].encode().decode("unicode_escape"))
    ]
    return max(over, key=lambda mount: len(mount[0]))[1] if over else None


def is_network(kind: str | None) -> bool:
    """Whether a kind of file system is a network's, on which file locks may not work."""
    return kind is not None and kind.removeprefix("fuse.").startswith(NETWORK)


def sgemm_rate(size: int = 1024, seconds: float = 0.3) -> float:
    """Return the best rate (FLOP/s) of a large float32 product on one thread."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    out = np.empty_like(a)
    best, end = np.inf, time.perf_counter() + seconds
    with threadpool_limits(1):
        np.matmul(a, a, out=out)
        while time.perf_counter() < end:
            before = time.perf_counter()
            np.matmul(a, a, out=out)
            best = min(best, time.perf_counter() - before)
    return 2.0 * size**3 / best if np.isfinite(best) else 0.0
