"""The check of a database: silent about a sound one, and it finds whatever is wrong."""

# ruff: noqa: E501  (a row of a table stays on one line)

import sqlite3
from contextlib import closing

import pytest
from small_study import add, advance, finish, new_trials, prune, start, trials_of, whole
from small_study import add_trials as add_some
from tiny import TINY, StopAfter, options, url, workspace

from hpsearch.search.launch import launch
from hpsearch.search.stages import context
from hpsearch.search.stages import run as stage_run
from hpsearch.storage.database import Database, open_to_read
from hpsearch.storage.integrity import check_integrity


def check(folder):
    engine = open_to_read(url(folder))
    try:
        with engine.connect() as connection:
            return check_integrity(connection)
    finally:
        engine.dispose()


def dump(folder):
    """All that is in the file."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        return list(connection.iterdump())


def damage(folder, statement):
    """Change a row behind everyone's back."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        assert connection.execute(statement).rowcount >= 1
        connection.commit()


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_sound_study_has_nothing_wrong_at_any_moment(tmp_path, keep):
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database, keep)
        assert check(tmp_path) == []
        start(database, "final", planned=3)
        trials = add_some(database, new_trials(0, 3, keep=keep), "final")
        for last in (1, 3, 4):
            trials = advance(database, trials, last, test=True)
            assert check(tmp_path) == []
        finish(database, "final")
        assert check(tmp_path) == []


def test_a_study_that_was_run_has_nothing_wrong_stopped_or_ended(tmp_path):
    path = workspace(tmp_path)
    launch(path, options(tmp_path, watcher=StopAfter(3)))
    assert check(tmp_path) == []
    launch(path, options(tmp_path), or_resume=True)
    assert check(tmp_path) == []


class Unshown(StopAfter):
    """Lets nothing be shown in Optuna any more after four trials."""

    ended = 0

    def trial_ended(self, event):
        self.ended += 1
        if self.ended == 4:
            stage_run.NOTE_SECONDS = 1e9


def test_a_stage_that_is_stopped_between_two_showings_of_its_ranking_has_nothing_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(stage_run, "NOTE_SECONDS", -1e9)
    monkeypatch.setattr(context, "largest_cohort", lambda *_: 1)
    text = TINY.partition('[[stage]]\nname = "fine"')[0].replace(
        "trials = 5 }", "trials = 2 }\nreplicates = 2\nconfirm = { best = 2, replicates = 5 }"
    )
    path = workspace(tmp_path, text)
    assert not launch(path, options(tmp_path, watcher=Unshown(15), backend="sequential"))[1]
    assert check(tmp_path) == []
    assert launch(path, options(tmp_path, backend="sequential"), or_resume=True)[1]
    assert check(tmp_path) == []


