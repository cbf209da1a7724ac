"""Databases of version 3 become those of this version: whole, killed at any moment, and with studies in mid-run."""

import multiprocessing
import platform
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from earlier import DIGESTS, FORMER, RESUMED, make_earlier, make_earlier_at, unpack
from small_study import full_disk, whole
from tiny import StopAfter, digest_of, options, url, workspace

from hpsearch.cli import main
from hpsearch.errors import StorageError, StorageFault, StudyBusyError
from hpsearch.search.environment import environment
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.storage import reading, schema
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up, opened_to_read
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.migrations.version4 import renamed
from hpsearch.storage.places import place_of
from hpsearch.storage.sqlite import connection as sqlite
from hpsearch.storage.upgrade import upgrade

COMMANDS = ["status", "report done", "top --once", "resume halfway", "digest done", "delete done --yes"]


def dump(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def version(storage):
    engine = place_of(storage).reader_engine()
    try:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.select(schema.versions.c.version)).scalar()
    finally:
        engine.dispose()


def test_a_database_that_version_3_made_is_upgraded_with_a_copy_from_before(tmp_path, capsys):
    before = dump(unpack(tmp_path))
    assert main(["upgrade", "--storage", url(tmp_path)]) == 0
    place = f"sqlite:///{tmp_path}/study.db"
    copy = f"{tmp_path}/study.db.v3-backup"
    assert (
        capsys.readouterr().out == f"{place}: upgraded from version 3 of its tables to 8; a copy from before: {copy}\n"
    )
    assert dump(copy) == before
    with opened_to_read(url(tmp_path)) as connection:
        assert check_integrity(connection) == []
    assert {name: digest_of(tmp_path, name) for name in DIGESTS} == DIGESTS


def test_an_upgrade_of_what_is_up_to_date_changes_nothing_and_says_so(tmp_path, capsys):
    path = unpack(tmp_path)
    upgrade(url(tmp_path))
    Path(f"{path}.v3-backup").unlink()
    before = dump(path)
    assert main(["upgrade", "--storage", url(tmp_path)]) == 0
    assert "version 8 of its tables is this hpsearch's; nothing to upgrade" in capsys.readouterr().out
    assert dump(path) == before
    assert not Path(f"{path}.v3-backup").exists()


