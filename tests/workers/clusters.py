"""Clusters of real processes on this machine: Dask's, whose scheduler and workers can be killed, and Ray's head."""

import json
import os
import signal
import socket
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


class RayHead:
    """Ray's head with two CPUs, in a session of its own, to be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder, self.address = folder, f"127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus", "2"]
        with (self.folder / "ray.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), "--include-dashboard=false"],
                env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: b"Ray runtime started" in (self.folder / "ray.log").read_bytes(), 60)

    def kill(self) -> None:
        """Kill it with all that it started."""
        (self.folder / "ray.log").write_bytes(b"")
        for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal()]:
            with suppress(OSError):
                if os.getsid(pid) == self._process.pid:
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()