FAULTS = {
    "UPDATE hpsearch_trials SET value = 0.75 WHERE number = 0": "trial coarse:0: its value is 0.75 of epoch",
    "UPDATE hpsearch_trials SET best_epoch = 3 WHERE number = 1": "trial coarse:1: its value is",
    "UPDATE hpsearch_curves SET value = 1.0 WHERE trial_id = 2": "trial coarse:1: its value in epoch",
    "DELETE FROM hpsearch_curves WHERE trial_id = 1 AND epoch = 2": "trial coarse:0: its curve is not that of 4 epochs",
    "DELETE FROM hpsearch_curves WHERE trial_id = 1 AND epoch = 4": "trial coarse:0: its curve is not that of 4 epochs",
    "UPDATE hpsearch_curves SET epoch = 5 WHERE trial_id = 1 AND epoch = 4": "trial coarse:0: its curve is not that of 4",
    "UPDATE hpsearch_trials SET epochs_done = 3 WHERE number = 1": "trial coarse:1: its curve is not that of 3 epochs",
    "UPDATE hpsearch_trials SET epochs = 9 WHERE number = 1": "trial coarse:1: it is complete after 4 of 9 epochs without",
    "UPDATE hpsearch_trials SET state = 'waiting' WHERE number = 2": "trial coarse:2: it is waiting with 2 of 4 epochs",
    "UPDATE hpsearch_trials SET state = 'running' WHERE number = 2": "it is complete, but 1 of its trials are not",
    "UPDATE hpsearch_trials SET number = 9 WHERE number = 4": "its 5 trials are not numbered 0 to 4",
    "DELETE FROM hpsearch_weights WHERE kind = 'state'": "trial coarse:2: what it would go on from is of epoch None",
    "UPDATE hpsearch_weights SET epoch = 3 WHERE trial_id = 1": "trial coarse:0: its best weights are of epoch 3",
    "DELETE FROM hpsearch_predictions WHERE trial_id = 1": "trial coarse:0: its validation accuracy is",
    "UPDATE hpsearch_predictions SET correct = x'0000' WHERE trial_id = 1": "trial coarse:0: its validation accuracy is",
    "UPDATE hpsearch_predictions SET correct = x'ff80' WHERE trial_id = 2 AND epoch = 1": "coarse:1: its validation accuracy"
    " in epoch 1 is not that of its predictions",
    "UPDATE hpsearch_predictions SET samples = 0 WHERE trial_id = 1 AND epoch = 1": "coarse:0: its validation accuracy"
    " in epoch 1 is not that of its predictions",
    "UPDATE hpsearch_trials SET test_value = 0.5 WHERE number = 0": "trial coarse:0: its test accuracy is 0.5, but its",
    "UPDATE hpsearch_trials SET test_cost = 0.5 WHERE number = 0": "trial coarse:0: it has values on the test set, on",
    "UPDATE trial_values SET value = 0.1": "trial coarse:0: Optuna shows",
    "UPDATE trials SET state = 'RUNNING' WHERE number = 3": "trial coarse:3: Optuna shows",
    "UPDATE trial_params SET param_value = 1 WHERE param_name = 'hidden'": "trial coarse:1: Optuna shows",
    "DELETE FROM hpsearch_studies": "SQLite: row 1 of hpsearch_stages belongs to no row of hpsearch_studies",
}


@pytest.mark.parametrize("statement", FAULTS)
def test_whatever_is_wrong_is_found(whole_study, statement):
    damage(whole_study, statement)
    before = dump(whole_study)
    assert any(FAULTS[statement] in problem for problem in check(whole_study)), check(whole_study)
    assert dump(whole_study) == before


def test_a_trial_that_is_there_twice_is_refused_by_the_tables_and_found(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        add(database)
        start(database)
        add_some(database, new_trials(0, 2))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        damage(tmp_path, "UPDATE hpsearch_trials SET point = 0")
    lines = "\n".join(dump(tmp_path))
    (tmp_path / "study.db").unlink()
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.executescript(lines.replace("UNIQUE (stage_id, point, replicate)", "CHECK (1)"))
    damage(tmp_path, "UPDATE hpsearch_trials SET point = 0")
    assert check(tmp_path) == ["study 's', stage 'coarse': replicate 0 of configuration 0 is there 2 times"]


def test_damage_to_the_file_is_reported_and_nothing_else(whole_study):
    content = bytearray((whole_study / "study.db").read_bytes())
    with closing(sqlite3.connect(whole_study / "study.db")) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_trials_study_id'"
        (page,) = connection.execute(query).fetchone()
    start_of_page = (page - 1) * 4096
    content[start_of_page + 8 : start_of_page + 4096] = bytes(4088)
    (whole_study / "study.db").write_bytes(content)
    found = check(whole_study)
    assert found
    assert all(problem.startswith("SQLite: ") for problem in found)


def test_a_study_deleted_in_the_dashboard_is_no_fault(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database)
        database.optuna.delete_study(1)
        prune(database, [])
        assert len(trials_of(database)) == 5
    assert check(tmp_path) == []
