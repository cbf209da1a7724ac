"""What is seen of a study from outside, and what must hold of it whenever nothing runs, for `scripts/torture`."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from torture_faults import semaphores

from hpsearch.storage.database import open_to_read
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.places import place_of
from hpsearch.workers.pools import semaphores as leftovers

MARK = "HPSEARCH_TORTURE"
GONE_SECONDS = 5.0
"""How long after a kill there may still be processes."""


def patience(seconds: float) -> float:
    """So many seconds on a machine that has nothing else to do, more on a busy one."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class FailedError(Exception):
    """A check failed."""


@dataclass
class Observed:
    """A study in a folder of its own, in a SQLite file there."""

    folder: Path
    numbers: list[int] = field(default_factory=list, init=False)  # of all processes that were seen

    @property
    def database(self) -> Path:
        return self.folder / "study.db"

    @property
    def url(self) -> str:
        """Where it is stored."""
        return f"sqlite:///{self.database}"

    def check_semaphores(self) -> None:
        """Check that the semaphores which killed processes left are removed by the next run after a minute."""
        leftovers._AGE = 0.0
        leftovers.remove_leftovers()
        left = semaphores(self.numbers)
        self._expect(not left, f"semaphores are left: {left[:3]}")

    def check(self) -> None:
        """Check what must hold whenever nothing runs."""
        deadline = time.monotonic() + patience(GONE_SECONDS)
        while left := self.processes():
            self._expect(time.monotonic() < deadline, f"processes {left} are left")
            time.sleep(0.05)
        if self._ask("SELECT count(*) FROM hpsearch_studies"):
            self.check_database()

    def check_database(self) -> None:
        """Check that nobody has the study, and that all that is stored of it fits together."""
        copy = self.folder / "copy.db"  # so that the next run finds what the kill left
        for end in ("", "-wal"):
            copy.with_name(f"copy.db{end}").unlink(missing_ok=True)
            if (there := self.database.with_name(f"study.db{end}")).exists():
                shutil.copy(there, copy.with_name(f"copy.db{end}"))
        self._expect(not place_of(self.url).is_held(1), "the study's lock is held")
        self._check_integrity(f"sqlite:///{copy}")

    def _check_integrity(self, url: str) -> None:
        engine = open_to_read(url)
        with engine.connect() as connection:
            problems = check_integrity(connection)
        engine.dispose()
        self._expect(not problems, "; ".join(problems[:3]))

    def epochs(self) -> int:
        return self._ask("SELECT sum(epochs_done) FROM hpsearch_trials")

    def _is_done(self) -> bool:
        return self._ask("SELECT count(*) FROM hpsearch_studies WHERE state = 'complete'") > 0

    def _stages_done(self) -> int:
        return self._ask("SELECT count(*) FROM hpsearch_stages WHERE state = 'complete'")

    def _ask(self, query: str) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60)) as connection:
                return connection.execute(query).fetchone()[0] or 0
        except sqlite3.OperationalError:  # before there are tables
            return 0

    def _errors(self) -> str:
        return (self.folder / "stderr").read_text()

    def processes(self) -> list[int]:
        """Return all living processes that inherited the mark of this study."""
        mark = f"{MARK}={self.folder}".encode()
        return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal() and mark in fields(p / "environ")]

    def _workers(self) -> list[int]:
        return self.processes_with(b"popen_loky")

    def processes_with(self, word: bytes) -> list[int]:
        """Return those whose command has that word."""
        proc = Path("/proc")
        return [p for p in self.processes() if any(word in w for w in fields(proc / str(p) / "cmdline"))]

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise FailedError(f"{otherwise}\n{self._errors()}".strip())


def fields(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # gone, or someone else's
        return []


def size(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
