"""Columns that should not be features: an index is refused at a launch, what tells the label is named."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from tiny import options

from hpsearch import data
from hpsearch.cli import main
from hpsearch.data.tables.columns import Column
from hpsearch.data.tables.leaks import leaks_of
from hpsearch.errors import StudyFileError
from hpsearch.search.launch import launch

RNG = np.random.default_rng(0)
N = 600
NOISE = RNG.normal(size=N)
HALVES = (np.arange(N) >= N // 2).astype(np.int64)
RANDOM = RNG.integers(0, 2, N)
SHUFFLED = RNG.permutation(N)
TARGET = RNG.normal(size=(N, 1))
TOWNS = RNG.integers(0, 40, N)

INDEX, NAMED, NOTHING = ("index", True), ("label", False), None

COLUMNS = [
    ("", "noise", NOISE, RANDOM, NOTHING),
    ("", "a strong feature", HALVES + 0.3 * NOISE, HALVES, NOTHING),
    ("", "a small whole number", RNG.integers(0, 90, N), RANDOM, NOTHING),
    ("", "the population of towns, sorted", np.sort(RNG.integers(0, 10**7, N)), RANDOM, ("time", False)),
    ("", "a row's number", np.arange(N), RANDOM, INDEX),
    ("", "from 1, with gaps", 1 + np.sort(RNG.choice(4 * N, N, replace=False)), RANDOM, INDEX),
    ("", "down", N - np.arange(N), RANDOM, INDEX),
    ("column 1", "without a name", NOISE, RANDOM, INDEX),
    ("Unnamed: 0", "an index that pandas wrote and read", SHUFFLED, RANDOM, INDEX),
    ("", "a row's number in shuffled rows", SHUFFLED, RANDOM, ("identifier", False)),
    ("", "the same of classes one after the other", SHUFFLED, HALVES[SHUFFLED], NAMED),
    ("", "another text in each row", SHUFFLED, RANDOM, ("identifier", False)),
    ("", "seconds since 1970", 1e9 + 86_400 * np.arange(N), RANDOM, ("time", False)),
    ("", "the label in another spelling", 3 - 2 * RANDOM, RANDOM, NAMED),
    ("", "known only of one class", np.where(RANDOM, np.nan, NOISE), RANDOM, NAMED),
    ("", "the target", TARGET[:, 0], TARGET, NAMED),
    ("", "its logarithm", np.log(TARGET[:, 0] - TARGET.min() + 1), TARGET, NAMED),
    ("", "a good predictor of it", TARGET[:, 0] + 0.1 * NOISE, TARGET, NOTHING),
    ("", "towns that have one class each", TOWNS, TOWNS % 3, NAMED),
    ("", "towns", TOWNS, RANDOM, NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "values", "labels", "found"), COLUMNS, ids=[each[1] for each in COLUMNS])
def test_a_column_that_should_not_be_a_feature_is_found(name, what, values, labels, found):
    kind = "category" if "text" in what or ("towns" in what and "sorted" not in what) else "number"
    column = Column(name or "x", kind, tuple(map(str, np.unique(values))) if kind == "category" else ())
    leaks = leaks_of([column], [values.astype(float)], labels)
    assert [(each.kind, each.refused) for each in leaks] == ([] if found is None else [found])
    assert not leaks_of([column], [values.astype(float)], labels, keep=[column.name])


@pytest.mark.parametrize("source", [load_iris, load_wine, load_breast_cancer, load_diabetes])
def test_nothing_is_said_of_good_tables(source):
    found = source()
    labels = found.target if found.target.dtype.kind == "i" else found.target[:, None]
    columns = [Column(str(name)) for name in found.feature_names]
    assert leaks_of(columns, list(found.data.T.astype(float)), labels) == ()


@pytest.mark.parametrize(
    "dates",
    [
        *(["10.09.2024", "1.10.2024"], ["09/10/2024", "9/11/24"], ["2024/09/10 12:30", "2024/09/11 08:00"]),
        *(["10-Sep-2024", "3-Oct-2024"], ["Sep 10, 2024", "October 3 2024"], ["2024-09-10", "2024-09-11", "unknown"]),
    ],
)
def test_dates_that_would_be_categories_are_refused(dates):
    cells = RNG.integers(0, len(dates), N).astype(float)
    (leak,) = leaks_of([Column("day", "category", tuple(dates))], [cells], RANDOM)
    assert (leak.kind, leak.refused) == ("date", True)
    assert str(leak).startswith(f"column 'day' has dates such as '{dates[0]}'")
    assert ("beside 'unknown'" in str(leak)) == ("unknown" in dates)


@pytest.mark.parametrize("texts", [["1.2.3", "3.11.9"], ["12-ABC-34", "9-XYZ-12"], ["1/2", "3/4"], ["192.168.1.10"]])
def test_versions_codes_and_fractions_are_no_dates(texts):
    cells = RNG.integers(0, len(texts), N).astype(float)
    assert leaks_of([Column("code", "category", tuple(texts))], [cells], RANDOM) == ()


STUDY = """
name = "noise"
data = { dataset = { kind = "csv", path = "noise.csv", label = "y", test = 50 MORE }, train = 100, validation = 50 }
model = { estimator = "sklearn.tree.DecisionTreeClassifier" }
[[stage]]
name = "only"
sampler = { kind = "grid" }
space.max_depth = [1]
"""


def test_an_index_is_refused_before_training_unless_the_study_means_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{i % 3},{'odd' if i % 2 else 'even'},{'odd' if i % 2 else 'even'}" for i in range(300)]
    (tmp_path / "noise.csv").write_text("\n".join(["Id,a,parity,y", *rows]))
    study = tmp_path / "noise.toml"
    study.write_text(STUDY.replace("MORE", ""))
    with pytest.raises(StudyFileError) as error:
        launch(study, options(tmp_path))
    assert str(error.value) == (
        f"{study}: data.dataset noise.csv: column 'Id' only counts up, from 0 to 299, row by row; "
        'set drop = ["Id"] in data.dataset, or keep = ["Id"] if it is meant to be a feature'
    )
    assert not (tmp_path / "study.db").exists()
    study.write_text(STUDY.replace("MORE", ', keep = ["Id"]'))
    said = []
    watched = options(tmp_path)
    monkeypatch.setattr(watched.watcher, "message", said.append)
    launch(study, watched)
    assert said[1] == (
        "noise.csv: column 'parity' has one value for each of the 2 classes, as the label in another spelling has; "
        'set drop = ["parity"] in data.dataset, or keep = ["parity"] if it is meant to be a feature'
    )


def test_a_study_with_dates_as_categories_is_refused_by_launch_and_check_unless_it_means_them(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 + i % 28:02}.09.2024,{i % 3},{'odd' if i % 7 else 'even'}" for i in range(300)]
    (tmp_path / "noise.csv").write_text("\n".join(["day,a,y", *rows]))
    (tmp_path / "noise.toml").write_text(STUDY.replace("MORE", ""))
    for command in ("launch", "check"):
        assert main([command, "noise.toml"]) == 2
        said = capsys.readouterr().err
        assert "column 'day' has dates such as '01.09.2024'" in said
        assert 'set drop = ["day"] in data.dataset' in said
    table = {"kind": "csv", "path": "noise.csv", "label": "y", "test": 50}
    for meant in ("categorical", "keep"):
        assert data.load({**table, meant: ["day"]}, tmp_path).leaks == ()
