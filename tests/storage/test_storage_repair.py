"""Optuna's tables are a mirror: what other programs do there changes no result, is named, and can be written anew."""

import sqlite3
from contextlib import closing

import optuna
import pytest
from small_study import STUDY, add_trials, advance, finish, mirror, new_trials, start, trials_of, whole
from tiny import url

from hpsearch.cli import main
from hpsearch.errors import StudyBusyError
from hpsearch.search.repair import repair_mirror
from hpsearch.storage import reading, schema
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.mirror.attributes import note_attributes
from hpsearch.storage.records import Progress

COARSE = "s / 1 coarse"


@pytest.fixture
def database(database):
    """A study whose first stage is complete, in a database of each kind."""
    whole(database)
    return database


def problems(database):
    with database.transaction() as connection:
        return check_integrity(connection)


def shown(database, name=COARSE):
    """What Optuna reads of a stage's trials, but for ids and times, and what only a search shows of its ranking."""
    return [
        (t.number, t.state, t.values, t.params, t.distributions, _reasons(t), t.intermediate_values)
        for t in mirror(database, name)
    ]


def _reasons(trial):
    return {key: value for key, value in trial.user_attrs.items() if key in ("reason", "replicate")}


def ours(database):
    """Our rows of the trials but for Optuna's ids."""
    with database.transaction() as connection:
        rows = connection.execute(schema.trials.select().order_by(schema.trials.c.id)).mappings().all()
    return [{key: value for key, value in row.items() if key != "optuna_trial_id"} for row in rows]


def add_another(database, name=COARSE):
    """Add a trial as another program does."""
    study = optuna.load_study(study_name=name, storage=database.optuna)
    study.add_trial(optuna.trial.create_trial(value=0.5))


def test_written_anew_optunas_tables_show_what_they_showed(database, storage):
    before, results = shown(database), ours(database)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE trial_values SET value = 0.125")
        connection.exec_driver_sql("DELETE FROM trial_params WHERE param_name = 'eta'")
    add_another(database)
    assert shown(database) != before
    assert any("Optuna shows a trial 5 that another program added; " in problem for problem in problems(database))
    assert repair_mirror("s", storage) == [COARSE, "s / 2 final"]
    assert shown(database) == before
    assert ours(database) == results
    assert problems(database) == []


def test_what_an_objective_noted_of_its_trials_is_kept(database, storage):
    noted = Progress(trials_of(database, "coarse")[0], 2, (), finished=True, attributes={"note": "deep", "width": 3.5})
    with database.transaction() as connection:
        note_attributes(connection, [noted])
    add_another(database)
    repair_mirror("s", storage)
    assert [trial.user_attrs.get("note") for trial in mirror(database, COARSE)][:2] == ["deep", None]
    assert mirror(database, COARSE)[0].user_attrs["width"] == 3.5


def test_a_stage_deleted_in_the_dashboard_is_there_again(database, storage):
    before = shown(database)
    database.optuna.delete_study(database.optuna.get_study_id_from_name(COARSE))
    start(database, "final", planned=3)
    advance(database, add_trials(database, new_trials(0, 3), "final"), 4, test=True)
    repair_mirror("s", storage)
    assert shown(database) == before
    assert [number for number, *_ in shown(database, "s / 2 final")] == [0, 1, 2]
    assert problems(database) == []
    finish(database, "final")
    assert problems(database) == []


def test_no_number_is_given_twice_when_another_program_adds_trials(database):
    start(database, "final", planned=9)
    add_trials(database, new_trials(0, 2), "final")
    add_another(database, "s / 2 final")
    add_another(database, "s / 2 final")
    trials = add_trials(database, new_trials(2, 5), "final")
    add_another(database, "s / 2 final")
    advance(database, trials, 4, test=True)
    numbers = [trial.number for trial in mirror(database, "s / 2 final")]
    assert sorted(numbers) == list(range(8))
    assert [each.state for each in trials_of(database, "final")[2:]] == ["complete"] * 3
    named = [problem for problem in problems(database) if "another program" in problem]
    assert ["trial 5" in named[0], "trial 6" in named[1], "trial 7" in named[2]] == [True] * 3


def test_another_programs_study_that_got_the_id_of_a_deleted_one_is_left_alone(tmp_path):
    """SQLite gives the highest id, once it is free, to the next row."""
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database)
        start(database, "final", planned=4)
        trials = add_trials(database, new_trials(0, 2), "final")
        database.optuna.delete_study(database.optuna.get_study_id_from_name("s / 2 final"))
        theirs = optuna.create_study(storage=database.optuna, study_name="theirs")
        first = [theirs.ask().number, theirs.ask().number]
        with database.transaction() as connection:
            stages = reading.stages(connection, 1)
        assert stages[1].optuna_study_id == theirs._study_id
        advance(database, trials, 4, test=True)
        add_trials(database, new_trials(2, 4), "final")
        assert [(t.number, t.state.name) for t in theirs.trials] == [(number, "RUNNING") for number in first]
        assert problems(database) == []
        assert repair_mirror("s", url(tmp_path)) == [COARSE, "s / 2 final"]
        assert [trial.number for trial in theirs.trials] == first
        assert [number for number, *_ in shown(database, "s / 2 final")] == [0, 1, 2, 3]


def test_an_orphaned_row_is_named_and_goes_with_the_repair(tmp_path, capsys):
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (99, 0, 1, 'FINITE')"
        )
        connection.commit()
    with closing(Database(url(tmp_path), create=False)) as database:
        (problem,) = problems(database)
    assert problem.startswith("SQLite: row ")
    assert problem.endswith(" of trial_values belongs to no row of trials")
    assert main(["repair-mirror", STUDY.name, "--storage", url(tmp_path)]) == 0
    assert capsys.readouterr().out == "study 's': 2 Optuna studies written anew\n"
    with closing(Database(url(tmp_path), create=False)) as database:
        assert problems(database) == []


def test_a_study_that_runs_is_left_alone(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as database:
        whole(database)
        with closing(Coordinator(database, 1, "s")), pytest.raises(StudyBusyError, match="study 's' is being run"):
            repair_mirror("s", url(tmp_path))
