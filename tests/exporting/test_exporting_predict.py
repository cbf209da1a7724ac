"""`hpsearch predict`: the winner's predictions for the rows of a file."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from tiny import url

from hpsearch import data
from hpsearch.cli import main
from hpsearch.exporting.predictions import predict


@pytest.fixture
def run(iris, monkeypatch, capsys):
    _, _, folder = iris
    monkeypatch.chdir(folder)
    monkeypatch.setattr(predict, "ROWS", 7)  # so that there are many parts

    def predicted(*arguments):
        capsys.readouterr()
        status = main(["predict", "iris", *map(str, arguments), "--storage", url(folder)])
        return status, *capsys.readouterr()

    return predicted


def test_the_test_samples_are_predicted_as_the_search_did(iris, run, tmp_path):
    results, _, folder = iris
    row = next(row for row in results.frames.rows if row["stage"] == "final")
    dataset = data.load(results.frames.written.data.dataset, workspace=folder)
    table = pd.DataFrame(dataset.test_samples, columns=dataset.feature_names)[["e", "d", "c", "a b"]]
    table.assign(y=np.array([-1, 1, 3])[dataset.test_labels]).to_csv(tmp_path / "new.csv", index=False)
    status, out, said = run(tmp_path / "new.csv")
    stored = results.frames.predicted(row["id"])
    assert (status, out.split()) == (0, ["prediction", *(str(2 * number - 1) for number in stored.tolist())])
    assert said == f"hpsearch: 30 rows predicted by trial final:0\nhpsearch: accuracy {row['test_accuracy']:.2%}\n"


def test_columns_are_kept_and_probabilities_are_those_of_the_classifier(iris, run, tmp_path):
    results, frame, _ = iris
    shuffled = frame.assign(id=[f"no {i:03}" for i in range(150)]).sample(frac=1, random_state=0)
    shuffled.to_csv(tmp_path / "new.csv", index=False)
    for ending, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        out = tmp_path / "new" / f"p.{ending}"
        assert run(tmp_path / "new.csv", "--keep", "id", "--probabilities", "--out", out)[0] == 0
        found, classifier = read(out), results.classifier()
        assert found.columns.tolist() == ["id", "prediction", "probability_-1", "probability_1", "probability_3"]
        assert found["id"].tolist() == shuffled["id"].tolist()
        samples = shuffled[["a b", "c", "d", "e"]]
        assert found["prediction"].tolist() == classifier.predict(samples).tolist()
        assert np.array_equal(found.iloc[:, 2:], classifier.predict_proba(samples))


def test_a_parquet_file_is_read_and_rows_without_a_label_are_not_scored(iris, run, tmp_path):
    results, frame, _ = iris
    some = frame.assign(y=frame["y"].where(frame.index % 3 == 0))  # floats, NaN where there is none
    some.to_parquet(tmp_path / "new.parquet", row_group_size=10)
    status, out, _ = run(tmp_path / "new.parquet", "--out", tmp_path / "p.csv", "--json")
    labels = frame["y"][::3]
    score = accuracy_score(labels, results.classifier().predict(frame.drop(columns="y"))[::3])
    found = json.loads(out)
    assert (status, found["rows"], found["labelled"], found["score"]) == (0, 150, 50, score)


@pytest.mark.parametrize(
    ("table", "out", "message"),
    [
        ("folder", "p.csv", "folder: must be a file, but is a folder"),
        ("pipe", "p.csv", "pipe: must be a file, but is a device or a pipe"),
        ("iriss.csv", "p.csv", "iriss.csv: no such file; did you mean 'iris.csv'?"),
        ("qqqqqqqq", "p.csv", "qqqqqqqq: no such file"),
        ("iris.csv", "pipe", "pipe: must be a file, or a name for a new one, but is a device, a pipe or a socket"),
    ],
)
def test_what_is_no_file_is_neither_read_nor_replaced(iris, run, tmp_path, table, out, message):
    _, _, folder = iris
    (tmp_path / "iris.csv").write_text((folder / "iris.csv").read_text())
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    status, _, said = run(tmp_path / table, "--out", tmp_path / out)
    assert status == 2
    assert said.endswith(f"{message}\n")


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (
            lambda t: t.replace("5.1,3.5", "5.1,red", 1),
            (),
            "new.csv: line 2: column 'c' must have a finite",
        ),
        (
            lambda t: t.replace("7.0,3.2", ",3.2", 1),
            (),
            "new.csv: line 52: column 'a b' must have a finite",
        ),
        (
            lambda t: t.replace("a b,", "ab,"),
            (),
            "new.csv: must have the 4 columns trained on, lacks 'a b'; did you mean",
        ),
        (lambda t: t.replace(",3\n", ",4\n", 1), (), "new.csv: line 102: column 'y' must have one of the labels"),
        (
            lambda t: t.replace("5.1,3.5", "5.1,3.5,1", 1),
            (),
            "new.csv: line 2: must have 5 columns, as line 1 has",
        ),
        (str, ("--keep", "idd"), "--keep must name a column of"),
        (str, ("--format", "parquet"), "--format parquet needs --out"),
        (str, ("--json",), "--json needs --out"),
        (str, ("--trial", "final:7"), "trial must name one of study 'iris'"),
    ],
)
def test_a_table_that_does_not_fit_costs_one_line(iris, run, tmp_path, change, arguments, message):
    _, _, folder = iris
    (tmp_path / "new.csv").write_text(change((folder / "iris.csv").read_text()))
    if "--json" not in arguments and "--format" not in arguments:
        arguments = (*arguments, "--out", tmp_path / "p.csv")
    status, _, said = run(tmp_path / "new.csv", *arguments)
    assert (status, said.count("\n")) == (2, 1)
    assert message in said
    assert not list(tmp_path.glob("*p.csv*"))


def test_a_network_predicts_part_by_part_what_it_predicts_at_once(results, study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predict, "ROWS", 504)
    digits = load_digits()
    pd.DataFrame(digits.data).assign(digit=digits.target).to_csv(tmp_path / "d.csv", index=False)
    arguments = ["--label", "digit", "--probabilities", "--out", str(tmp_path / "p.csv"), "--storage", url(study)]
    assert main(["predict", "tiny", str(tmp_path / "d.csv"), *arguments]) == 0
    expected = results.classifier().predict_proba(digits.data)
    assert np.array_equal(pd.read_csv(tmp_path / "p.csv").iloc[:, 1:], expected)
    assert f"accuracy {results.classifier().score(digits.data, digits.target):.2%}" in capsys.readouterr().err
