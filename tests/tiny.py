"""A study that takes a second, and the ways to run one: in this process, or as the command line does."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.frames import load
from hpsearch.search.options import Options
from hpsearch.search.progress import StageProgress, Watcher
from hpsearch.search.verify.checks import study_digest
from hpsearch.storage import reading, schema
from hpsearch.storage.database import open_to_read, opened_to_read

ROOT = Path(__file__).resolve().parent.parent

TINY = """\
name = "tiny"
seed = 0

[data]
dataset = "digits"
train = 200
validation = 100

[model]
file = "models/mlp.py"
hidden = [8]

[training]
epochs = 3
eta = 0.1
batch_size = 50

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 5 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.eta = { low = 1e-2, high = 0.5, log = true }
space.batch_size = [20, 50]

[[stage]]
name = "fine"
sampler = { kind = "grid" }
space.eta = { around = "coarse", best = 3, points = 3 }

[final]
replicates = 2
"""

LIST = "[[stage]]" + TINY.split("[[stage]]")[1].split("sampler")[0]
"""The beginning of TINY's first stage, to be followed by configurations."""

LONG = TINY.replace("epochs = 3", "epochs = 3000").replace('"tiny"', '"long"')
"""The same for about a minute: to be interrupted."""


def workspace(folder: Path, text: str = TINY, name: str = "tiny.toml") -> Path:
    """Make a workspace with our models in `folder`; return the path of the study file in it."""
    shutil.copytree(
        ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    path = folder / "studies" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, as on a full disk; skips where there is no such limit."""
    resource = pytest.importorskip("resource", reason="limits on file sizes exist on POSIX only")
    before, compiled = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # else Python before 3.12.8 leaves incomplete files of what is imported meanwhile
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # Python ignores SIGXFSZ: a write fails instead
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = compiled


def url(folder: Path) -> str:
    """The storage URL of the database that a test uses."""
    return f"sqlite:///{folder / 'study.db'}"


def options(folder: Path, workers: int = 1, backend: str = "threading", **given: Any) -> Options:
    """How a test runs a study in its own process."""
    return Options(given.pop("storage", url(folder)), workers, backend=backend, **given)


class StopAfter(Watcher):
    """Asks this process to stop, as Ctrl-C does, once so many epochs of a stage are committed under its eyes."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.before: dict[str, int] = {}

    def stage(self, progress: StageProgress) -> None:
        before = self.before.setdefault(progress.name, progress.epochs_done)
        if progress.epochs_done - before >= self.epochs:
            self.epochs = sys.maxsize
            signal.raise_signal(signal.SIGINT)


def ranking(folder: Path, name: str = "tiny") -> str:
    """The ranking.csv of a study in a test's database."""
    engine = open_to_read(url(folder))
    try:
        return ranking_csv(load(engine, name))
    finally:
        engine.dispose()


def rows(folder: Path, table: sqlalchemy.Table = schema.trials) -> list[dict[str, Any]]:
    """A table of ours, as a list of rows."""
    engine = open_to_read(url(folder))
    with closing(engine.connect()) as connection:
        found = [dict(row._mapping) for row in connection.execute(sqlalchemy.select(table))]
    engine.dispose()
    return found


def digest_of(place: Path | str, name: str = "tiny") -> str:
    """The digest of a study in a test's database, or in the one at a URL."""
    with opened_to_read(place if isinstance(place, str) else url(place)) as connection:
        return study_digest(connection, reading.get_study(connection, name))


def epochs_done(folder: Path) -> int:
    """How far the studies in a test's database are; 0 before there are any."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/study.db?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT sum(epochs_done) FROM hpsearch_trials").fetchone()[0] or 0)
    except sqlite3.OperationalError:
        return 0


def start(folder: Path, *arguments: str, storage: str | None = None, **given: Any) -> "subprocess.Popen[str]":
    """Start `hpsearch` in a session of its own, as a terminal does, with this test's database."""
    command = [sys.executable, "-m", "hpsearch", *arguments, "--storage", storage or url(folder)]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OPENBLAS_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's `&` would have us ignore it
        **streams | given,
    )


def finish(process: "subprocess.Popen[str]", seconds: float = 60.0) -> tuple[int, str, str]:
    """Wait for a process; return its exit status, what it printed, and its complaints."""
    try:
        out, complaints = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, complaints


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Poll until the condition holds, and return its value; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return value


def children(pid: int) -> list[int]:
    """The living loky workers of a process, whoever their parent is by now."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
            status = (entry / "stat").read_text() if b"popen_loky" in words else ""
        except OSError:
            continue
        if status and int(status.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    """Tell whether a process still runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
