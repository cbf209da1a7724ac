"""Database servers of the tests' own: started once a process, on a free port of 127.0.0.1, with nothing to lose.

A watchdog ends them and deletes their files where this process is killed before it can.
"""

import atexit
import contextlib
import getpass
import glob
import importlib.util
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import sqlalchemy
from optuna.storages._rdb import models

from hpsearch.storage import schema
from hpsearch.storage.database import Database

USER, PASSWORD = "hp", "s3cr:t/ä"
"""Of who owns the tests' databases; the password is one that a URL must quote."""

KINDS = {"postgresql": "psycopg", "mariadb": "pymysql"}
"""The servers that there may be, and the driver of each."""

PROGRAMS = {
    "postgresql": ("initdb", "postgres", "pg_isready"),
    "mariadb": ("mariadb-install-db", "mariadbd", "mariadb-admin"),
}
"""What each is made of."""

_FILES = ["--no-defaults", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M"]

KEPT = "again"
"""The name of the database that is made but once."""

_WATCHDOG = 'cat; kill -"$1" "$(cat "$0/number")"; sleep 1; rm -rf "$0"'
"""A script that waits for the end of whoever holds its standard input, then for that of a server in a folder."""

_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}

_WAIT = 60
"""Seconds that a server may take to start, or to stop."""


def program(name: str) -> str:
    """Where a server's program is: Debian keeps some from the PATH. Skips where it is nowhere."""
    known = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda p: int(p.split("/")[4].split(".")[0]))
    found = next(reversed(known), None) or shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or pytest.skip(f"{name} is not installed")


