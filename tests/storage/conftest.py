"""What several of the database's tests need."""

import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import servers
from small_study import whole
from tiny import url

from hpsearch.storage.database import Database

ON_EVERY_DATABASE = {f"test_storage_{name}.py" for name in ("contract", "objectives", "servers")}
"""What is tested on servers at every landing; the default run tests all on SQLite."""


def pytest_collection_modifyitems(items):
    for item in items:
        on_server = "mariadb" in item.nodeid or "postgresql" in item.nodeid
        if on_server:
            often = item.path.name in ON_EVERY_DATABASE and "processes_may_open" not in item.nodeid
            item.add_marker(pytest.mark.long if often else pytest.mark.slow)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def storage(request, tmp_path):
    """The URL of a new, empty database of each kind; that of `database` for a test that asks for both."""
    if request.param != "sqlite" and "database" in request.fixturenames:
        return servers.server(request.param).url(servers.KEPT)
    return servers.place(request.param, tmp_path)


@pytest.fixture
def database(storage):
    """A database of each kind, open to write, with tables but without rows."""
    kind = storage.partition(":")[0]
    opened = Database(storage, create=True) if kind == "sqlite" else servers.server(kind).kept_database()
    with closing(opened):
        yield opened


@pytest.fixture
def file_database(tmp_path):
    """A new SQLite file, open to write."""
    with closing(Database(url(tmp_path), create=True)) as opened:
        yield opened


@pytest.fixture(scope="session")
def _whole_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with closing(Database(url(folder), create=True)) as database:
        whole(database)
    return folder / "study.db"


@pytest.fixture
def whole_study(_whole_study, tmp_path):
    """A directory with the database that `whole` makes."""
    shutil.copy(_whole_study, tmp_path)
    return tmp_path


@pytest.fixture
def small_disk():
    """A disk of 4 MB."""
    with tempfile.TemporaryDirectory() as name:
        command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", name]
        mounted = subprocess.run(command, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)
