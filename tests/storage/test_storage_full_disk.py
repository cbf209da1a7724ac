"""No room, at any kind of write: the database says so, is as it was before, and goes on once there is room again."""

import contextlib
import os
from contextlib import closing

import pytest
from small_study import (
    add,
    add_trials,
    advance,
    everything,
    finish,
    full_disk,
    new_trials,
    prune,
    start,
    trials_of,
    whole,
)
from tiny import file_size_limit, url

from hpsearch.errors import StorageError, StorageFault
from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.mirror import notes

MANY = 40
"""Trials, so that each kind of write needs room: SQLite has some left in pages that it has begun."""


def take_seconds(database):
    with database.transaction() as connection:
        writing.add_seconds(connection, 1, 1.0)


def write_notes(database):
    with database.transaction() as connection:
        notes.refresh(connection, 1)


def delete(database):
    with database.transaction() as connection:
        writing.delete_study(connection, 1)


def reset(database):
    with database.transaction() as connection:
        writing.reset_trials(connection, reading.trials(connection, 1)[:9])


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


def walk(database, full):
    """Do every kind of write without room, then with it; nothing changes, then all is well."""
    for name, write in WRITES.items():
        with database.transaction():  # all that SQLite keeps beside the file is there
            pass
        before = everything(database)
        with full(database.place.path), pytest.raises(StorageFault, match="the disk is full or failing") as failed:
            write(database)
        assert failed.value.exit_status == 1
        assert everything(database) == before, name
        write(database)
        with database.transaction() as connection:
            assert check_integrity(connection) == [], name
        database.engine.dispose()  # the log is folded into the file


@pytest.mark.slow
def test_where_a_file_may_not_grow_every_write_says_so_and_leaves_nothing(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        walk(database, lambda path: file_size_limit(2_000))  # less than SQLite's log of any transaction needs


@pytest.mark.long
def test_on_a_full_disk_every_write_says_so_and_leaves_nothing(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        walk(database, full_disk)


def quick_but(values, kept):
    """The values, those that are not kept in the default run as slow ones."""
    return [pytest.param(each, marks=[] if each in kept else pytest.mark.slow) for each in values]


@pytest.mark.parametrize(
    "size", quick_but([0, 1_000, 10_000, 40_000, 100_000, 170_000, 1_000_000], [0, 40_000, 170_000])
)
def test_a_database_that_could_not_grow_to_its_tables_is_made_later(tmp_path, size):
    with file_size_limit(size), contextlib.suppress(StorageFault):
        with closing(Database(url(tmp_path), create=True)) as database:
            add(database)
        size = -1
    seen = look_up(url(tmp_path), "s")
    assert (seen is not None) == (size < 0)
    with closing(Database(url(tmp_path), create=True)) as database:
        if seen is None:
            add(database)
        with database.transaction() as connection:
            assert check_integrity(connection) == []


@pytest.mark.parametrize("room", quick_but([0, 1, 4, 20, 50, 100, 200, 350], [0, 20, 100]))
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


def test_a_database_on_a_full_disk_can_be_read_while_it_is_open_and_after(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        whole(database)
        with full_disk(database.place.path):
            assert look_up(url(small_disk), "s").name == "s"
    with full_disk(small_disk / "study.db"):
        assert look_up(url(small_disk), "s").name == "s"


def test_what_is_only_in_the_log_is_not_passed_over_where_the_log_cannot_be_read(small_disk):
    with closing(Database(url(small_disk), create=True)) as database:
        add(database)
        for name in ("study.db", "study.db-wal"):  # as a killed process leaves them
            (small_disk / f"copy-{name}").write_bytes((small_disk / name).read_bytes())
    (small_disk / "copy-study.db-wal").rename(small_disk / "copy.db-wal")
    (small_disk / "copy-study.db").rename(small_disk / "copy.db")
    place = f"sqlite:///{small_disk}/copy.db"
    with full_disk(small_disk / "copy.db"), pytest.raises(StorageError, match="newest results are in copy"):
        look_up(place, "s")
    assert look_up(place, "s").name == "s"
