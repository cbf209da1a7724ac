"""`hpsearch check` of a study, by its file or its name: functions pass, and each violation is found and named."""

# ruff: noqa: E501  (a row of a table stays on one line)

import json
import types
from contextlib import closing
from pathlib import Path

import pytest
from tiny import TINY, url, workspace

import hpsearch
from hpsearch import Range
from hpsearch.cli import main
from hpsearch.workers import conformance
from hpsearch.workers.pools.loky import LokyPool

STUDY = """
name = "steps"

[model]
function = "models/steps.py"

[training]
epochs = 9

[objective]
direction = "minimize"

[[stage]]
name = "search"
sampler = { kind = "random", trials = 3 }
space.x = { low = 2.0, high = 5.0 }
"""

STEPS = """
import random

CALLS = []

def objective(params, seed):
    rng = random.Random(seed)
    for step in range(9):
        yield params["x"] / (step + 1) + rng.random()
"""

TRIAL = """
def objective(trial):
    x = trial.suggest_float("x", 0, 9)
    trial.set_user_attr("width", 3.0)
    for step in range(9):
        trial.report(x / (step + 1), step)
    return x
"""


@pytest.fixture(scope="module")
def one_process():
    with closing(LokyPool(1)) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _a_process_is_shared(one_process, monkeypatch):
    shared = types.SimpleNamespace(submit=one_process.submit, close=lambda: None)
    monkeypatch.setattr(conformance, "LokyPool", lambda workers: shared)


def check(folder: Path, text: str, capsys) -> tuple[dict[str, str], dict[str, str]]:
    """What passes and what fails, with what was found."""
    path = workspace(folder, STUDY)
    (folder / "models" / "steps.py").write_text(text)
    status = main(["check", str(path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (status == 0)
    passed, failed = ({each["name"]: each["found"] for each in told["findings"] if each["ok"] == ok} for ok in (True, False))  # fmt: skip
    return passed, failed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (STEPS, {"returns numbers": "value 2.11137 → 1.33467 in 4 of 9 steps", "seeds differ": "another seed gives other values"}),
        (TRIAL, {"returns numbers": "value 2 → 0.5 in 4 of 9 steps", "seeds differ": "no: it is deterministic"}),
        (STEPS.replace("range(9)", "range(1)"), {"returns numbers": "value 2.11137 → 2.11137; the function ended after 1 steps"}),
        (STEPS.replace("range(9)", "range(3)"), {"returns numbers": "; the function ended after 3 steps"}),
    ],
)  # fmt: skip
def test_functions_pass_with_sentences_that_fit(tmp_path, capsys, text, said):
    passed, failed = check(tmp_path, text, capsys)
    assert failed == {}
    for name, words in said.items():
        assert words in passed[name]
    assert not any(word in str(passed) for word in ("epoch", "accuracy", "loss", "layers", "samples"))


REPRODUCIBLE = {"reproducible", "reproducible in another process", "same after a rung"}


@pytest.mark.parametrize(
    ("change", "checks", "words"),
    [
        (("rng = random.Random(seed)", "rng = random"), REPRODUCIBLE, "called again, the value of step 1 is "),
        (("for step", "CALLS.append(1)\n    for step"), set(), ""),
        (("+ rng.random()", "+ len(CALLS)"), set(), ""),
        (("for step", "CALLS.append(1)\n    rng = random.Random(len(CALLS))\n    for step"), REPRODUCIBLE - {"reproducible in another process"}, "called again, the value"),
        (("+ rng.random()", "+ __import__('os').getpid()"), {"reproducible in another process"}, "called in another process, the value of step 1 is "),
        (("yield params", "yield 'good' or params"), {"returns numbers"}, "in step 1: the function must return a number or a mapping with 'value', returned 'good'"),
        (("range(9)", "range(1 / 0)"), {"returns numbers"}, "in step 1: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_each_violation_is_found(tmp_path, capsys, change, checks, words):
    text = STEPS.replace(*change)
    assert text != STEPS
    _, failed = check(tmp_path, text, capsys)
    assert set(failed) == checks
    assert words in next(iter(failed.values()), "")


def of_params(params):
    return params["x"] ** 2


def test_a_stored_study_is_checked_by_its_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path))
    hpsearch.optimise(of_params, {"x": Range(-2.0, 2.0)}, trials=2, progress=False)
    assert main(["check", "of_params"]) == 0
    out = capsys.readouterr().out
    assert "returns numbers: value 4\n" in out
    assert out.endswith("of_params: all checks pass\n")
    hpsearch.optimise(lambda params: params["x"], {"x": Range(0.0, 1.0)}, trials=1, name="here", progress=False)
    assert main(["check", "here"]) == 0
    for arguments, words in (
        (["of_params", "--set", "x=1"], "--set must not be given with a study"),
        (["of_param"], "of_param: the model file does not exist"),
        (["studies/none.toml"], "no such study file"),
    ):
        assert main(["check", *arguments]) == 2
        complaint = capsys.readouterr().err
        assert words in complaint
        assert complaint.count("\n") == 1


def test_the_model_of_a_study_is_checked_with_its_data_and_a_configuration_of_its_first_stage(tmp_path, capsys):
    path = workspace(tmp_path, TINY.replace("epochs = 3", "epochs = 300"))
    assert main(["check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "of 200 samples" in out
    assert "after 4 epochs" in out
