"""A table with categories and gaps, searched, and its winner: raw rows go in, what the search measured comes out."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from tiny import options, url

import hpsearch
from hpsearch.cli import main
from hpsearch.data import load
from hpsearch.exporting.export import export
from hpsearch.search.launch import launch_text

STUDY = """
name = "towns"
seed = 1
[data]
dataset = {{ kind = "csv", path = "towns.csv", label = "bought", test = 60, drop = ["Id"]{more} }}
train = 200
validation = 60
{model}
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = 2 }}
{space}
[final]
"""
NETWORK = (
    '[model]\nfile = "models/softmax.py"\n[training]\nepochs = 3\nbatch_size = 50',
    "space.eta = { low = 0.1, high = 0.5 }",
)
BOOSTING = (
    '[model]\nestimator = "sklearn.ensemble.HistGradientBoostingClassifier"\nmax_iter = 5',
    "space.learning_rate = { low = 0.1, high = 0.5 }",
)


def frame(rows=320):
    rng = np.random.default_rng(0)
    town = rng.choice(["Oslo", "Rome", "Lima"], rows)
    age = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(40, 9, rows).round(2))
    bought = np.where((town == "Rome") ^ (rng.random(rows) < 0.1), "yes", "no")
    return pd.DataFrame({"Id": range(rows), "town": town, "age": age, "bought": bought})


def launched(folder, monkeypatch, parts, more):
    monkeypatch.chdir(folder)
    frame().to_csv(folder / "towns.csv", index=False)
    (folder / "models").mkdir()
    shutil.copy(Path(__file__).parents[2] / "models" / "softmax.py", folder / "models")
    launch_text(STUDY.format(model=parts[0], space=parts[1], more=more), "<python>", options(folder))
    return hpsearch.load("towns", storage=url(folder))


@pytest.mark.parametrize(("parts", "more"), [(NETWORK, ""), (BOOSTING, ', missing = "keep", categories = "codes"')])
def test_raw_rows_go_in_and_the_measured_test_score_comes_out(tmp_path, monkeypatch, capsys, parts, more):
    results = launched(tmp_path, monkeypatch, parts, more)
    winner = results.classifier()
    assert winner.feature_names_in_.tolist() == ["town", "age"]
    assert winner.n_features_in_ == 2
    raw = frame()
    final = results.trials[results.trials.stage == "final"].iloc[0]
    rows = held_out(raw)
    assert winner.score(rows[["age", "town"]], rows["bought"]) == pytest.approx(final.test_accuracy)
    other = pd.DataFrame({"town": ["Paris", None], "age": [None, 30.5]})
    assert set(winner.predict(other)) <= {"yes", "no"}
    with pytest.raises(ValueError, match="column 'age'"):
        winner.predict(pd.DataFrame({"town": ["Rome"], "age": ["old"]}))
    rows.drop(columns="bought").to_csv(tmp_path / "new.csv", index=False, sep=";", decimal=",")
    assert main(["predict", "towns", "new.csv", "--storage", url(tmp_path), "--out", "found.csv", "--keep", "Id"]) == 0
    with (tmp_path / "found.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["prediction"] for row in found] == winner.predict(rows[["town", "age"]]).tolist()
    assert [int(row["Id"]) for row in found] == rows["Id"].tolist()
    assert "never saw" not in capsys.readouterr().err
    strange = rows.assign(town=["Paris", " Bern ", None, *rows["town"][3:]])
    strange.drop(columns="bought").to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", "towns", "new.csv", "--storage", url(tmp_path), "--out", "found.csv", "--keep", "Id"]) == 0
    assert "hpsearch: categories that training never saw: town in 2 rows\n" in capsys.readouterr().err


def held_out(raw):
    """The rows that were held out for testing, by their numbers."""
    table = {"kind": "csv", "path": "towns.csv", "label": "bought", "test": 60}
    return raw.loc[load(table).test_samples[:, 0].astype(int)].reset_index(drop=True)


def test_boosting_equals_scikit_learns_own_on_the_same_codes(tmp_path, monkeypatch):
    results = launched(tmp_path, monkeypatch, BOOSTING, ', missing = "keep", categories = "codes"')
    winner = results.classifier()
    model = winner.model
    samples, labels = model.data().samples, model.data().labels
    rate = model.configuration.parameters["learning_rate"]
    seed = winner._model.trainable.trainable.estimator.random_state
    theirs = HistGradientBoostingClassifier(learning_rate=rate, max_iter=5, random_state=seed).fit(samples, labels)
    raw = frame()[["town", "age"]]
    assert np.array_equal(winner.predict_proba(raw), theirs.predict_proba(winner._samples(raw)))


def program_of(card):
    return re.search("```python\n(.*?)```", card, re.DOTALL)[1]


def test_the_cards_of_a_table_speak_of_its_columns_and_the_arithmetic_of_its_features(tmp_path, monkeypatch):
    results = launched(tmp_path, monkeypatch, NETWORK, "")
    joblib, npz = (
        Path(export(results.frames, name, f"m.{name}").card).read_text("utf-8") for name in ("joblib", "npz")
    )
    assert "from 2 columns (5 features)" in joblib
    assert "labels; X: a frame with the columns above\n" in joblib
    assert "model = joblib.load" in program_of(joblib)
    features = "`town = Lima`, `town = Oslo`, `town = Rome`, `age`, `age is missing`"
    age = results.classifier().model.columns.fills[1]
    assert (
        f"The 5 features are named in `data.features`: {features}. A category is a feature of its own, 1 or 0." in npz
    )
    assert f"A missing value is replaced: `age` by {age:.10g}." in npz
    x = np.array([[0.0, 0, 1, 30.5, 0]])
    found = {"X": x}
    exec(program_of(npz), found)
    town = pd.DataFrame({"town": ["Rome"], "age": [30.5]})
    assert np.allclose(found["inputs"], results.classifier()._samples(town))
    with np.load("m.npz") as arrays:
        assert arrays["data.features"].tolist() == re.findall("`(.*?)`", features)


@pytest.mark.long
def test_a_file_for_joblib_needs_no_table(tmp_path, monkeypatch):
    results = launched(tmp_path, monkeypatch, NETWORK, "")
    expected = results.classifier().predict(frame()[["town", "age"]]).tolist()
    assert (
        main(["export", "towns", "--storage", url(tmp_path), "--format", "joblib", "--to", str(tmp_path / "m.joblib")])
        == 0
    )
    (tmp_path / "towns.csv").rename(tmp_path / "moved.csv")
    code = """
import joblib, pandas
print(joblib.load("m.joblib").predict(pandas.read_csv("moved.csv")[["age", "town"]]).tolist())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert out.stdout.strip() == str(expected)
