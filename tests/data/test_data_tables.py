"""Tables with categories and missing values: what is learned of them comes from the training samples alone."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hpsearch.data import load, open_split, prepare
from hpsearch.data.tables.columns import Columns
from hpsearch.errors import DataError

TOWNS = ("Oslo", "Rome", "Lima", "Bonn")
TABLE = {"kind": "csv", "path": "towns.csv", "label": "y", "test": 20}


def frame(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(40, 12, rows).round(1)),
            "town": rng.choice(TOWNS, rows, p=[0.5, 0.3, 0.19, 0.01]),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "member": rng.choice(["true", "false"], rows),
            "zip": rng.choice([101, 202, 303], rows),
        }
    )
    found.loc[rng.random(rows) < 0.05, "town"] = None
    return found.assign(y=rng.choice(["no", "yes"], rows))


def read(folder, table=None, **more):
    (frame() if table is None else table).to_csv(folder / "towns.csv", index=False)
    return load(TABLE | {"categorical": ("zip",)} | more, workspace=folder)


def test_columns_are_numbers_dates_truth_values_and_categories_and_it_is_said(tmp_path):
    dataset = read(tmp_path)
    kinds = {each.name: (each.kind, each.missing) for each in dataset.columns.columns}
    assert kinds == {
        "age": ("number", True),
        "town": ("category", True),
        "since": ("date", False),
        "member": ("truth", False),
        "zip": ("category", False),
    }
    assert dataset.columns.features == (
        *("age", "age is missing", "town = Bonn", "town = Lima", "town = Oslo", "town = Rome", "town is missing"),
        *("since", "member", "zip = 101", "zip = 202", "zip = 303"),
    )
    assert dataset.features == 12
    assert dataset.said == (
        "towns.csv: categories in town (4), zip (3)",
        "towns.csv: missing values in age, town are filled by what the training samples have",
    )


@pytest.mark.parametrize("fold", [None, (1, 3)])
def test_a_split_is_what_scikit_learns_transformers_give_that_were_fitted_on_its_training_samples(tmp_path, fold):
    dataset = read(tmp_path)
    split = open_split(prepare(dataset, train=120, validation=60, seed=3, cache=tmp_path / "cache", fold=fold))
    learned = split.columns
    rows = {name: _raw(dataset, split, name) for name in ("train", "validation", "test")}
    encoder = OneHotEncoder(categories=[[*range(4), np.nan]], handle_unknown="ignore", sparse_output=False)
    zips = OneHotEncoder(categories=[[0, 1, 2]], handle_unknown="ignore", sparse_output=False)
    median = SimpleImputer(strategy="median", add_indicator=True)
    columns = [("age", median, [0]), ("town", encoder, [1]), ("rest", "passthrough", [2, 3]), ("zip", zips, [4])]
    pipeline = make_pipeline(ColumnTransformer(columns), StandardScaler())
    pipeline.fit(_unseen_as_unknown(rows["train"], learned))
    for name, values in rows.items():
        expected = pipeline.transform(_unseen_as_unknown(values, learned))
        np.testing.assert_allclose(getattr(split, f"{name}_x"), expected, rtol=1e-5, atol=1e-6, err_msg=name)
    assert learned.fills[0] == np.nanmedian(rows["train"][:, 0])
    assert json.loads(json.dumps(learned.to_json())) == learned.to_json()
    assert Columns.from_json(learned.to_json()) == learned


def _raw(dataset, split, name):
    """The table's rows of a part, found by their exact features."""
    if name == "test":
        return dataset.test_samples
    wanted = {row.tobytes(): None for row in getattr(split, f"{name}_x")}
    encoded = (split.columns.encode(dataset.samples) - split.mean) / split.deviation
    by_features = {row.tobytes(): raw for row, raw in zip(encoded.astype(np.float32), dataset.samples, strict=True)}
    return np.array([by_features[key] for key in wanted])


def _unseen_as_unknown(rows, learned):
    """Categories that no training row has are unknown to all."""
    found = rows.copy()
    for i, seen in ((1, learned.seen[1]), (4, learned.seen[4])):
        for code in np.flatnonzero(~np.array(seen)):
            found[found[:, i] == code, i] = 99
    return found


def test_nothing_of_the_validation_and_test_samples_is_learned(tmp_path):
    one = frame()
    dataset = read(tmp_path, one)
    split = open_split(prepare(dataset, train=120, validation=60, seed=3, cache=tmp_path / "cache"))
    trained = {row.tobytes() for row in _raw(dataset, split, "train")}
    changed = dataset.samples.copy()
    for row in changed:
        if row.tobytes() not in trained and not np.isnan(row[0]):
            row[0] = 1e6
    from dataclasses import replace

    other = replace(dataset, samples=changed, fingerprint="another")
    again = open_split(prepare(other, train=120, validation=60, seed=3, cache=tmp_path / "cache"))
    assert again.columns == split.columns
    assert np.array_equal(again.mean, split.mean)
    assert np.array_equal(again.train_x, split.train_x)
    assert not np.array_equal(again.validation_x, split.validation_x)


