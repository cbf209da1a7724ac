"""What optuna-dashboard shows beside a stage's trials: written with the results, and never over a person's own note."""

import json
import re
from contextlib import closing

import optuna
from optuna_dashboard import get_note, save_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
from tiny import options, url, workspace

from hpsearch.search.launch import launch
from hpsearch.search.stages import run as stage_run
from hpsearch.storage import reading, writing
from hpsearch.storage.database import Database
from hpsearch.storage.mirror import notes
from hpsearch.storage.records import BestRecord, NewStage, NewStudy, NewTrial, Progress

EVIL = "<img src=x onerror=alert(1)> $x$ [a](javascript:alert(1)) | `b`"


def begin(database, name="coarse", reasons=("Around the best 3 of coarse.",), key="eta"):
    """Store a study with one stage of three trials, its note included."""
    with database.transaction() as connection:
        new = NewStudy(name, "", "", "", {}, {"fingerprint": "f"}, {"hash": "h"})
        study = writing.add_study(
            connection, database.optuna, new, [NewStage(name, "random", False, {"validation": 900})]
        )
        stage = reading.stages(connection, study)[0]
        trials = [NewTrial(i, 0, {key: 0.1 * (i + 1)}, {"model": {}, "training": {}}, 2, point=i) for i in range(3)]
        space = {key: {"low": 0.1, "high": 1.0, "log": True}}
        writing.start_stage(connection, stage, space, list(reasons), None, 3)
        writing.add_trials(connection, reading.stages(connection, study)[0], trials)
        notes.refresh(connection, stage.id)
        return stage, reading.trials(connection, stage.id)


def finish(database, stage, trial, value):
    best = BestRecord(2, value, b"w")
    curve = [(epoch, 0.1, *(value,) * 7) for epoch in (1, 2)]
    with database.transaction() as connection:
        writing.commit_progress(connection, [Progress(trial, 2, curve, best=best, finished=True)])
        notes.refresh(connection, stage.id)


def mirror(database, stage):
    return optuna.load_study(
        study_name=database.optuna.get_study_name_from_id(stage.optuna_study_id), storage=database.optuna
    )


def test_a_stage_that_begins_has_a_note_with_what_it_searches_and_why(database):
    stage, _ = begin(database)
    text = get_note(mirror(database, stage))
    assert text.startswith("## coarse\n")
    assert "0 of 3 trials complete" in text
    assert "- eta: 0.1 to 1, on a log scale" in text
    assert "- Around the best 3 of coarse." in text
    assert "#stage-1)" in text


def test_finished_trials_come_into_the_note_and_the_plots(database):
    stage, trials = begin(database)
    finish(database, stage, trials[1], 0.5)
    study = mirror(database, stage)
    assert "| coarse:1 | eta = 0.2 | 50.00% ± 3.3 |" in get_note(study)
    plots = get_plotly_graph_objects(database.optuna.get_study_system_attrs(stage.optuna_study_id))
    assert plots.keys() == {"accuracy-by-key-1", "curves-of-the-best"}
    drawn = json.loads(plots["accuracy-by-key-1"])
    assert (drawn["data"][0]["x"], drawn["data"][0]["y"]) == ([0.2], [0.5])
    assert drawn["layout"]["xaxis"]["type"] == "log"
    assert json.loads(plots["curves-of-the-best"])["data"][0]["y"] == [0.5, 0.5]


def test_a_trial_that_still_runs_counts_by_its_best_epoch_so_far(database):
    stage, trials = begin(database)
    best = BestRecord(1, 0.25, b"w")
    with database.transaction() as connection:
        result = Progress(trials[2], 1, [(1, 0.1, *(0.25,) * 7)], b"state", best=best)
        writing.commit_progress(connection, [result])
        notes.refresh(connection, stage.id)
    text = get_note(mirror(database, stage))
    assert "### Best so far" in text
    assert "25.00% ± 2.8, still running |" in text


def test_a_note_that_a_person_wrote_is_left_alone(database):
    stage, trials = begin(database)
    save_note(mirror(database, stage), "mine")
    finish(database, stage, trials[0], 0.4)
    assert get_note(mirror(database, stage)) == "mine"


def test_a_shorter_note_leaves_nothing_of_a_longer_one():
    kept = {"p:0": "x" * 2045, "p:1": "x" * 2045, "p:2": "x"}
    assert notes._pieces(kept, "p:", "short") == {"p:0": "short", "p:1": "", "p:2": ""}


def test_foreign_text_does_nothing_in_a_note_or_a_plot(database):
    stage, trials = begin(database, name=EVIL, reasons=[EVIL, "x" * 10_000, "=cmd()", "\\input{x}"], key=EVIL)
    finish(database, stage, trials[0], 0.4)
    text = get_note(mirror(database, stage))
    text, links = re.subn(r"\[This stage in the study's report\]\(/hpsearch/report/[\w.~%-]+#stage-1\)", "", text)
    assert links == 1
    assert not set("<>$[]\\") & set(text)
    assert len(text) < 3_000
    plots = get_plotly_graph_objects(database.optuna.get_study_system_attrs(stage.optuna_study_id))
    assert not any("<" in plot for plot in plots.values())


def test_a_study_that_was_deleted_in_the_dashboard_is_passed_over(database):
    stage, _ = begin(database)
    database.optuna.delete_study(stage.optuna_study_id)
    with database.transaction() as connection:
        notes.refresh(connection, stage.id)


def test_a_launched_study_has_a_note_for_every_stage_while_it_runs_and_after(tmp_path, monkeypatch):
    monkeypatch.setattr(stage_run, "NOTE_SECONDS", 0.0)
    launch(workspace(tmp_path), options(tmp_path))
    with closing(Database(url(tmp_path), create=False)) as database:
        studies = database.optuna.get_all_studies()
        texts = [get_note(optuna.load_study(study_name=each.study_name, storage=database.optuna)) for each in studies]
    assert ["### Why these ranges" in text for text in texts] == [False, True, True]
    assert all("### Best\n" in text for text in texts)
