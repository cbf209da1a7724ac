"""`hpsearch.launch` and `resume`: events, callbacks that stop a study, growth, threads, results."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from test_api_study import COARSE, FINE, tiny
from tiny import LONG, ROOT, digest_of, url, workspace

import hpsearch
from hpsearch import Stage
from hpsearch.errors import CallbackError, InputError, ModelError, StudyChangedError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A workspace with our models, which is the working directory."""
    workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return {"storage": url(tmp_path), "backend": "threading", "workers": 1}


def python(program):
    """Run a program where `hpsearch` can be imported."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_there_is_an_event_for_every_stage_and_trial(here):
    trials, stages = [], []
    results = hpsearch.launch(tiny(), on_trial=trials.append, on_stage=stages.append, **here)
    ended = [(event.stage, event.number, event.accuracy) for event in trials]
    assert [event.trial for event in trials] == [f"{stage}:{number}" for stage, number, _ in ended]
    rows = results.frames.rows
    assert sorted(ended) == sorted((row["stage"], row["number"], row["value"]) for row in rows)
    assert [(event.stage, event.state) for event in stages] == [
        (stage, state) for stage in ("coarse", "fine", "final") for state in ("running", "complete")
    ]
    assert {event.study for event in (*trials, *stages)} == {"tiny"}
    assert stages[1].trials_done == 5
    assert stages[1].best == max(accuracy for stage, _, accuracy in ended if stage == "coarse")


def test_a_pruned_trial_has_one_event(here):
    pruner = {"kind": "halving", "keep": 0.4, "rungs": [1], "audit": 0.0}
    events = []
    coarse = Stage("coarse", sampler=COARSE.sampler, space=COARSE.space, pruner=pruner)
    hpsearch.launch(tiny(stages=[coarse], final=None), on_trial=events.append, **here)
    assert sorted(event.number for event in events) == [0, 1, 2, 3, 4]
    assert [event.state for event in events].count("pruned") == 3


def test_an_exception_in_a_callback_stops_the_study_which_resumes_to_the_same_result(here, tmp_path):
    def stop(event):
        if event.stage == "fine":
            raise ValueError("more\nthan enough")

    with pytest.raises(CallbackError, match="on_trial raised ValueError: more than enough; the study is") as caught:
        hpsearch.launch(tiny(), on_trial=stop, **here)
    assert isinstance(caught.value.__cause__, ValueError)
    assert hpsearch.load("tiny", url(tmp_path)).frames.study["state"] == "interrupted"
    hpsearch.resume("tiny", **here)
    hpsearch.launch(tiny("whole"), **here)
    assert digest_of(tmp_path) == digest_of(tmp_path, "whole")


def test_a_study_grows_from_python(here):
    hpsearch.launch(tiny(stages=[COARSE]), **here)
    more = tiny(stages=[COARSE, FINE])
    with pytest.raises(InputError, match="study 'tiny' exists already; go on with `hpsearch resume"):
        hpsearch.launch(more, **here)
    assert hpsearch.launch(more, or_resume=True, **here).stages["name"].tolist() == ["coarse", "fine", "final"]
    with pytest.raises(StudyChangedError, match=r"seed: not given → 3"):
        hpsearch.launch(tiny(seed=3), or_resume=True, **here)


def test_the_best_configuration_has_an_interval(here):
    results = hpsearch.launch(tiny(), **here)
    best = results.best
    row = next(row for row in results.frames.rows if f"{row['stage']}:{row['number']}" == best.trial)
    assert (row["stage"], row["rank"], row["value"], row["params"]) == ("fine", 1, best.accuracy, best.params)
    assert best.low < best.accuracy < best.high
    assert best.test == pytest.approx(results.trials.query("stage == 'final'").test_accuracy.mean())
    assert repr(results) == "<hpsearch study 'tiny': 10 trials, complete>"
    assert re.fullmatch(r"Best\(trial='fine:\d', accuracy=0\.\d+, low=.*, test=0\.\d+, params=\{.*\}\)", repr(best))


def test_studies_run_in_threads_side_by_side(here, tmp_path):
    failed = []

    def run(name):
        try:
            hpsearch.launch(tiny(name), **here | {"storage": url(tmp_path / name)})
        except BaseException as error:
            failed.append(error)

    for name in "ab":
        (tmp_path / name).mkdir()
    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert digest_of(tmp_path / "a", "a") == digest_of(tmp_path / "b", "b")


@pytest.mark.slow
def test_an_interrupted_script_says_how_to_resume(here, tmp_path):
    workspace(tmp_path, LONG, "long.toml")
    script = (
        "import hpsearch, signal\n"
        "def stop(event): signal.raise_signal(signal.SIGINT)\n"
        "if __name__ == '__main__':\n"
        f"    hpsearch.launch('studies/long.toml', storage={url(tmp_path)!r}, workers=1, on_stage=stop)\n"
    )
    done = python(script)
    assert done.stderr.strip().endswith(
        "KeyboardInterrupt: study 'long' is stopped; go on with hpsearch.resume('long')"
    )


def test_bad_input_is_refused_before_anything_runs(here):
    for given, kind in (
        ({"study": tiny(model={"file": "models/none.py"})}, ModelError),
        ({"study": "nowhere.toml"}, InputError),
        ({"study": tiny(), "backend": "lokey"}, InputError),
        ({"study": tiny(), "notify": " "}, InputError),
        ({"study": tiny(), "workers": 0}, InputError),
        ({"study": tiny(), "workers": 1.5}, InputError),
        ({"study": tiny(), "storage": "sqlite:///nowhere/x.db"}, InputError),
    ):
        with pytest.raises(kind):
            hpsearch.launch(**here | given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"study": {"name": "tiny"}}, "study must be a Study, or the path of a study file, got {'name': 'tiny'}"),
        ({"storage": Path("x.db")}, "storage must be a database's URL, as 'sqlite:///studies/hpsearch.db', got "),
        ({"data_dir": 3}, "data_dir must be a folder's path, got 3"),
        ({"backend": None}, "backend must be loky, dask, ray, threading or sequential, got None"),
        ({"backend": "dask", "scheduler": 3}, "scheduler must be an address, as 'tcp://host:8786', got 3"),
        ({"notify": 3}, "notify must be a command, or a URL that begins with https:// or http://, got 3"),
        ({"on_trial": "print"}, "on_trial must be a function of one argument, got 'print'"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(here, given, message):
    with pytest.raises(InputError) as refused:
        hpsearch.launch(**{"study": tiny()} | here | given)
    assert str(refused.value).startswith(message)


def test_a_name_that_is_not_text_is_refused():
    for function in (hpsearch.load, hpsearch.resume):
        with pytest.raises(InputError, match="name must be a study's name, got 3"):
            function(3)


def test_the_default_database_is_that_of_the_environment(here, tmp_path, monkeypatch):
    monkeypatch.setenv("HPSEARCH_STORAGE", here.pop("storage"))
    hpsearch.launch(tiny(), **here)
    assert hpsearch.load("tiny").name == hpsearch.load("tiny", url(tmp_path)).name


def test_public_names_exist_and_import_late():
    program = "import hpsearch, sys; sys.exit(str(sorted({'numpy', 'pydantic', 'pandas'} & set(sys.modules))))"
    done = python(program)
    assert done.stderr == "[]\n"
    names = "Around Best Range Results Stage StageEvent Study TrialEvent __version__ launch load optimise resume"
    assert hpsearch.__all__ == names.split()
    assert all(getattr(hpsearch, name) for name in hpsearch.__all__)
    with pytest.raises(AttributeError, match="module 'hpsearch' has no attribute 'lanuch'"):
        hpsearch.lanuch  # noqa: B018
