"""`dashboard`: stop and resume a study on this machine. May import storage.

To stop, the coordinator gets the signal that Ctrl-C sends. Only the coordinator writes its host and process id into
the study's claim, and only while it holds the study's lock, so that the id is not that of another process.
"""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from sqlalchemy import Connection

from hpsearch.cli.detached import start_detached
from hpsearch.errors import HpsearchError
from hpsearch.platform import STOP_SIGNALS
from hpsearch.reporting.files import folder_name
from hpsearch.storage import claims, reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import COMPLETE


class Control:
    """Stops studies, and resumes them as processes of their own, which go on when the dashboard ends."""

    def __init__(self, storage: str, reports: Path) -> None:
        self._storage, self._reports = storage, reports
        self._asked: set[int] = set()
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def stop(self, name: str) -> str:
        """Ask a study's coordinator to stop after the running segments; return what was done. Raises HpsearchError."""
        with opened_to_read(self._storage) as connection:
            study = reading.get_study(connection, name)
            claim = claims.claimant(connection, study.id)
        if claim is None or not claims.is_held(self._storage, study.id):
            raise HpsearchError(f"study {name!r} is not running, so there is nothing to stop")
        host, pid = claim
        if host != socket.gethostname():
            raise HpsearchError(f"study {name!r} is run by process {pid} on {host}: stop it there")
        if os.name == "nt":
            raise HpsearchError(f"study {name!r} is run by process {pid}: press Ctrl-C in its window")
        if pid == os.getpid():
            raise HpsearchError(f"study {name!r} is run by this process")
        try:
            os.kill(pid, _heeded(pid))
        except ProcessLookupError as error:
            raise HpsearchError(f"study {name!r}: process {pid} ended just now") from error
        except PermissionError as error:
            raise HpsearchError(
                f"study {name!r} is run by another user's process {pid}: you may not stop it"
            ) from error
        self._asked.add(pid)
        return f"process {pid} was asked to stop: it ends after the segments that are running"

    def is_stopping(self, connection: Connection, study_id: int) -> bool:
        """Whether `stop` has asked the process that runs the study."""
        claim = claims.claimant(connection, study_id)
        return claim is not None and claim[0] == socket.gethostname() and claim[1] in self._asked

    def resume(self, name: str) -> str:
        """Start `hpsearch resume NAME` as a process of its own; return what was done. Raises HpsearchError."""
        with opened_to_read(self._storage) as connection:
            study = reading.get_study(connection, name)
            holder = claims.holder(connection, study.id)
        if claims.is_held(self._storage, study.id):
            raise HpsearchError(f"study {name!r} is being run by {holder} already")
        if self.is_starting(name):
            raise HpsearchError(f"study {name!r} is being resumed: `hpsearch resume` has been started")
        if study.state == COMPLETE:
            raise HpsearchError(f"study {name!r} is complete, so there is nothing to resume")
        log = self.log(name)
        arguments = ["resume", "--reports", str(self._reports), "--", name]
        try:
            self._started[name] = start_detached(arguments, self._storage, log)
        except OSError as error:
            raise HpsearchError(f"study {name!r} cannot be resumed: {log}: {error.strerror or error}") from error
        return f"`hpsearch resume` was started as process {self._started[name].pid}; its output is in {log}"

    def log(self, name: str) -> Path:
        """The file that has what a resumed study printed."""
        return self._reports / folder_name(name) / "resume.log"

    def is_starting(self, name: str) -> bool:
        """Whether a process that `resume` started is alive."""
        process = self._started.get(name)
        return process is not None and process.poll() is None

    def failure(self, name: str) -> str | None:
        """The last line of a process that `resume` started and that failed, None where it did not."""
        process = self._started.get(name)
        if process is None or process.poll() in (None, 0, 130):
            return None
        with contextlib.suppress(OSError):
            lines = self.log(name).read_text("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1][:1000]
        return f"`hpsearch resume` ended with status {process.returncode}"


def _heeded(pid: int) -> int:
    """The signal of Ctrl-C, or the next one that the process does not ignore: a script's `&` lets it ignore Ctrl-C."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return signal.SIGINT
    ignored = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:")), 0)
    return next((number for number in STOP_SIGNALS if not ignored >> (number - 1) & 1), signal.SIGINT)
