"""Database servers of the tests' own: started once a process, on a free port of 127.0.0.1, with nothing to lose."""

import atexit
import contextlib
import getpass
import glob
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import sqlalchemy

USER, PASSWORD = "hp", "s3cr:t/ä"
"""Of who owns the tests' databases; the password is one that a URL must quote."""

KINDS = {"postgresql": "psycopg", "mariadb": "pymysql"}
"""The servers that there may be, and the driver of each."""

_FILES = ["--no-defaults", "--loose-innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]


def program(name: str) -> str:
    """Where a server's program is, on Debian too, which keeps some from the PATH; skips where it is nowhere."""
    known = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda p: int(p.split("/")[4].split(".")[0]))
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or next(reversed(known), None)
    return found or pytest.skip(f"{name} is not installed")


class Server:
    """A running server; `start` and `stop` as its keeper would."""

    def __init__(self, kind: str) -> None:
        """Make its files and start it; skips where its programs, its driver, or a user to run it as are missing."""
        if not importlib.util.find_spec(KINDS[kind]):
            pytest.skip(f"{KINDS[kind]}, which talks to {kind}, is not installed")
        self.kind, self._numbers = kind, itertools.count(1)
        self._who = {"postgresql": "postgres", "mariadb": "mysql"}[kind] if os.geteuid() == 0 else getpass.getuser()
        self.folder = Path(tempfile.mkdtemp(prefix=f"hpsearch-{kind}-"))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            shutil.chown(self.folder, self._who)
            self._run(self._making())
            self.port = _free_port()
            self.start()
            self.administer(*self._users())
        except LookupError:
            shutil.rmtree(self.folder)
            pytest.skip(f"there is no user {self._who!r} to run {kind} as")
        except BaseException:
            self.close()
            raise

    def _making(self) -> list[str]:
        if self.kind == "postgresql":
            trust = ["--auth-local=trust", "--auth-host=scram-sha-256", "-U", "postgres"]
            return [program("initdb"), "--no-sync", *trust, "-E", "UTF8", "--locale=C", "-D", f"{self.folder}/data"]
        trust = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        return [program("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder}/data", *trust]

    def _running(self) -> list[str]:
        if self.kind == "postgresql":
            given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": "off"}
            settings = [f"-c{key}={value}" for key, value in given.items()]
            return [program("postgres"), "-D", f"{self.folder}/data", "-p", str(self.port), *settings]
        places = [f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        network = [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        return [program("mariadbd"), *_FILES, *places, *network]

    def _users(self) -> list[str]:
        if self.kind == "postgresql":
            return [f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'"]
        who = f"{USER}@127.0.0.1"
        return [f"CREATE USER {who} IDENTIFIED BY '{PASSWORD}'", f"GRANT ALL ON *.* TO {who}"]

    def _run(self, command: list[str]) -> None:
        with open(f"{self.folder}/made", "wb") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, user=self._user(), cwd=self.folder)

    def _user(self) -> str | None:
        return self._who if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with open(f"{self.folder}/log", "ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self._process = subprocess.Popen(self._running(), user=self._user(), cwd=self.folder, **streams)
        deadline = time.monotonic() + 60
        while subprocess.run(self._asking(), capture_output=True, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(Path(f"{self.folder}/log").read_text())
            time.sleep(0.05)

    def _asking(self) -> list[str]:
        if self.kind == "postgresql":
            return [program("pg_isready"), "-h", str(self.folder), "-p", str(self.port)]
        return [program("mariadb-admin"), "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "ping"]

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it, its clients' connections too; SIGKILL as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM if self.kind == "mariadb" and number == signal.SIGINT else number)
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        """End it, and delete its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

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

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"study{next(self._numbers)}"
        owner = f" OWNER {USER} STRATEGY file_copy" if self.kind == "postgresql" else ""
        self.administer(f"CREATE DATABASE {name}{owner}")
        return self.url(name)

    def url(self, database: str, user: str = USER, password: str | None = PASSWORD) -> str:
        """The URL of a database."""
        place = sqlalchemy.URL.create(self.kind, user, password, "127.0.0.1", self.port, database)
        return place.render_as_string(hide_password=False)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


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
