"""Faults of the machine that a study outlives, or that end it in one line, for `scripts/torture`."""

import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

JUMPING = """\
import datetime, pathlib, time
real, offset = time.time, pathlib.Path({offset!r})
time.time = lambda: real() + float(offset.read_text() or 0)
class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
def jump():
    from hpsearch.storage.mirror import rows
    from hpsearch.storage.writing import stages
    rows.datetime = stages.datetime = Jumping
"""
"""A clock that is off by as many seconds as stand in a file."""

HOUR = 3600.0
LEAST_FILE = 4096
"""A full disk has room for so many bytes of each file: for the line on standard error."""


def stop_all(run: Any) -> None:
    """Stop all processes, as a closed laptop does, and let them go on."""
    with suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGSTOP)
        try:
            time.sleep(run.rng.uniform(0.5, 5.0))
        finally:
            os.killpg(run.process.pid, signal.SIGCONT)


def kill_trackers(run: Any) -> None:
    """Kill the processes that would remove semaphores and files after the others' deaths."""
    for process in run.processes_with(b"resource_tracker"):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def delete_semaphores(run: Any) -> None:
    """Delete the semaphores of its processes, as systemd does when a user logs out (RemoveIPC)."""
    for path in semaphores(run.processes()):
        path.unlink(missing_ok=True)


def semaphores(processes: list[int]) -> list[Path]:
    """Loky's semaphores of some processes."""
    return [path for number in processes for path in Path("/dev/shm").glob(f"sem.loky-{number}-*")]


def delete_cache(run: Any) -> None:
    """Delete the prepared data."""
    shutil.rmtree(run.folder / "cache", ignore_errors=True)


def fill_disk(run: Any) -> None:
    """Let no file of the coordinator grow beyond what it is, or less, for some seconds."""
    names = ("study.db", "study.db-wal")
    most = max((run.folder / name).stat().st_size if (run.folder / name).exists() else 0 for name in names)
    with suppress(ProcessLookupError):
        room = run.rng.randint(LEAST_FILE, max(most, LEAST_FILE + 1))
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        time.sleep(run.rng.uniform(0.2, 4.0))
    for process in run.processes():  # also those that it has started meanwhile
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def jump(run: Any) -> None:
    """Set the clock of the coordinator to another time."""
    run.offset.write_text(str(run.rng.choice([-9000 * HOUR, -HOUR, -30.0, 0, 30.0, HOUR, 9000 * HOUR])))


FAULTS: dict[str, Callable[[Any], None]] = {
    "SIGSTOP and SIGCONT of all": stop_all,
    "kill -9 the trackers": kill_trackers,
    "deleted semaphores": delete_semaphores,
    "a deleted cache": delete_cache,
    "a full disk": fill_disk,
    "a jumping clock": jump,
}

ENDS = {
    "deleted semaphores": ("cannot be started", "the system refuses what this needs"),
    "a full disk": ("the disk is full or failing", "cannot write the prepared split", "File too large"),
}
"""What the one line says of a study that a fault has ended."""