class Server:
    """A running server; `start` and `stop` as its keeper would."""

    def __init__(self, kind: str) -> None:
        """Make its files and start it; skips where its programs, its driver, or a user to run it as are missing."""
        if not importlib.util.find_spec(KINDS[kind]):
            pytest.skip(f"{KINDS[kind]}, which talks to {kind}, is not installed")
        self.kind, self._numbers = kind, itertools.count(1)
        for name in PROGRAMS[kind]:
            program(name)
        self._who = {"postgresql": "postgres", "mariadb": "mysql"}[kind] if os.geteuid() == 0 else getpass.getuser()
        self.folder = Path(tempfile.mkdtemp(prefix=f"hpsearch-{kind}-"))
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: Database | None = None
        ending = {"postgresql": "QUIT", "mariadb": "KILL"}[kind]
        self._watchdog = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, str(self.folder), ending],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._make()
            self.administer(*self._users())
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        """Make its files and start it; skips, with what was said, where neither this machine nor its user can."""
        try:
            shutil.chown(self.folder, self._who)
            with self._log.open("wb") as log:
                subprocess.run(
                    self._making(), check=True, stdout=log, stderr=log, user=self._user(), cwd=self.folder, timeout=120
                )
            self.port = _free_port()
            self.start()
        except LookupError:
            pytest.skip(f"there is no user {self._who!r} to run {self.kind} as")
        except (OSError, subprocess.SubprocessError, AssertionError) as error:
            said = self._log.read_text("utf-8", "replace")[-2000:] if self._log.exists() else ""
            pytest.skip(f"{self.kind} cannot be started here: {error} {said}")

    def _making(self) -> list[str]:
        if self.kind == "postgresql":
            trust = ["--auth-local=trust", "--auth-host=scram-sha-256", "-U", "postgres"]
            return [program("initdb"), "--no-sync", *trust, "-E", "UTF8", "--locale=C", "-D", f"{self.folder}/data"]
        trust = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        return [program("mariadb-install-db"), *_FILES, *self._places(), *trust]

    def _places(self) -> list[str]:
        """Where MariaDB has its files: one that starts deletes the temporary tables of others that share a folder."""
        return [f"--datadir={self.folder}/data", f"--tmpdir={self.folder}"]

    def _running(self) -> list[str]:
        if self.kind == "postgresql":
            given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, **_FAST}
            configurations = [f"-c{key}={value}" for key, value in given.items()]
            return [program("postgres"), "-D", f"{self.folder}/data", "-p", str(self.port), *configurations]
        places = [*self._places(), f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        network = [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        unsynced = "--innodb-flush-log-at-trx-commit=2"  # a commit outlives the process, not the power
        return [program("mariadbd"), *_FILES, unsynced, *places, *network]

    def _users(self) -> list[str]:
        if self.kind == "postgresql":
            return [f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'"]
        who = f"{USER}@127.0.0.1"
        return [f"CREATE USER {who} IDENTIFIED BY '{PASSWORD}'", f"GRANT ALL ON *.* TO {who}"]

    def _user(self) -> str | None:
        return self._who if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start it, and wait until it answers; again and again if need be, as after a power cut, or for its port."""
        deadline = time.monotonic() + _WAIT
        self._launch()
        while subprocess.run(self._asking(), capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise AssertionError(self._log.read_text("utf-8", "replace"))
            if self._process is not None and self._process.poll() is not None:
                time.sleep(0.2)
                self._launch()
            time.sleep(0.05)

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._running(), user=self._user(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        Path(f"{self.folder}/number").write_text(str(self._process.pid))

    def _asking(self) -> list[str]:
        if self.kind == "postgresql":
            return [program("pg_isready"), "-h", str(self.folder), "-p", str(self.port)]
        return [program("mariadb-admin"), "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "ping"]

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it, its clients' connections too; SIGKILL as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM if self.kind == "mariadb" and number == signal.SIGINT else number)
            self._process.wait(_WAIT)
            self._process = None
            Path(f"{self.folder}/number").unlink()

    def close(self) -> None:
        """End it, and delete its files."""
        if self._kept:
            self._kept.close()
        try:
            self.stop(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._watchdog.kill()
            self._watchdog.communicate()

    def cut(self, database: str) -> None:
        """End all connections to a database, behind their owners' backs."""
        if self.kind == "postgresql":
            query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname"
            return self.administer(f"{query} = '{database}'")
        query = "FOR c IN (SELECT id FROM information_schema.processlist WHERE db"
        return self.administer(f"{query} = '{database}') DO KILL c.id; END FOR")

    def administer(self, *statements: str, database: str | None = None) -> None:
        """Do something as the server's own administrator."""
        if self.kind == "postgresql":
            url = f"postgresql+psycopg://postgres@/{database or 'postgres'}?host={self.folder}&port={self.port}"
        else:
            url = f"mysql+pymysql://root@/{database or 'mysql'}?unix_socket={self.folder}/socket"
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def new_database(self, name: str | None = None) -> str:
        """The URL of a new, empty database."""
        name = name or f"study{next(self._numbers)}"
        owner = f" OWNER {USER} STRATEGY file_copy" if self.kind == "postgresql" else ""
        self.administer(f"CREATE DATABASE {name}{owner}")
        return self.url(name)

    def kept_database(self) -> Database:
        """One that is made but once, open to write: as good as new, without what a test before this one left in it."""
        if self._kept is None:
            self._kept = Database(self.new_database(KEPT), create=True)
        else:
            self._empty(self._kept)
        self._kept.fence, self._kept.faulted = None, False
        return self._kept

    def _empty(self, database: Database) -> None:
        """Delete all rows, and begin their numbers anew."""
        names = [t.name for m in (schema.metadata, models.BaseModel.metadata) for t in reversed(m.sorted_tables)]
        names = [name for name in names if "version" not in name]
        with database.engine.begin() as connection:
            for name in names:
                connection.exec_driver_sql(f"DELETE FROM {name}")
            if self.kind == "postgresql":
                numbers = "SELECT setval(schemaname || '.' || sequencename, 1, false) FROM pg_sequences"
                connection.exec_driver_sql(f"{numbers} WHERE last_value IS NOT NULL")
                return
            used = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            for (name,) in connection.exec_driver_sql(f"{used} AND auto_increment > 1").all():
                connection.exec_driver_sql(f"ALTER TABLE {name} AUTO_INCREMENT = 1")

    def url(self, database: str, user: str = USER, password: str | None = PASSWORD) -> str:
        """The URL of a database."""
        place = sqlalchemy.URL.create(self.kind, user, password, "127.0.0.1", self.port, database)
        return place.render_as_string(hide_password=False)


def _free_port() -> int:
    """One below those that systems give to whoever asks for any, so that nobody has it when the server comes back."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with contextlib.closing(socket.socket()) as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


_running: dict[str, Server] = {}


def server(kind: str) -> Server:
    """The server of that kind that this process shares among its tests."""
    if not _running:
        atexit.register(close_all)
    if kind not in _running:
        _running[kind] = Server(kind)
    return _running[kind]


def close_all() -> None:
    """End all servers of this process."""
    while _running:
        _running.popitem()[1].close()


def place(kind: str, folder: Path) -> str:
    """The URL of a new database of that kind, a SQLite file in `folder` or one on a server."""
    return f"sqlite:///{folder / 'study.db'}" if kind == "sqlite" else server(kind).new_database()
