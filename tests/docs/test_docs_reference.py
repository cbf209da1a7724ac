"""The generated parts of the documentation are up to date; the JSON Schema agrees with the study file's rules."""

import copy
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import parse
from hpsearch.spec.schema import json_schema

tomli_w = pytest.importorskip("tomli_w")
jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
STUDY_FILE = (ROOT / "docs/study-file.md").read_text("utf-8")
FILES = [path.read_text("utf-8") for path in sorted(ROOT.glob("studies/*.toml"))]
COMPLETE = tomllib.loads(re.findall(r"^```toml\n(.*?)^```", STUDY_FILE, re.M | re.S)[0])
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

DESCRIBED_ELSEWHERE = {"AugmentationOverrides", "TrainingOverrides", "Configuration", "Space", "Entry", "Folds", "Sgd"}
"""Tables whose keys are another one's, or a single one that its parent's row shows."""

ODD = (-1, 0, 0.5, 3, 10**12, True, "", "x", [], [1, 2], ["x"], {}, {"kind": "x"}, {"low": 1, "high": 2})
"""Values that are invalid in most places."""


def leaves(value, where=()):
    """The path of every value in a study file, and of each table and list that contains it."""
    yield where
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*where, key))


def changed(given, where, value):
    """The study file with another value at a path; without the key where the value is None."""
    new = copy.deepcopy(given)
    table = new
    for key in where[:-1]:
        table = table[key]
    if value is None:
        del table[where[-1]]
    else:
        table[where[-1]] = value
    return new


def test_the_reference_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_every_key_has_a_description_in_the_schema_and_every_table_is_in_the_reference():
    tables = {"Study": SCHEMA, **SCHEMA["definitions"]}
    described = set(re.findall(r"\w+", " ".join(re.findall(r"<!-- keys: (.*) -->", STUDY_FILE))))
    assert tables.keys() - described == DESCRIBED_ELSEWHERE
    without = [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, value in table.get("properties", {}).items()
        if key != "kind" and name not in ("Space",) and not ("description" in value or "anyOf" in value)
    ]
    assert without == []


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_the_schema_accepts_our_studies(text):
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize(
    "files",
    [[COMPLETE], pytest.param([*map(tomllib.loads, FILES)], marks=pytest.mark.slow)],
    ids=["complete", "studies"],
)
def test_the_schema_refuses_nothing_that_a_launch_accepts(files):
    accepted = 0
    for given in files:
        for where in leaves(given):
            for value in ODD[len(where) % 2 :: 2] if where else ():
                study = changed(given, where, value)
                try:
                    parse(tomli_w.dumps(study), "here")
                except StudyFileError:
                    continue
                accepted += 1
                assert list(VALIDATOR.iter_errors(study)) == [], (where, value)
    assert accepted > 20


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("seed",), -1),
        (("data", "train"), "all"),
        (("data", "trian"), 3),
        (("data", "dataset"), {"kind": "npy", "path": "x"}),
        (("training", "lamda"), 0.1),
        (("training", "schedule", "half_cycle_epoch"), 2),
        (("stage", 0, "sampler", "trials"), 0),
        (("stage", 0, "training"), {"schedule": {"eta": 2}}),
        (("stage", 0, "space", "lambda"), {"low": 1e-5, "hihg": 1}),
        (("stage", 0, "confirm"), 1),
        (("stage",), []),
        (("model", "file"), None),
    ],
    ids=str,
)
def test_the_schema_refuses_what_an_editor_should_underline(where, value):
    study = changed(COMPLETE, where, value)
    with pytest.raises(StudyFileError):
        parse(tomli_w.dumps(study), "here")
    assert list(VALIDATOR.iter_errors(study))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("sede",), 0),
        (("training", "keep"), "worst"),
        (("training", "schedule", "eta_mni"), 1),
        (("stage", 0, "sampler", "trials"), 0),
        (("stage", 0, "sampler", "kind"), "ramdom"),
        (("stage", 0, "space", "lambda", "logg"), True),
        (("stage", 0, "training"), {"keep": "worst"}),
    ],
    ids=str,
)
def test_an_editor_is_pointed_at_the_one_key_that_is_wrong(where, value):
    places = {tuple(error.absolute_path) for error in VALIDATOR.iter_errors(changed(COMPLETE, where, value))}
    assert places == {where if not isinstance(value, dict) else (*where, "keep")}


def test_the_command_prints_the_schema(capsys):
    from hpsearch.cli import main

    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
