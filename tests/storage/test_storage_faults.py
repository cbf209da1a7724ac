"""Faults tell the truth: no room at any kind of write, a lock, a file that is no database, or not ours to change."""

import contextlib
import os
import resource
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from small_study import (
    add,
    add_trials,
    advance,
    everything,
    finish,
    new_trials,
    prune,
    start,
    trials_of,
    whole,
)
from tiny import url

from hpsearch.errors import HpsearchError, StorageError, StorageFault
from hpsearch.storage import notes, reading, sqlite, tables, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up, open_to_read
from hpsearch.storage.integrity import check_integrity

MANY = 40
"""Trials, so that each kind of write needs room: SQLite has some left in pages that it has begun."""


def take_seconds(database):
    with database.transaction() as connection:
        writing.add_seconds(connection, 1, 1.0)


def write_notes(database):
    with database.transaction() as connection:
        notes.refresh(connection, database.optuna, 1)


def delete(database):
    with database.transaction() as connection:
        writing.delete_study(connection, database.optuna, 1)


def reset(database):
    with database.transaction() as connection:
        writing.reset_trials(connection, database.optuna, reading.trials(connection, 1)[:9])


def reset_all(database):
    with database.transaction() as connection:
        writing.reset_stage(connection, database.optuna, reading.stages(connection, 1)[0])


def grow(database):
    with database.transaction() as connection:
        writing.grow(connection, database.optuna, 1, "longer", ["coarse"], [], {"coarse": MANY})


def unfinished(database):
    return [trial for trial in trials_of(database) if trial.state in ("waiting", "running")]


WRITES = {
    "a study": add,
    "a claim": lambda database: Coordinator(database, 1, "s").close(),
    "a stage's beginning": start,
    "trials": lambda database: add_trials(database, new_trials(0, MANY)),
    "a segment": lambda database: advance(database, trials_of(database), 2),
    "a pruner's decisions": lambda database: prune(database, trials_of(database)[::2]),
    "trials begun anew": reset,
    "the last segment": lambda database: advance(database, unfinished(database), 4),
    "the stage's time": take_seconds,
    "a note": write_notes,
    "the stage's end": finish,
    "more of a study": grow,
    "a stage begun anew": reset_all,
    "nothing of a study": delete,
}


@contextlib.contextmanager
def file_size_limit(path):
    """No file may grow beyond what SQLite's log of a transaction needs at least."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # Python ignores SIGXFSZ: a write fails instead
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def full_disk(path):
    """Not a byte is free."""
    filler = path.with_name("filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def walk(database, full):
    """Do every kind of write without room, then with it; nothing changes, then all is well."""
    for name, write in WRITES.items():
        with database.transaction():  # all that SQLite keeps beside the file is there
            pass
        before = everything(database.path)
        with full(database.path), pytest.raises(StorageFault, match="the disk is full or failing") as failed:
            write(database)
        assert failed.value.exit_status == 1
        assert everything(database.path) == before, name
        write(database)
        with database.transaction() as connection:
            assert check_integrity(connection) == [], name
        database.engine.dispose()  # the log is folded into the file


def test_where_a_file_may_not_grow_every_write_says_so_and_leaves_nothing(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        walk(database, file_size_limit)


def test_on_a_full_disk_every_write_says_so_and_leaves_nothing(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        walk(database, full_disk)


@pytest.mark.parametrize("room", [0, 1, 4, 20, 50, 100, 200, 350])
def test_a_database_that_could_not_be_made_whole_is_made_later(small_disk, room):
    with full_disk(small_disk / "study.db"):
        os.truncate(small_disk / "filler", (small_disk / "filler").stat().st_size - 4096 * room)
        with contextlib.suppress(StorageFault):
            with closing(Database(url(small_disk), create=True)) as database:
                add(database)
            room = -1
        seen = look_up(url(small_disk), "s")
        assert (seen is not None) == (room < 0)
    with closing(Database(url(small_disk), create=True)) as database:
        if seen is None:
            add(database)
        with database.transaction() as connection:
            assert check_integrity(connection) == []
            assert len(reading.stages(connection, 1)) == 2


def test_a_full_disk_can_be_read(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        whole(database)
        with full_disk(database.path):
            assert look_up(url(small_disk), "s").name == "s"
    with full_disk(small_disk / "study.db"):  # closed by now
        assert look_up(url(small_disk), "s").name == "s"


@pytest.fixture
def database(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as opened:
        whole(opened)
        yield opened


def test_a_lock_of_another_program_is_named_and_does_no_harm(database, monkeypatch):
    monkeypatch.setattr(sqlite, "TIMEOUT", 0.1)
    database.engine.dispose()
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFault, match="another program has locked the database for 0 s; end it and resume"):
            advance(database, [], 1)
        with pytest.raises(StorageFault, match="locked"), closing(Database(url(database.path.parent), create=True)):
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
    with pytest.raises(StorageError, match="the database cannot be written .* check the permissions") as refused:
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
    """All that `status` and a report read."""
    engine = open_to_read(url(path))
    with closing(engine.connect()) as connection:
        reading.overview(connection)
        for table in tables.metadata.sorted_tables:
            connection.execute(sqlalchemy.select(table)).all()
        check_integrity(connection)
    engine.dispose()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_a_truncated_database_costs_one_line_whatever_is_read(tmp_path, share):
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database)
    content = (tmp_path / "study.db").read_bytes()
    (tmp_path / "study.db").write_bytes(content[: int(share * len(content))])
    with pytest.raises(StorageError, match="a damaged one"):
        read_all(tmp_path)
    with pytest.raises(HpsearchError, match="a damaged one"), closing(Database(url(tmp_path), create=True)) as opened:
        whole(opened)


@pytest.mark.parametrize(("version", "words"), [(1, "an older"), (3, "a newer")])
def test_a_database_of_another_version_is_refused_and_left_alone(database, version, words):
    database.close()
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("UPDATE hpsearch_version SET version = ?", [version])
        connection.execute("DROP TABLE hpsearch_claims")
        connection.commit()
    before = everything(database.path)
    place = url(database.path.parent)
    for attempt in (
        lambda: Database(place, create=True),
        lambda: Database(place, create=False),
        lambda: look_up(place, "s"),
        lambda: open_to_read(place),
    ):
        with pytest.raises(StorageError, match=f"was written by {words} hpsearch .version {version} of its tables"):
            attempt()
    assert everything(database.path) == before


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
