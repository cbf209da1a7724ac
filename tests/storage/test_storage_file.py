"""A database in a SQLite file: where it is, what befalls it there, and who else may use it."""

import multiprocessing
import sqlite3
from contextlib import closing

import pytest
from other_process import try_lock
from small_study import add
from tiny import StopAfter, options, rows, url
from tiny import workspace as made

from hpsearch.errors import DamagedError, StorageFault
from hpsearch.search.launch import launch
from hpsearch.search.progress import Watcher
from hpsearch.search.stages import cohorts
from hpsearch.storage import DEFAULT_URL
from hpsearch.storage.database import Database, look_up
from hpsearch.storage.sqlite import workspace
from hpsearch.storage.sqlite.locks import StudyLock, is_held


@pytest.mark.parametrize("meddle", ["rename", "delete", "replace"])
def test_a_database_moved_while_open_is_noticed_at_the_next_commit(file_database, meddle):
    add(file_database)
    moved = file_database.place.path.with_suffix(".moved")
    if meddle == "delete":
        file_database.place.path.unlink()
    else:
        file_database.place.path.rename(moved)
    if meddle == "replace":
        file_database.place.path.touch()
    with (
        pytest.raises(StorageFault, match="moved, replaced or deleted while it was in use"),
        file_database.transaction(),
    ):
        pass


def test_a_log_deleted_while_open_is_noticed_at_the_next_commit_and_nothing_is_lost(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        add(database)
        (tmp_path / "study.db-wal").unlink()
        with (
            pytest.raises(StorageFault, match=r"study\.db-wal: was deleted while the database"),
            database.transaction(),
        ):
            pass
    assert look_up(url(tmp_path), "s") is not None


def test_a_schema_that_is_no_text_is_damage(file_database):
    path = file_database.place.path
    with closing(sqlite3.connect(path)) as connection:  # a flipped bit: SQLite quotes the name in its own error
        connection.execute("PRAGMA writable_schema = ON")
        broken = "name = CAST(x'f361' AS TEXT), sql = 'CREATE TABLE ('"
        connection.execute(f"UPDATE sqlite_master SET {broken} WHERE name = 'hpsearch_curves'")
        connection.commit()
    with pytest.raises(DamagedError, match=r"a damaged one \(text that is not UTF-8 in its schema\); restore a copy"):
        look_up(f"sqlite:///{path}", "tiny")


def test_a_study_whose_database_is_moved_stops_with_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)

    class Meddler(Watcher):
        def stage(self, progress):
            if progress.epochs_done == 5:
                (tmp_path / "study.db").rename(tmp_path / "moved.db")

    with pytest.raises(StorageFault, match="moved, replaced or deleted"):
        launch(made(tmp_path), options(tmp_path, watcher=Meddler()))


def test_a_copy_made_by_sqlite_goes_on_elsewhere(tmp_path):
    launch(made(tmp_path), options(tmp_path, watcher=StopAfter(3)))
    (tmp_path / "elsewhere").mkdir()
    target = sqlite3.connect(tmp_path / "elsewhere" / "study.db")
    with closing(sqlite3.connect(tmp_path / "study.db")) as source, closing(target):
        source.backup(target)
    assert rows(tmp_path / "elsewhere") == rows(tmp_path)


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "a#b.db", "a&mode=ro.db", "ä'\"☃.db"])
def test_any_file_name_can_be_a_database(tmp_path, name):
    storage = f"sqlite:///{tmp_path}/{name}"
    with closing(Database(storage, create=True)) as database:
        add(database)
    assert (tmp_path / name).is_file()
    assert look_up(storage, "s") is not None
    assert {path.name.removesuffix(".lock") for path in tmp_path.iterdir()} <= {name, f"{name}-shm", f"{name}-wal"}


def test_a_study_lock_is_held_by_one_process_and_seen_by_others(file_database):
    with closing(StudyLock(file_database.place.path, 1, "s")), multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(is_held, (file_database.place.path, 1))
        assert not pool.apply(is_held, (file_database.place.path, 2))
        refused = pool.apply(try_lock, (file_database.place.path, 1))
    assert "study 's' is being run by another process (process " in refused
    assert not is_held(file_database.place.path, 1)


def test_a_workspace_is_found_from_its_sub_folders_and_a_bare_folder_is_its_own(tmp_path, monkeypatch):
    for folder in ("ws/studies/old", "ws/models", "with database/studies", "with database/notes", "bare/sub"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "with database/studies/hpsearch.db").touch()
    found = {}
    for folder in ("ws", "ws/studies/old", "with database/notes", "bare/sub", "bare"):
        monkeypatch.chdir(tmp_path / folder)
        found[folder] = workspace.default_url(), str(workspace.default_reports())
    here = "sqlite:///studies/hpsearch.db", "reports"
    above = "sqlite:///../studies/hpsearch.db", "../reports"
    far = "sqlite:///../../studies/hpsearch.db", "../../reports"
    assert list(found.values()) == [here, far, above, here, here]


def test_a_workspace_of_another_user_is_not_used(tmp_path, monkeypatch):
    for folder in ("studies", "models", "sub"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setattr(workspace, "user", lambda: -1)
    assert workspace.default_url() == DEFAULT_URL