def test_estimators_may_have_codes_and_gaps(tmp_path):
    dataset = read(tmp_path, missing="keep", categories="codes")
    split = open_split(prepare(dataset, train=120, validation=60, seed=3, cache=tmp_path / "cache"))
    assert split.train_x.shape == (120, 5)
    assert np.isnan(split.train_x[:, 0]).sum() == np.isnan(_raw(dataset, split, "train")[:, 0]).sum() > 0
    codes = split.train_x[:, 4]
    assert set(codes) == {0, 1, 2}  # as they are, not standardised
    assert abs(np.nanmean(split.train_x[:, 0])) < 1e-6


@pytest.mark.parametrize(
    ("change", "more", "line"),
    [
        ({"id": range(200)}, {"drop": ("idd",)}, "data.dataset.drop must name columns of .*'idd'; did you mean 'id'?"),
        ({"gone": None}, {}, "column 'gone' has no value in any line; leave it out with drop = ..gone.."),
        ({"name": [f"n{i % 150}" for i in range(200)] * 8}, {}, None),
        ({"name": [f"n{i}" for i in range(1600)]}, {}, "column 'name' has 1,600 different texts, more than the 1,000"),
        (
            {"x": ["1.5", *["low"] * 199]},
            {},
            "line 3: column 'x' has 199 texts such as 'low' and 1 numbers; if they are",
        ),
        ({"x": ["low", *["1.5"] * 199]}, {}, "line 2: column 'x' must have a finite number, has 'low'; if they are"),
        ({"x": ["k.A.", *["1.5"] * 199]}, {}, "if it means that a value is missing, leave the cell empty"),
        ({"x": ["inf", *["1.5"] * 199]}, {}, "line 2: column 'x' must have a finite number, has 'inf'"),
        ({}, {"columns": ("age", "y")}, "data.dataset.columns must not name the label, got 'y'"),
        ({}, {"image_shape": (1, 1, 5)}, "image_shape: .* must have numbers alone, without gaps, to be images"),
    ],
)
def test_a_column_that_cannot_be_learned_from_costs_one_line_with_the_remedy(tmp_path, change, more, line):
    table = frame(len(next(iter(change.values()))) if change and next(iter(change.values())) is not None else 200)
    table = table.assign(**change)
    if line is None:
        assert len(read(tmp_path, table, **more).columns.columns[-1].categories) == 150
        return
    with pytest.raises(DataError, match=line) as error:
        read(tmp_path, table, **more)
    assert "\n" not in str(error.value)


def test_files_are_read_as_they_are_written_and_it_is_said(tmp_path):
    plain = frame().drop(columns="since")
    wanted = read(tmp_path, plain)
    for name, sign, encoding, said in (
        (";", ",", "utf-8", "towns.csv is read as separated by semicolons and with decimal commas"),
        ("\t", ".", "utf-8-sig", "towns.csv is read as separated by tabs"),
        ("|", ".", "utf-16", "towns.csv is read as separated by vertical bars and in UTF-16"),
    ):
        plain.to_csv(tmp_path / "towns.csv", sep=name, decimal=sign, encoding=encoding, index=False)
        found = load(TABLE | {"categorical": ("zip",)}, workspace=tmp_path)
        assert found.fingerprint == wanted.fingerprint
        assert found.said[0] == said
    plain.replace("Oslo", "Tromsø").to_csv(tmp_path / "towns.csv", encoding="latin-1", index=False)
    with pytest.raises(DataError, match=r"towns.csv: line \d+: must be text in UTF-8, is not; .* encoding = 'latin-1'"):
        load(TABLE, workspace=tmp_path)
    assert "Tromsø" in load(TABLE | {"encoding": "latin-1"}, workspace=tmp_path).columns.columns[1].categories


def test_a_separator_at_the_end_of_each_line_and_an_index_without_a_name(tmp_path):
    plain = frame().drop(columns="since")
    wanted = read(tmp_path, plain)
    lines = (tmp_path / "towns.csv").read_text().splitlines()
    (tmp_path / "towns.csv").write_text("".join(f"{line},\n" for line in lines))
    found = load(TABLE | {"categorical": ("zip",)}, workspace=tmp_path)
    assert found.fingerprint == wanted.fingerprint
    assert found.said[0] == "towns.csv: column 6, which has neither a name nor values, is left out"
    plain.to_csv(tmp_path / "towns.csv")
    (leak,) = load(TABLE, workspace=tmp_path).leaks  # a launch refuses it: test_data_leaks.py
    assert (leak.column, leak.refused) == ("column 1", True)
    found = load(TABLE | {"drop": ("column 1",), "categorical": ("zip",)}, workspace=tmp_path)
    assert found.fingerprint == wanted.fingerprint


def test_a_parquet_file_is_the_table_that_the_csv_file_is(tmp_path):
    pytest.importorskip("pyarrow")
    table = frame().assign(member=lambda each: each["member"] == "true")
    wanted = read(tmp_path, table)
    table.to_parquet(tmp_path / "towns.parquet")
    given = TABLE | {"kind": "parquet", "path": "towns.parquet", "categorical": ("zip",)}
    found = load(given, workspace=tmp_path)
    assert found.fingerprint == wanted.fingerprint
    assert found.columns == wanted.columns
    (tmp_path / "towns.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"towns.parquet: not a Parquet file"):
        load(given, workspace=tmp_path)
