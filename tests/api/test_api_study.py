"""Studies that are written in Python: the same as the equivalent study file, by the same rules."""

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, digest_of, options, url, workspace

import hpsearch
from hpsearch import Around, Range, Stage, Study, spec
from hpsearch.cli import main
from hpsearch.errors import StudyFileError
from hpsearch.search.launch import launch

COARSE = Stage(
    "coarse",
    sampler={"kind": "random", "trials": 5},
    space={"lambda": Range(1e-5, 1e-1, log=True), "eta": Range(1e-2, 0.5, log=True), "batch_size": [20, 50]},
)
FINE = Stage("fine", sampler="grid", space={"eta": Around("coarse", best=3, points=3)})


def tiny(name="tiny", **given):
    """TINY, in Python."""
    tables = {
        "data": {"dataset": "digits", "train": 200, "validation": 100},
        "model": {"file": "models/mlp.py", "hidden": [8]},
        "training": {"epochs": 3, "eta": 0.1, "batch_size": 50},
        "stages": [COARSE, FINE],
        "final": {"replicates": 2},
    }
    return Study(name, **tables | given)


def test_a_study_in_python_equals_its_file():
    written = tomllib.loads(tiny().text)
    batches = written["stage"][0]["space"]["batch_size"]
    written["stage"][0]["space"]["batch_size"] = batches["choices"]
    assert written | {"seed": 0} == tomllib.loads(TINY)
    assert list(written["stage"][0]["space"]) == ["lambda", "eta", "batch_size"]


@pytest.mark.usefixtures("shared_processes")
def test_a_study_in_python_has_the_results_of_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path))
    hpsearch.launch(tiny("other"), storage=url(tmp_path), backend="threading", workers=2)
    assert digest_of(tmp_path) == digest_of(tmp_path, "other")
    assert main(["verify", "other", "--storage", url(tmp_path)]) == 0


def test_numpy_numbers_paths_and_tuples_are_allowed():
    stage = Stage("a", configurations=[{"eta": np.float64(0.5), "hidden": (np.int64(3),)}, {"eta": 0.25, "hidden": []}])
    study = tiny(stages=(stage,), model={"file": Path("models") / "mlp.py"}, seed=np.int64(3))
    assert spec.parse(study.text, "").stages[0].configurations[0] == {"eta": 0.5, "hidden": [3]}
    assert spec.parse(study.text, "").seed == 3


def test_every_key_of_a_study_file_can_be_given():
    names = {"stages": "stage", "references": "reference", "from_": "from"}
    for ours, theirs in ((Study, spec.Study), (Stage, spec.Stage), (Range, spec.Range), (Around, spec.Around)):
        fields = {names.get(f.name, f.name) for f in dataclasses.fields(ours) if f.init}
        assert fields == set(theirs.key_names())


def test_a_study_can_be_changed_into_another():
    study = dataclasses.replace(tiny(), name="again", seed=7)
    assert spec.parse(study.text, "").seed == 7


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": -1}, "<python>: seed must be at least 0, got -1"),
        ({"stages": []}, "<python>: stage must "),
        (
            {"stages": [Stage("a", sampler="grid", space={"eta": Range(1, 0)})]},
            "<python>: stage[0].space.eta.low must be",
        ),
        (
            {"stages": [Stage("a", sampler="grid", space={"eta": (0.1, 1)})]},
            "<python>: space['eta'] must be a range or a list of choices, got (0.1, 1); write Range(0.1, 1) for all",
        ),
        ({"stages": [{"name": "a", "sampel": 3}]}, "<python>: stage[0].sampel is not a key; did you mean 'sample"),
        ({"model": {"file": "models/mlp.py", "hidden": {1, 2}}}, "<python>: cannot be written as a study file: "),
        ({"training": {3: 4}}, "<python>: cannot be written as a study file: keys must be text, got 3"),
        ({"training": {"eta": float("nan")}}, "<python>: training.eta must be finite, got nan"),
        ({"references": np.ones((2, 2))}, "<python>: reference[0] must "),
        ({"description": "\ud800"}, "<python>: cannot be written as a study file: "),
        ({"data": None}, "<python>: data "),
    ],
)
def test_an_invalid_study_is_refused_with_one_line(given, message):
    with pytest.raises(StudyFileError) as caught:
        tiny(**given)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_choices_with_ranges_inside_layers_constraints_and_priors_can_be_written_in_python():
    space = {
        "optimiser": ["sgd", {"kind": "momentum", "momentum": Range(0.5, 0.9, step=0.1)}],
        "hidden": {"layers": [1, 2], "units": Range(4, 8)},
        "lambda": Range(1e-5, 1e-1, log=True, prior=1e-3, confidence="high"),
    }
    stage = Stage("a", sampler={"kind": "random", "trials": 3}, space=space, constraints=["len(hidden) < 3"])
    found = spec.parse(tiny(stages=(stage,)).text, "").stages[0]
    assert list(found.space) == [
        *("optimiser", "optimiser.momentum", "hidden.layers", "hidden.units.1", "hidden.units.2", "lambda")
    ]
    assert found.space["hidden.units.1"] == spec.Range(low=4, high=8, integer=True)
    assert found.constraints == ("len(hidden) < 3",)
