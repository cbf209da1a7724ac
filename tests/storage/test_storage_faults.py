"""Faults tell the truth: a lock, a file that is no database or a damaged one, one that is not ours to change."""

import contextlib
import os
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from small_study import add, advance, everything, start, whole
from tiny import url

from hpsearch.errors import HpsearchError, StorageError, StorageFault
from hpsearch.storage import reading, schema
from hpsearch.storage.database import Database, look_up, open_to_read
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.schema import SCHEMA_VERSION
from hpsearch.storage.sqlite import connection as sqlite


@pytest.fixture
def database(whole_study):
    with closing(Database(url(whole_study), create=False)) as opened:
        yield opened


def test_a_lock_of_another_program_is_named_and_does_no_harm(database, monkeypatch):
    monkeypatch.setattr(sqlite, "TIMEOUT", 0.1)
    database.engine.dispose()
    with closing(sqlite3.connect(database.place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFault, match="another program has locked the database for 0 s; end it and resume"):
            advance(database, [], 1)
        with (
            pytest.raises(StorageFault, match="locked"),
            closing(Database(url(database.place.path.parent), create=True)),
        ):
            add(database)
    with database.transaction() as connection:
        assert check_integrity(connection) == []


@pytest.fixture
def unprivileged():
    """A directory of someone whom permissions hold for."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        with closing(Database(url(folder), create=True)) as database:
            whole(database)
        if os.geteuid() == 0:
            folder.chmod(0o755)
            for path in (folder, *folder.iterdir()):
                os.chown(path, 65534, 65534)
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        yield folder


def test_a_read_only_database_is_refused_in_one_line_and_can_be_read(unprivileged):
    path = unprivileged / "study.db"
    path.chmod(0o444)
    with pytest.raises(StorageError, match="the database cannot be written; check its permissions") as refused:
        Database(url(unprivileged), create=False)
    assert refused.value.exit_status == 2
    assert look_up(url(unprivileged), "s").name == "s"


def test_in_a_read_only_directory_a_database_can_be_read_and_not_written(unprivileged):
    for path in unprivileged.iterdir():
        if path.name != "study.db":
            path.unlink()
    unprivileged.chmod(0o555)
    try:
        with pytest.raises(StorageError, match="the directory cannot be written; check its permissions"):
            Database(f"sqlite:///{unprivileged}/new.db", create=True)
        with pytest.raises(StorageError, match=r"study.db.lock: cannot be written .Permission denied."):
            Database(url(unprivileged), create=False)
        assert look_up(url(unprivileged), "s").name == "s"
    finally:
        unprivileged.chmod(0o755)


def test_a_database_on_a_disk_mounted_read_only_can_be_read_and_not_written(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        whole(database)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert look_up(url(small_disk), "s").name == "s"
    with pytest.raises(StorageError, match=r"cannot be written|Read-only"):
        Database(url(small_disk), create=False)


@pytest.mark.parametrize("content", [b"not a database\n" * 1000, b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content, create):
    (tmp_path / "study.db").write_bytes(content)
    for attempt in (lambda: Database(url(tmp_path), create=create), lambda: look_up(url(tmp_path), "s")):
        with pytest.raises(StorageError, match=r"not a database, or a damaged one|holds no hpsearch studies"):
            attempt()
    assert (tmp_path / "study.db").read_bytes() == content


def read_all(path):
    """All that `status` and a report read; what is wrong with it."""
    engine = open_to_read(url(path))
    with closing(engine.connect()) as connection:
        reading.overview(connection)
        for table in schema.metadata.sorted_tables:
            connection.execute(sqlalchemy.select(table)).all()
        return check_integrity(connection)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_a_truncated_database_costs_one_line_whatever_is_read(whole_study, share):
    content = (whole_study / "study.db").read_bytes()
    (whole_study / "study.db").write_bytes(content[: int(share * len(content))])
    try:
        assert read_all(whole_study)[0].startswith("SQLite: ")
    except StorageError as error:
        assert "a damaged one" in str(error)  # noqa: PT017 - what is read first may be whole
    with pytest.raises(HpsearchError), closing(Database(url(whole_study), create=True)) as opened:
        whole(opened)


@pytest.mark.parametrize(("version", "words"), [(SCHEMA_VERSION - 1, "an older"), (SCHEMA_VERSION + 1, "a newer")])
def test_a_database_of_another_version_is_refused_and_left_alone(database, version, words):
    database.close()
    with closing(sqlite3.connect(database.place.path)) as connection:
        connection.execute("UPDATE hpsearch_version SET version = ?", [version])
        connection.execute("DROP TABLE hpsearch_claims")
        connection.commit()
    before = everything(database)
    place = url(database.place.path.parent)
    for attempt in (
        lambda: Database(place, create=True),
        lambda: Database(place, create=False),
        lambda: look_up(place, "s"),
        lambda: open_to_read(place),
    ):
        with pytest.raises(StorageError, match=f"was written by {words} hpsearch .version {version} of its tables"):
            attempt()
    assert everything(database) == before


def test_a_database_of_someone_else_is_not_taken_for_ours(tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    assert look_up(url(tmp_path), "s") is None
    with pytest.raises(StorageError, match="the database holds no hpsearch studies"):
        open_to_read(url(tmp_path))


def test_a_deleted_directory_is_noticed(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    with closing(Database(url(folder), create=True)) as database:
        add(database)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        with pytest.raises(StorageFault, match="moved, replaced or deleted"):
            start(database)
    assert not folder.exists()