def test_a_new_database_and_an_upgraded_one_have_the_same_tables(tmp_path):
    unpack(tmp_path)
    upgrade(url(tmp_path))
    columns = []
    for name, create in (("new.db", True), ("study.db", False)):
        with closing(Database(f"sqlite:///{tmp_path}/{name}", create=create)) as database:
            found = sqlalchemy.inspect(database.engine)
            tables = [table.name for table in schema.metadata.sorted_tables]
            columns.append([(c["name"], str(c["type"]), c["nullable"]) for t in tables for c in found.get_columns(t)])
    assert columns[0] == columns[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_meets_an_earlier_database_names_the_upgrade_in_one_line(tmp_path, capsys, command):
    before = dump(unpack(tmp_path))
    assert main([*command.split(), "--storage", url(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"upgrade it with `hpsearch upgrade --storage sqlite:///{tmp_path}/study.db`\n" in error
    assert error.count("\n") == 1
    assert dump(tmp_path / "study.db") == before


def test_the_study_that_version_3_left_in_mid_run_ends_as_it_would_have(tmp_path):
    workspace(tmp_path)
    unpack(tmp_path)
    upgrade(url(tmp_path))
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("UPDATE hpsearch_studies SET workspace = ?", [str(tmp_path)])
        connection.commit()
    assert resume("halfway", options(tmp_path))
    with opened_to_read(url(tmp_path)) as connection:
        assert check_integrity(connection) == []
        blas = reading.get_study(connection, "done").environment["blas"]
    if (blas, platform.machine()) != (environment()["blas"], "x86_64"):
        pytest.skip(f"the database was made with {blas}: bits are promised per machine type")
    assert digest_of(tmp_path, "halfway") == RESUMED


def test_a_study_upgraded_in_mid_run_has_the_digest_of_one_that_was_never_interrupted(tmp_path, storage):
    file = workspace(tmp_path)
    launch(file, options(tmp_path, storage=f"sqlite:///{tmp_path}/straight.db"))
    assert launch(file, options(tmp_path, storage=storage, watcher=StopAfter(4))) == ("tiny", False)
    make_earlier_at(storage)
    with pytest.raises(StorageError, match="upgrade it with"):
        resume("tiny", options(tmp_path, storage=storage))
    assert upgrade(storage).before == 3
    assert resume("tiny", options(tmp_path, storage=storage))
    assert digest_of(storage) == digest_of(f"sqlite:///{tmp_path}/straight.db")


@pytest.mark.long
@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.slow)])
def test_an_upgrade_killed_at_any_statement_is_finished_by_the_next_one(tmp_path, storage, step):
    with closing(Database(storage, create=True)) as database:
        whole(database)
    script = Path(__file__).with_name("earlier.py")
    command = [sys.executable, str(script), storage, str(tmp_path / "expected"), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    assert done.stderr == ""
    assert int(done.stdout) > 2 * sum(map(len, FORMER.values()))
    assert version(storage) == schema.SCHEMA_VERSION


@pytest.mark.parametrize("empty", [False, True], ids=["none of the name", "an empty one, as an opened server has"])
def test_predictions_whose_new_table_had_not_got_its_name_are_kept(whole_study, empty):
    storage = url(whole_study)

    def stored():
        with closing(sqlite3.connect(whole_study / "study.db")) as connection:
            return connection.execute("SELECT * FROM hpsearch_predictions ORDER BY trial_id, split, epoch").fetchall()

    before = stored()
    with closing(sqlite3.connect(whole_study / "study.db")) as connection:
        connection.execute("ALTER TABLE hpsearch_predictions RENAME TO hpsearch_predictions_6")
        if empty:
            connection.execute("CREATE TABLE hpsearch_predictions AS SELECT * FROM hpsearch_predictions_6 LIMIT 0")
        connection.execute("UPDATE hpsearch_version SET version = 5")
        connection.commit()
    upgrade(storage)
    assert stored() == before != []
    assert version(storage) == schema.SCHEMA_VERSION


def test_two_upgrades_at_once_are_one(tmp_path):
    unpack(tmp_path)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(place_of, [url(tmp_path)]).exists()  # by then it has imported what it needs
        other = pool.apply_async(upgrade, [url(tmp_path)])
        done = [upgrade(url(tmp_path)), other.get()]
    assert sorted(each.before for each in done) in ([3, 3], [3, schema.SCHEMA_VERSION])
    assert version(url(tmp_path)) == schema.SCHEMA_VERSION


def test_a_running_study_keeps_its_database_from_being_upgraded(storage):
    with closing(Database(storage, create=True)) as database:
        whole(database)
        with closing(Coordinator(database, 1, "s")):
            with database.engine.begin() as connection:
                make_earlier(connection)
            with pytest.raises(StudyBusyError, match="study 's' is being run by"):
                upgrade(storage)
            assert version(storage) == 3
            with database.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE hpsearch_version SET version = 5")


def test_a_study_that_another_machine_runs_keeps_its_database_from_being_upgraded(tmp_path):
    path = unpack(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        claim = (
            "INSERT INTO hpsearch_claims VALUES (2, 'elsewhere', 7, 'x', strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))"
        )
        connection.execute(claim)
        connection.commit()
    with pytest.raises(
        StudyBusyError, match=r"study 'halfway' is being run by another process .process 7 on elsewhere"
    ):
        upgrade(url(tmp_path))


@pytest.mark.parametrize(
    ("found", "rule"),
    [(2, "version 3 of its tables is the oldest"), (schema.SCHEMA_VERSION + 1, "by a newer hpsearch")],
)
def test_what_cannot_be_upgraded_is_refused_and_left_alone(tmp_path, capsys, found, rule):
    path = unpack(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE hpsearch_version SET version = ?", [found])
        connection.commit()
    before = dump(path)
    for command in ("upgrade", "status"):
        assert main([command, "--storage", url(tmp_path)]) == 2
        assert rule in capsys.readouterr().err
    assert dump(path) == before


def test_where_there_is_no_room_for_the_copy_the_database_is_as_it_was(small_disk):
    path = unpack(small_disk)
    before = dump(path)
    with full_disk(path), pytest.raises(StorageFault, match="disk is full"):
        upgrade(url(small_disk))
    assert dump(path) == before
    assert list(small_disk.glob("*backup*")) == []
    upgrade(url(small_disk))
    assert look_up(url(small_disk), "done").name == "done"


def test_where_there_is_no_room_for_the_change_the_database_is_as_it_was(small_disk):
    path = unpack(small_disk)
    before = dump(path)
    with full_disk(path), pytest.raises(StorageFault, match="disk is full"):
        upgrade(url(small_disk), backup=False)
    assert dump(path) == before
    assert upgrade(url(small_disk)).backup == f"{path}.v3-backup"


def test_where_the_file_cannot_be_written_the_upgrade_says_so(small_disk):
    path = unpack(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StorageError, match=r"study\.db.* cannot be (written|made)"):
        upgrade(url(small_disk))
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert version(f"sqlite:///{path}") == 3


def test_a_copy_that_is_ended_on_its_way_leaves_no_half_copy_in_its_place(tmp_path, monkeypatch):
    path = unpack(tmp_path)
    shutil.copy(path, f"{path}.v3-backup")
    monkeypatch.setattr(sqlite.os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageFault, match="disk is full"):
        upgrade(url(tmp_path))
    assert dump(f"{path}.v3-backup") == dump(path)
    assert list(tmp_path.glob("*.partial")) == []


@pytest.mark.parametrize(
    ("former", "sentence"),
    [
        (
            "No setting was better than 51.25% for 8 in a row.",
            "No configuration was better than 51.25% for 8 in a row.",
        ),
        (
            "Time: it had run for 3 min. After 10 replicates the settings of trials 4, 11 cannot be told apart.",
            "Time: it had run for 3 min. "
            "After 10 replicates the configurations of trials 4, 11 are not statistically distinguishable.",
        ),
        (
            "All of the best settings failed with a further replicate.",
            "All of the best configurations failed with a further replicate.",
        ),
        (
            "There was no other setting left to confirm that of trial 3 against.",
            "There was no other configuration left to confirm that of trial 3 against.",
        ),
        (
            "After 5 replicates the setting of trial 7 is clearly the best.",
            "After 5 replicates the configuration of trial 7 is clearly the best.",
        ),
        (
            "The sampler knew 12 settings of 'a setting' before it began.",
            "The sampler knew 12 configurations of 'a setting' before it began.",
        ),
        ("eta: around trial 3 of stage 'The best setting of'.", "eta: around trial 3 of stage 'The best setting of'."),
        (
            "place 3 of 9 after epoch 1, where the best 4 went on",
            "place 3 of 9 after epoch 1, where the best 4 went on",
        ),
    ],
)
def test_a_sentence_that_version_3_stored_becomes_what_this_version_writes(former, sentence):
    assert renamed(former) == sentence


def test_stored_sentences_are_rewritten(tmp_path):
    path = unpack(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE hpsearch_trials SET reason = 'another replicate of its setting failed' WHERE id = 1")
        connection.commit()
    upgrade(url(tmp_path))
    with closing(sqlite3.connect(path)) as connection:
        (reason,) = connection.execute("SELECT reason FROM hpsearch_trials WHERE id = 1").fetchone()
        notes = [row[0] for row in connection.execute("SELECT notes FROM hpsearch_stages WHERE kind = 'final'")]
    assert reason == "another replicate of its configuration failed"
    assert notes == ["[\"The best configuration of stage 'list', its trial 2, trained again.\"]", "[]"]
