"""Other files with a study's columns: written in another way, they have the same predictions, or are refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny import options, url

import hpsearch
from hpsearch.cli import main
from hpsearch.errors import DataError
from hpsearch.search.launch import launch_text

STUDY = """
name = "s"
[data]
dataset = {{ kind = "{kind}", path = "{path}", label = "y", {test}{more} }}
train = 100
validation = 30
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = 1 }}
space.max_depth = [12]
[final]
"""
ROWS = 160


def made(**columns):
    """Columns of numbers and those that are given; the label follows from the last one."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"x": random.normal(size=ROWS).round(3)} | {key: list(each) for key, each in columns.items()})
    last = frame[frame.columns[-1]].astype(str)
    return frame.assign(y=np.where(last == last.mode()[0], "yes", "no"))


def drawn(*values):
    return np.random.default_rng(4).choice(np.array(values, dtype=object), ROWS)


def launched(folder, path, more="", test="test = 30"):
    kind = Path(path).suffix[1:]
    launch_text(STUDY.format(kind=kind, path=path, more=more, test=test), "<python>", options(folder))
    return hpsearch.load("s", storage=url(folder)).classifier()


def predicted(folder, path, *keep):
    more = [part for name in keep for part in ("--keep", name)]
    assert main(["predict", "s", path, "--storage", url(folder), "--out", "found.csv", *more]) == 0
    with (folder / "found.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_dates_and_truth_values_alone_are_predicted(tmp_path):
    days = (pd.Timestamp("2020-01-15") + pd.to_timedelta(np.arange(ROWS) % 50, unit="D")).strftime("%Y-%m-%d")
    frame = made(when=days, ok=drawn("true", "false"))
    frame.to_csv("a.csv", index=False)
    winner = launched(tmp_path, "a.csv")
    right = [row["prediction"] for row in predicted(tmp_path, "a.csv")]
    assert np.mean(right == frame.y) > 0.95
    for same in (frame, frame.assign(when=pd.to_datetime(frame.when), ok=frame.ok == "true")):
        assert winner.predict(same[["ok", "x", "when"]]).tolist() == right
    with pytest.raises(ValueError, match=r"NaN, infinity .* column 'x'"):
        winner.predict(frame[["ok", "x", "when"]].assign(x=np.nan))


@pytest.mark.parametrize(
    ("there", "here"), [(["1", "2", "30"], ["1.0", "2.0", "3e1"]), (["1.0", "2.0", "3.5"], ["1", "2", "3.5"])]
)
def test_a_category_is_the_same_number_however_it_is_written(tmp_path, there, here):
    frame = made(z=drawn(*there))
    frame.to_csv("a.csv", index=False)
    winner = launched(tmp_path, "a.csv", ', categorical = ["z"]')
    other = frame.assign(z=frame.z.map(dict(zip(there, here, strict=True))))
    other.to_csv("b.csv", index=False)
    assert [row["prediction"] for row in predicted(tmp_path, "b.csv")] == frame.y.tolist()
    assert winner.predict(other.assign(z=other.z.astype(float))[["x", "z"]]).tolist() == frame.y.tolist()


def test_two_spellings_of_one_number_stay_two_categories_and_a_third_is_none_of_them(tmp_path):
    frame = made(z=drawn("1", "01", "2"))
    frame.to_csv("a.csv", index=False)
    winner = launched(tmp_path, "a.csv", ', categorical = ["z"]')
    assert winner.predict(frame[["x", "z"]]).tolist() == frame.y.tolist()
    columns = winner.model.columns
    assert columns.columns[1].categories == ("01", "1", "2")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_in_another_encoding_than_the_studys_is_read_as_what_it_is(tmp_path, encoding):
    frame = made(town=drawn("Zürich", "Bern", "Köln"))
    frame.to_csv("a.csv", index=False, encoding="cp1252")
    launched(tmp_path, "a.csv", ', encoding = "cp1252"')
    frame.to_csv("b.csv", index=False, encoding=encoding)
    assert [row["prediction"] for row in predicted(tmp_path, "b.csv")] == frame.y.tolist()


def test_decimal_commas_are_those_of_numbers_and_no_text_is_changed(tmp_path):
    frame = made(note=["7,25"] * ROWS, size=drawn("1,5", "2,5", "3,5"))
    frame.to_csv("a.csv", index=False, sep=";", decimal=",")
    launched(tmp_path, "a.csv", ', categorical = ["size", "note"]')
    rows = predicted(tmp_path, "a.csv", "note", "size")
    assert [row["prediction"] for row in rows] == frame.y.tolist()
    assert [(row["note"], row["size"]) for row in rows] == list(zip(frame.note, frame["size"], strict=True))


def test_points_at_the_thousands_beside_decimal_commas_are_no_fractions(tmp_path):
    big = [f"{i // 1000}.{i % 1000:03d}" if i >= 1000 else str(i) for i in range(900, 900 + ROWS)]
    made(big=big).to_csv("a.csv", index=False, sep=";", decimal=",")
    with pytest.raises(DataError, match=r"line 102: column 'big' must have a finite number, has '1.000'"):
        launched(tmp_path, "a.csv", ', decimal = ","')


def test_what_pandas_takes_for_missing_is_missing_in_the_file_too(tmp_path):
    frame = made(m=drawn("None", "Brick", "Stone"))
    frame.to_csv("a.csv", index=False)
    winner = launched(tmp_path, "a.csv")
    assert winner.predict(pd.read_csv("a.csv")[["x", "m"]]).tolist() == frame.y.tolist()


def test_an_index_of_pandas_in_a_parquet_file_is_a_column_and_texts_are_no_numbers(tmp_path):
    pytest.importorskip("pyarrow")
    frame = made(code=drawn("1", "01", "001"))
    frame.set_index("x").to_parquet("a.parquet")
    winner = launched(tmp_path, "a.parquet")
    assert [row["prediction"] for row in predicted(tmp_path, "a.parquet")] == frame.y.tolist()
    assert winner.predict(frame[["x", "code"]]).tolist() == frame.y.tolist()


def test_a_column_that_is_dropped_may_be_there_twice(tmp_path):
    frame = made(z=drawn("a", "b"))
    text = frame.to_csv(index=False)
    lines = [f"{line},{'u' if i == 0 else i},{'u' if i == 0 else i}" for i, line in enumerate(text.splitlines())]
    Path("a.csv").write_text("\n".join(lines))
    launched(tmp_path, "a.csv", ', drop = ["u"]')
    assert [row["prediction"] for row in predicted(tmp_path, "a.csv")] == frame.y.tolist()


@pytest.mark.parametrize("names", [("true", "false"), ("TRUE", "FALSE"), ("True", "False")])
def test_labels_that_pandas_reads_as_truth_values_can_be_scored(tmp_path, names):
    frame = made(z=drawn("a", "b"))
    frame.assign(y=np.where(frame.y == "yes", *names)).to_csv("a.csv", index=False)
    winner = launched(tmp_path, "a.csv")
    read = pd.read_csv("a.csv")
    assert read.y.dtype == bool
    assert winner.score(read[["x", "z"]], read.y) == 1


def test_a_gap_in_a_test_file_alone_is_refused_before_anything_is_trained_unless_gaps_are_kept(tmp_path):
    frame = made(z=np.arange(ROWS) % 2)
    frame.to_csv("a.csv", index=False)
    frame.assign(x=frame.x.mask(frame.index == 10)).to_csv("b.csv", index=False)
    with pytest.raises(DataError, match=r"b.csv: line 12: column 'x' has no value, but .*a.csv has one in each line"):
        launched(tmp_path, "a.csv", test='test_path = "b.csv"')
    winner = launched(tmp_path, "a.csv", ', missing = "keep"', 'test_path = "b.csv"')
    assert winner.score(pd.read_csv("b.csv")[["x", "z"]], frame.y) == 1
    assert len(predicted(tmp_path, "b.csv")) == ROWS


def test_frames_and_folds_in_python_are_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    frame = made(code=drawn("1", "01", "001"))
    stage = {"name": "only", "sampler": {"kind": "random", "trials": 1}, "space": {"max_depth": [3]}}
    study = hpsearch.Study(
        "s",
        data={"dataset": (frame[["x", "code"]], frame.y), "train": 100, "validation": {"folds": 5}},
        model={"estimator": "sklearn.tree.DecisionTreeClassifier"},
        stages=[stage],
        final={},
    )
    assert "test = 35" in study.text
    assert json.dumps(["code"]) in study.text.replace("\n    ", "").replace(",\n]", "]").replace("[\n", "[")
    results = hpsearch.launch(study, storage=url(tmp_path), workers=1, backend="sequential", progress=False)
    assert results.classifier().predict(frame[["code", "x"]]).tolist() == frame.y.tolist()
