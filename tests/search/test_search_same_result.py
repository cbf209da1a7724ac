"""Rule 1: the ranking depends on the study alone, not on workers, backend, interruptions or the company of others."""

import time
from dataclasses import replace

import pytest
from tiny import TINY, StopAfter, options, ranking, rows, workspace

from hpsearch import data
from hpsearch.errors import DataError, HpsearchError, InputError, ModelError, StudyBusyError, StudyChangedError
from hpsearch.search import launch as launching
from hpsearch.search import resume as resuming
from hpsearch.search.delete import delete
from hpsearch.search.launch import launch
from hpsearch.search.options import how_to_resume
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.storage import schema, writing


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The ranking.csv of an undisturbed run."""
    folder = tmp_path_factory.mktemp("calm")
    assert launch(workspace(folder), options(folder)) == ("tiny", True)
    return ranking(folder)


@pytest.mark.parametrize(
    ("workers", "backend"),
    [
        (2, "loky"),
        *(pytest.param(*way, marks=pytest.mark.slow) for way in [(2, "threading"), (3, "threading"), (1, "loky")]),
    ],
)
def test_workers_and_backend_do_not_change_the_ranking(tmp_path, calm, workers, backend):
    launch(workspace(tmp_path), options(tmp_path, workers, backend))
    assert ranking(tmp_path) == calm


def test_cohorts_and_segments_do_not_change_the_ranking(tmp_path, calm, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    monkeypatch.setattr("hpsearch.search.stages.context.largest_cohort", lambda *_: 1)
    launch(workspace(tmp_path), options(tmp_path))
    assert ranking(tmp_path) == calm


def test_segments_that_finish_during_a_commit_are_committed_together_and_change_no_ranking(tmp_path, calm, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    monkeypatch.setattr("hpsearch.search.stages.context.largest_cohort", lambda *_: 1)
    commit, trials = writing.commit_progress, []

    def slow_commit(connection, records):
        trials.append(len(records))  # of a trial each
        time.sleep(0.05)
        commit(connection, records)

    monkeypatch.setattr(writing, "commit_progress", slow_commit)
    launch(workspace(tmp_path), options(tmp_path, 3))
    assert 1 < max(trials) <= 3
    assert ranking(tmp_path) == calm


@pytest.mark.long
def test_a_study_stopped_again_and_again_ends_with_the_same_ranking(tmp_path, calm, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    path = workspace(tmp_path)
    assert launch(path, options(tmp_path, watcher=StopAfter(2))) == ("tiny", False)
    assert rows(tmp_path, schema.studies)[0]["state"] == "interrupted"
    stops = 0
    while not resume("tiny", options(tmp_path, watcher=StopAfter(3))):
        stops += 1
    assert stops >= 3
    assert ranking(tmp_path) == calm


def test_a_finished_trial_is_never_run_again(tmp_path):
    path = workspace(tmp_path)
    launch(path, options(tmp_path, watcher=StopAfter(15)))
    before = {row["id"]: row for row in rows(tmp_path) if row["state"] == "complete"}
    assert before
    assert resume("tiny", options(tmp_path))
    after = {row["id"]: row for row in rows(tmp_path)}
    assert all(after[number] == row for number, row in before.items())
    done = rows(tmp_path)
    assert resume("tiny", options(tmp_path))
    assert rows(tmp_path) == done


def test_a_study_that_exists_is_refused_with_the_way_to_go_on(tmp_path):
    path = workspace(tmp_path, TINY.replace('"tiny"', '"it\'s tiny"'))
    launch(path, options(tmp_path, watcher=StopAfter(2)))
    command = how_to_resume("it's tiny", options(tmp_path))
    assert command == f"hpsearch resume --storage sqlite:///{tmp_path}/study.db 'it'\"'\"'s tiny'"
    with pytest.raises(InputError) as refused:
        launch(path, options(tmp_path))
    assert str(refused.value) == f'study "it\'s tiny" exists already; go on with `{command}`, or give it a new name'
    assert launch(path, options(tmp_path), or_resume=True) == ("it's tiny", True)


def test_a_changed_study_file_is_refused_with_the_difference(tmp_path):
    path = workspace(tmp_path)
    launch(path, options(tmp_path, watcher=StopAfter(2)))
    other = workspace(tmp_path, TINY.replace("batch_size = 50", "batch_size = 40"), "other.toml")
    expected = (
        f"{other}: study 'tiny' was launched with another text (training.batch_size: 50 → 40); undo that, or give"
    )
    for or_resume in (False, True):
        with pytest.raises(StudyChangedError) as refused:
            launch(other, options(tmp_path), or_resume=or_resume)
        assert str(refused.value).startswith(expected)
    other.rename(path)
    with pytest.raises(StudyChangedError, match=r"training\.batch_size: 50 → 40"):
        resume("tiny", options(tmp_path))
    assert {row["state"] for row in rows(tmp_path, schema.studies)} == {"interrupted"}


def test_a_study_goes_on_without_its_file_or_with_another_in_its_place(tmp_path):
    path = workspace(tmp_path)
    launch(path, options(tmp_path, watcher=StopAfter(2)))
    path.write_text(TINY.replace('"tiny"', '"next"').replace("= 50", "= 40"))
    assert not resume("tiny", options(tmp_path, watcher=StopAfter(2)))
    path.unlink()
    assert resume("tiny", options(tmp_path))


def test_a_changed_model_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    with (tmp_path / "models" / "mlp.py").open("a") as file:
        file.write("# another text\n")
    with pytest.raises(ModelError, match=r"mlp.py: the model file has changed since study 'tiny' was launched"):
        resume("tiny", options(tmp_path))


def test_a_model_file_that_changes_during_the_run_fails_no_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    path, model = workspace(tmp_path), tmp_path / "models" / "mlp.py"
    text = model.read_text()

    class Meddler(StopAfter):
        def stage(self, progress):
            if progress.epochs_done:
                model.write_text(text + "# another text\n")

    with pytest.raises(HpsearchError, match="the model file has changed"):
        launch(path, options(tmp_path, watcher=Meddler(0)))
    assert not [row for row in rows(tmp_path) if row["state"] == "failed"]
    model.write_text(text)
    assert resume("tiny", options(tmp_path))


def test_other_samples_than_at_launch_are_refused(tmp_path, monkeypatch):
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    other = replace(data.load("digits"), fingerprint="other")
    monkeypatch.setattr(data, "load", lambda *_: other)
    with pytest.raises(DataError, match="the samples are not those that study 'tiny' was launched with"):
        resume("tiny", options(tmp_path))


def test_a_deleted_study_leaves_nothing_and_can_be_launched_again(tmp_path, calm):
    path = workspace(tmp_path)
    launch(path, options(tmp_path))
    delete("tiny", options(tmp_path).storage)
    for table in schema.metadata.sorted_tables:
        assert rows(tmp_path, table) == [] or table is schema.versions
    launch(path, options(tmp_path))
    assert ranking(tmp_path) == calm


def test_a_study_that_another_process_changed_while_this_one_checked_it_is_left_alone(tmp_path, monkeypatch):
    path = workspace(tmp_path)
    launch(path, options(tmp_path))
    path.write_text(TINY.replace("trials = 5", "trials = 7"))
    checked = resuming.check

    def overtaken(*given):
        monkeypatch.setattr(resuming, "check", checked)
        assert resume("tiny", options(tmp_path))
        return checked(*given)

    monkeypatch.setattr(resuming, "check", overtaken)
    with pytest.raises(StudyBusyError, match="study 'tiny' was changed by another process just now; resume it again"):
        resume("tiny", options(tmp_path))
    assert next(row["batches"] for row in rows(tmp_path, schema.stages)) == [5]
    assert resume("tiny", options(tmp_path))


def test_of_two_launches_of_one_name_at_once_the_later_does_not_run_the_others_study(tmp_path, monkeypatch):
    path = workspace(tmp_path)
    other = workspace(tmp_path, TINY.replace("trials = 5", "trials = 4"), "other.toml")
    checked = launching.check

    def overtaken(*given):
        monkeypatch.setattr(launching, "check", checked)
        launch(other, options(tmp_path))
        return checked(*given)

    monkeypatch.setattr(launching, "check", overtaken)
    with pytest.raises(StudyBusyError, match="study 'tiny' was launched by another process just now"):
        launch(path, options(tmp_path))
    assert [row["launches"] for row in rows(tmp_path, schema.studies)] == [1]
