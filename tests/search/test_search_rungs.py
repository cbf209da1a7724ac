"""The rungs that a launch chooses stay with the study; one that was launched before there was a choice goes on so."""

import sqlite3
from contextlib import closing

import pytest
from study_parts import HEAD, coarse, end
from tiny import options, rows, url, workspace

from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.rungs import pruning_histories
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.verify.checks import verify
from hpsearch.storage import reading, schema
from hpsearch.storage.database import open_to_read, opened_to_read

KINDS = ["halving", "hyperband"]


def made(kind, trials, given=""):
    head = HEAD.replace("epochs = 3", "epochs = 10")
    pruner = f'pruner = {{ kind = "{kind}", audit = 0.2{given} }}'
    return head + coarse(f'kind = "random", trials = {trials}, batch = 6', pruner)


def pruned_at(folder):
    return {row["pruned_at"] for row in rows(folder)} - {None}


def problems(folder):
    with opened_to_read(url(folder)) as connection:
        checks = list(verify(connection, reading.get_study(connection, "tiny")))
    return [problem for check in checks for problem in check.problems]


@pytest.mark.parametrize(("kind", "rungs"), [("halving", [1, 3, 7]), ("hyperband", [1, 3, 9])])
def test_the_launch_stores_the_rungs_that_it_chose_and_all_go_by_them(tmp_path, kind, rungs):
    launch(workspace(tmp_path, made(kind, 12)), options(tmp_path))
    assert rows(tmp_path, schema.stages)[0]["data"]["rungs"] == rungs
    assert {1} < pruned_at(tmp_path) <= set(rungs)
    assert problems(tmp_path) == []
    engine = open_to_read(url(tmp_path))
    assert set(pruning_histories(load(engine, "tiny"))["coarse"].rungs) <= set(rungs)
    engine.dispose()


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_study_that_an_earlier_version_launched_keeps_its_digest_verifies_and_grows_as_it_would_have(tmp_path, kind):
    """An earlier version had rungs from epoch 1 on; it stored neither them nor `min_epochs`."""
    for name in ("then", "now"):
        folder = tmp_path / name
        folder.mkdir()
        path = workspace(folder, made(kind, 12, ", min_epochs = 1"))
        launch(path, options(folder))
        path.write_text(made(kind, 18, ", min_epochs = 1"))
        if name == "now":
            with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
                connection.execute("UPDATE hpsearch_studies SET text = ?", [made(kind, 12)])
            assert "rungs" not in rows(folder, schema.stages)[0]["data"]
            assert end(folder) == end(tmp_path / "then")
            assert problems(folder) == []
            path.write_text(made(kind, 18))
    assert 3 in pruned_at(tmp_path / "now")
    for name in ("then", "now"):
        resume("tiny", options(tmp_path / name))
    assert end(tmp_path / "now") == end(tmp_path / "then")
    assert problems(tmp_path / "now") == []
