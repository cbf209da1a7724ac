"""Trials that fail: with a reason and an epoch in the table, while the study goes on as long as anything is left."""

import csv

import pytest
from tiny import LIST, TINY, options, ranking, rows, workspace

from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.search.ranking import StageFailedError
from hpsearch.search.resume import resume
from hpsearch.storage import schema

DIVERGING = (
    TINY.split("[[stage]]")[0]
    + LIST
    + "configurations = [ { eta = 0.1 }, { eta = 1e6 }, { eta = 1e14 }, { eta = 0.05 } ]\n"
)
HOPELESS = TINY.split("[[stage]]")[0] + LIST + "configurations = [ { eta = 1e14 }, { eta = 1e15 } ]\n"


def test_a_loss_that_becomes_infinite_fails_its_trial_alone(tmp_path):
    assert launch(workspace(tmp_path, DIVERGING), options(tmp_path)) == ("tiny", True)
    table = list(csv.DictReader(ranking(tmp_path).splitlines()))
    assert [(row["trial"], row["state"]) for row in table[:2]] == [("coarse:0", "complete"), ("coarse:3", "complete")]
    for row in table[2:]:
        assert row["state"] == "failed"
        assert row["rank"] == ""
        assert row["reason"] in (
            f"the {which} cost became {what} in epoch {epoch}"
            for which in ("training", "validation")
            for what in ("NaN", "infinite")
            for epoch in (1, 2, 3)
        )


def test_trials_are_the_same_beside_one_that_diverges(tmp_path):
    (tmp_path / "sane").mkdir()
    launch(workspace(tmp_path, DIVERGING), options(tmp_path))
    sane = DIVERGING.replace("{ eta = 1e6 }, { eta = 1e14 }", "{ eta = 0.2 }, { eta = 0.3 }")
    launch(workspace(tmp_path / "sane", sane), options(tmp_path / "sane"))
    for number in (0, 3):
        one, other = (rows(folder)[number] for folder in (tmp_path, tmp_path / "sane"))
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_stage_in_which_all_trials_fail_ends_the_study_as_failed(tmp_path, capsys):
    path = workspace(tmp_path, HOPELESS)
    with pytest.raises(StageFailedError, match="stage 'coarse': all 2 trials failed, the first because the "):
        launch(path, options(tmp_path))
    assert rows(tmp_path, schema.studies)[0]["state"] == "failed"
    before = rows(tmp_path)
    with pytest.raises(StageFailedError):
        resume("tiny", options(tmp_path))
    assert rows(tmp_path) == before
    assert main(["resume", "tiny", "--backend", "threading", "--storage", options(tmp_path).storage]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_model_that_fails_in_training_fails_its_trials_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, DIVERGING.replace("{ eta = 1e6 }", "{ hidden = [9] }"))
    (tmp_path / "models" / "mlp.py").write_text(
        "from hpsearch.nn import Dense\n"
        "class Broken(Dense):\n"
        "    def forward(self, *given, **named): raise ValueError('no forward')\n"
        "def build(classes, hidden): return [(Broken if hidden == [9] else Dense)(classes)]\n"
    )
    assert launch(path, options(tmp_path)) == ("tiny", True)
    assert rows(tmp_path)[1]["reason"].endswith("models/mlp.py: Broken.forward raised ValueError: no forward")
    assert rows(tmp_path)[0]["state"] == "complete"
