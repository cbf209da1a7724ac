"""A Dask cluster of real processes on this machine, whose scheduler and workers can be killed, stopped and added."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tiny import ROOT, until

Process = subprocess.Popen[bytes]


class DaskCluster:
    """A scheduler on a port of its own, and workers of one thread, without nannies: one process each."""

    def __init__(self, folder: Path, workers: int = 0) -> None:
        self.folder, self.port = folder, 0
        self.address = ""
        self.workers: list[Process] = []
        self.start_scheduler()
        for _ in range(workers):
            self.add_worker()
        until(lambda: all("Registered to" in log.read_text() for log in self.folder.glob("worker*.log")))

    def start_scheduler(self) -> None:
        """Start the scheduler, again on the port that it had."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        arguments = ["scheduler", "--port", str(self.port), "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", *arguments, "--host", "127.0.0.1", "--no-dashboard", "--no-show")
        self.address = until(lambda: file.exists() and file.stat().st_size and json.loads(file.read_text())["address"])
        self.port = int(self.address.rpartition(":")[2])

    def add_worker(self, *, package: Path = ROOT) -> Process:
        """Start a worker whose hpsearch is in the folder `package`."""
        name = f"worker{len(self.workers)}"
        arguments = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        made = self._start(name, *arguments, "--local-directory", str(self.folder / name), package=package)
        self.workers.append(made)
        return made

    def _start(self, name: str, *arguments: str, package: Path = ROOT) -> Process:
        paths = os.pathsep.join([str(package), str(ROOT / "tests" / "workers")])
        environment = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def close(self) -> None:
        """End all of it."""
        for process in [*self.workers, self.scheduler]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
