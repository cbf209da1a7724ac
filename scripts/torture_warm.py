"""Starts runs as forks of a process that has imported all of it, for `scripts/torture`: most of a start is imports."""

import importlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

MODULES = (
    *("hpsearch.cli.launch", "hpsearch.cli.resume", "hpsearch.cli.run_study", "hpsearch.search.stages.context"),
    *("hpsearch.storage.mirror.rdb", "hpsearch.workers.pools.loky", "hpsearch.workers.segments.run"),
    *("alembic.command", "alembic.autogenerate", "optuna.storages", "sklearn.datasets", "pandas", "psycopg", "pymysql"),
)
"""What a run imports, at once or when it needs it."""


class Warm:
    """The process that has imported all, and forks when it is asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers, theirs = os.pipe()
        here = str(Path(__file__).parent)
        command = [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {here!r}); import torture_warm as w; w.serve()",
        ]
        self._process = subprocess.Popen(
            [*command, str(theirs)], stdin=subprocess.PIPE, pass_fds=[theirs], start_new_session=True
        )
        os.close(theirs)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, question: object) -> int:
        """Ask it to fork, or how a fork of it has ended."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            answer = b""
            while not answer.endswith(b"\n"):
                answer += os.read(self._answers, 100)
            return int(answer)

    def start(self, code: str, arguments: list[str], environment: Mapping[str, str], stderr: Path) -> "Fork":
        """Run a program as `python -c` would, in a session of its own."""
        return Fork(self, self.ask([code, arguments, dict(environment), str(stderr)]))


class Fork:
    """A fork of the warm process, with what is used of Popen."""

    def __init__(self, warm: Warm, pid: int) -> None:
        self.pid, self.returncode, self._warm = pid, None, warm
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit status, minus the signal that ended it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout or 0)
            self.returncode: int | None = self._warm.ask(self.pid)
            os.close(self._end)
        assert self.returncode is not None
        return self.returncode


def serve() -> None:
    """In the warm process: fork for each question until nobody can ask; a fork returns after its program."""
    answers = int(sys.argv[1])
    os.set_inheritable(answers, False)
    for name in MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    while line := sys.stdin.buffer.readline():
        question: Any = json.loads(line)
        if isinstance(question, int):
            status = os.waitstatus_to_exitcode(os.waitpid(question, 0)[1])
            os.write(answers, f"{status}\n".encode())
        elif os.fork() == 0:
            os.setsid()
            os.write(answers, f"{os.getpid()}\n".encode())
            os.close(answers)
            _run(*question)
            return


def _run(code: str, arguments: list[str], environment: dict[str, str], stderr: str) -> None:
    """In a fork: become what `python -c` would be."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    for path, flags, number in ((os.devnull, os.O_RDONLY, 0), (stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 2)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    exec(code, vars(sys.modules["__main__"]))
