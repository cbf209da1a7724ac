"""Which labels are refused, in a regression and without one: each costs one line that says where and what to do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes

from hpsearch.data import load, prepare
from hpsearch.data.sources.targets import refuse_values
from hpsearch.errors import DataError, StudyFileError
from hpsearch.spec import parse

HINT = '; this looks like a regression: set data.task = "regression", or "classification" for names'
NEEDS = 'data.task = "regression" needs'


def csv(tmp_path, labels, task=None, label="price", test=2):
    lines = ["a,price", *(f"{i},{each}" for i, each in enumerate(labels))]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return load({"kind": "csv", "path": "d.csv", "label": label, "test": test}, workspace=tmp_path, task=task)


def arrays(tmp_path, labels, task="regression", **more):
    np.savez(tmp_path / "d.npz", samples=np.ones((30, 2)), labels=labels, **more)
    return load({"kind": "npz", "path": "d.npz", "test": 3}, workspace=tmp_path, task=task)


def python(tmp_path, returned, task="regression"):
    text = f"import numpy as np\ndef load():\n    x = np.ones((8, 2))\n    return {returned}\n"
    (tmp_path / "d.py").write_text(text, "utf-8")
    return load({"kind": "python", "path": "d.py", "test": 2}, workspace=tmp_path, task=task)


def line(read, tmp_path, *arguments, **more):
    with pytest.raises(DataError) as caught:
        read(tmp_path, *arguments, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path}/")


VALUES = {
    "prices": [f"{-396.3 + 1.7 * i}" for i in range(60)],
    "rounded measurements": [f"{36 + i % 41 / 10}" for i in range(300)],
    "a short file": ["12.5", "7.25", "-396.3", "12.5", "8.0"],
    "ages with one fraction": [str(i % 40) for i in range(200)] + ["0.5"],
    "scikit-learn's diabetes": [f"{each:g}" for each in load_diabetes().target],
    "whole prices, hardly any twice": [str(3 * i) for i in range(50)],
    "exponents": [f"{i}e-3" for i in range(1, 40)],
    "some missing": ["NA", "?", *(f"{1.7 * i}" for i in range(60))],
}


@pytest.mark.parametrize("labels", VALUES.values(), ids=VALUES)
def test_labels_that_look_like_values_are_answered_with_the_task(tmp_path, labels):
    text = line(csv, tmp_path, labels)
    assert text.startswith("d.csv: has ")
    assert text.endswith(HINT)


CLASSES = {
    "years": [str(1990 + i % 30) for i in range(90)],
    "zip codes": [f"{501 + 7 * (i % 45):05}" for i in range(90)],
    "1 to 100, each twice": [str(1 + i % 100) for i in range(200)],
    "1 to 100, a fifth of them once": [str(1 + i % 100) for i in range(180)],
    "0.0 and 1.0": [f"{i % 2}.0" for i in range(90)],
    "grades in halves": [f"{1 + i % 11 / 2}" for i in range(90)],
    "few whole numbers, once each": [str(i) for i in range(15)],
    "text, once each": [f"c{i}" for i in range(60)],
    "text and numbers": [f"{i}.5" if i % 2 else f"c{i}" for i in range(60)],
    "inf as a name": ["inf", "-inf"] * 10,
}


@pytest.mark.parametrize("labels", CLASSES.values(), ids=CLASSES)
def test_labels_that_can_be_classes_are_classes(tmp_path, labels):
    assert len(csv(tmp_path, labels).classes) == len(set(labels))


@pytest.mark.parametrize("labels", VALUES.values(), ids=VALUES)
def test_a_task_of_classification_that_is_given_takes_numbers_for_names(tmp_path, labels):
    labels = [*labels, *labels]
    dataset = csv(tmp_path, labels, task="classification", test=len(set(labels)))
    assert (dataset.task, len(dataset.classes)) == ("classification", len(set(labels)))
    assert set(dataset.classes) == set(labels)


def test_floating_point_labels_of_arrays_are_names_where_the_task_says_so(tmp_path):
    labels = np.tile(np.arange(5) / 4, 6)
    assert arrays(tmp_path, labels, task="classification").classes == ("0.0", "0.25", "0.5", "0.75", "1.0")
    assert "must be whole numbers or text" in line(arrays, tmp_path, labels, task=None)
    labels[3] = np.nan
    assert "1 of 30 labels are NaN; remove these samples" in line(arrays, tmp_path, labels, task="classification")


def test_labels_that_are_one_hot_or_whole_floats_are_classes(tmp_path):
    numbers = np.arange(30) % 3
    wanted = arrays(tmp_path, numbers, task=None)
    for labels in (np.eye(3)[numbers], numbers.astype(float), np.eye(3, dtype=bool)[numbers]):
        found = arrays(tmp_path, labels, task=None)
        assert found.classes == ("0", "1", "2")
        assert found.fingerprint == wanted.fingerprint


def test_a_class_of_one_sample_among_many_numbers_may_be_a_value(tmp_path):
    dataset = csv(tmp_path, [*(str(i % 100) for i in range(300)), "977"])
    rule = r"but class '977' \(1 samples\) gives .*; if the labels are values, set data\.task = \"regression\"$"
    with pytest.raises(DataError, match=rule):
        prepare(dataset, train=199, validation=100, seed=0, cache=tmp_path / "c")
    text = csv(tmp_path, [*(f"c{i % 100}" for i in range(300)), "977"])
    with pytest.raises(DataError, match=r"gives \d and \d$"):
        prepare(text, train=199, validation=100, seed=0, cache=tmp_path / "c")


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=120, unique=True), st.integers(2, 4))
def test_whole_numbers_that_repeat_are_never_refused(numbers, times):
    refuse_values("d.csv", [str(number) for number in numbers] * times)


@given(st.permutations([*(f"{i}.25" for i in range(30)), "NA"]))
def test_the_example_in_the_message_does_not_depend_on_the_order(labels):
    with pytest.raises(DataError, match=r"has 30 different numbers as labels, 30 only once, such as 0\.25;"):
        refuse_values("d.csv", labels)


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (
            np.linspace(0, 1, 30),
            "d.npz: 'labels': has 30 different numbers as labels, 30 only once, such as 0.0344" + "*" + HINT,
        ),
        (np.linspace(0, 1, 60).reshape(30, 2), "d.npz: 'labels': has 60 different numbers as labels" + "*" + HINT),
        (
            np.arange(30) * 7,
            "d.npz: 'samples': has 30 different numbers as labels, 30 only once, such as 0" + "*" + HINT,
        ),
        (np.eye(3)[np.arange(30) % 3] * 2, "'labels': must have one label for each of the 30 samples, is (30, 3)"),
        (np.full(30, np.nan), "d.npz: 'labels': 30 of 30 labels are NaN; remove these samples"),
    ],
    ids=["values", "two targets", "whole", "two-hot", "nan"],
)
def test_arrays_of_values_are_answered_with_the_task_and_others_are_not(tmp_path, labels, rule):
    start, _, end = rule.partition("*")
    text = line(arrays, tmp_path, labels, task=None)
    assert start in text
    assert text.endswith(end or start)


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("cat", f"{NEEDS} numbers as labels, got 'cat'"),
        ("3,5", "d.csv: line 3: must have 2 columns, as line 1 has, has 3"),
        ("NA", f"{NEEDS} numbers as labels, got 'NA'"),
        ("-inf", f"{NEEDS} finite numbers as labels, none beyond 3.4e+38, got '-inf'"),
        ("1e300", f"{NEEDS} finite numbers as labels, none beyond 3.4e+38, got '1e300'"),
    ],
)
def test_a_cell_that_is_no_value_costs_one_line_with_its_line_and_column(tmp_path, value, rule):
    text = line(csv, tmp_path, ["2.5", value, "3.5"], task="regression")
    assert text.startswith("d.csv: line 3: ")
    assert text.endswith(rule)
    assert value == "3,5" or "column 'price'" in text


@pytest.mark.parametrize("task", ["regression", None])
def test_lines_without_a_label_are_refused_with_their_number(tmp_path, task):
    rule = "d.csv: each line must have a label in column 'price', but"
    text = line(csv, tmp_path, ["2", "", "3"], task=task)
    assert text == f"{rule} line 3 has none; remove such lines"
    text = line(csv, tmp_path, ["2", "3", "NaN", "", "3"], task=task)
    assert text == f"{rule} 2 of 5 lines have none, the first is line 4 ('NaN'); remove such lines"
    assert "nan" in csv(tmp_path, ["a", "nan"] * 9, task="classification").classes


def test_one_number_written_in_two_ways_is_refused_and_a_test_file_with_the_other_names_it(tmp_path):
    text = line(csv, tmp_path, ["1", "1.0", "2"] * 9)
    assert text == "d.csv: labels '1' (9 samples) and '1.0' (9) are the same number; write it in one way"


COLUMNS = np.arange(60.0).reshape(30, 2)


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (
            np.where(COLUMNS[:, 0] == 6, np.nan, 1),
            f"'labels'[3]: {NEEDS} finite numbers as labels, none beyond 3.4e+38",
        ),
        (np.where(COLUMNS == 7, np.inf, COLUMNS), "'labels'[3, 1]: data.task"),
        (np.where(COLUMNS == 7, -1e300, COLUMNS), "none beyond 3.4e+38, got -1e+300"),
        (np.array(["1.5", "cat"] * 15), f"'labels'[1]: {NEEDS} numbers as labels, got 'cat' in an array of <U3"),
        (np.array(["1.5"] * 30), f"'labels'[0]: {NEEDS} numbers as labels, got '1.5' in an array of <U3"),
        (COLUMNS + 1j, f"'labels'[0, 0]: {NEEDS} numbers as labels, got 1j in an array of complex128"),
        (
            COLUMNS[:29],
            "'labels': must have one number, or one for each target, for each of the 30 samples, is (29, 2)",
        ),
        (COLUMNS[:, :0], "for each of the 30 samples, is (30, 0)"),
        (np.float64(3), "for each of the 30 samples, is ()"),
        (COLUMNS[:, :, None], "for each of the 30 samples, is (30, 2, 1)"),
    ],
)
def test_an_array_that_has_no_values_costs_one_line_with_row_and_column(tmp_path, labels, rule):
    text = line(arrays, tmp_path, labels)
    assert text.startswith("d.npz: 'labels'")
    assert rule in text


def test_test_samples_must_have_the_targets_of_those_trained_on(tmp_path):
    np.savez(tmp_path / "d.npz", x_train=np.ones((30, 2)), y_train=COLUMNS, x_test=np.ones((5, 2)), y_test=np.ones(5))
    with pytest.raises(DataError, match=r"'x_test': labels must have the 2 targets of those trained on, have 1"):
        load({"kind": "npz", "path": "d.npz"}, workspace=tmp_path, task="regression")


@pytest.mark.parametrize(
    ("returned", "rule"),
    [
        ("{'samples': x, 'labels': ['cat'] * 8}", f"d.py: labels[0]: {NEEDS} numbers as labels, got 'cat' in an array"),
        (
            "{'samples': x, 'labels': [1, None] * 4}",
            f"d.py: labels[1]: {NEEDS} numbers as labels, got None in an array",
        ),
        ("{'samples': x, 'labels': [1.5, np.nan] * 4}", f"d.py: labels[1]: {NEEDS} finite numbers"),
        ("{'samples': x, 'labels': x, 'classes': ['a', 'b']}", 'no classes where data.task = "regression", returned 2'),
    ],
)
def test_a_python_file_without_values_costs_one_line(tmp_path, returned, rule):
    assert rule in line(python, tmp_path, returned)


def test_a_python_file_with_values_is_answered_with_the_task(tmp_path):
    text = line(python, tmp_path, "{'samples': x, 'labels': np.linspace(0, 1, 8)}", task=None)
    assert text.startswith("d.py: labels: has 8 different numbers")
    assert text.endswith(HINT)


def test_a_list_of_columns_is_for_a_regression(tmp_path):
    text = line(csv, tmp_path, ["a", "b"] * 9, label=("price", "a"))
    rule = "must be one column, and may be a list only where data.task = \"regression\", got ['price', 'a']"
    assert text == f"data.dataset.label {rule}"
    text = line(csv, tmp_path, ["1.5", "2.5"] * 9, label=("price", "rent"), task="regression")
    assert "line 1: must have one column 'rent', which data.dataset.label names, has 0" in text
    text = line(csv, tmp_path, ["1.5", "2.5"] * 9, label=("price", "a"), task="regression")
    assert "line 1: must have columns of values beside the label, has none" in text


@pytest.mark.parametrize("kind", ["folder", "idx"])
def test_kinds_and_data_sets_that_have_classes_refuse_a_regression(tmp_path, kind):
    rule = "needs numbers as labels, which datasets of kind csv, npz, parquet, python may have; those of kind"
    with pytest.raises(DataError, match=f"{rule} {kind} have classes"):
        load({"kind": kind, "path": ".", "test": 3}, workspace=tmp_path, task="regression")
    for name in ("digits", "cifar10"):
        with pytest.raises(DataError, match=f'data.task = "regression" needs numbers as labels, {name} has classes'):
            load(name, task="regression")


STUDY = """
name = "x"
data = { dataset = { kind = "csv", path = "d.csv", test = 3, label = LABEL }, TASK train = 20, validation = 10 }
model = { file = "models/softmax.py" }
training = { epochs = 1, eta = 0.1, batch_size = 10 }
stage = [{ name = "one", configurations = [{ lambda = 0 }] }]
"""


def parsed(label, task=""):
    return parse(STUDY.replace("LABEL", label).replace("TASK", task), "x.toml").data


def test_a_study_file_says_its_task_and_is_a_classification_if_it_does_not():
    assert parsed("'price'").task == "classification"
    assert parsed("'price'").task_given is None
    assert parsed("'price'", "task = 'classification',").task_given == "classification"
    assert parsed("'price'", "task = 'classification',") == parsed("'price'")
    assert parsed("['x', 'y']", "task = 'regression',").dataset["label"] == ("x", "y")
    assert parsed("'x'", "task = 'regression',").dataset["label"] == "x"


@pytest.mark.parametrize(
    ("label", "task", "rule"),
    [
        ("'x'", "task = 'regresion',", "task must be 'classification' or 'regression', got 'regresion'"),
        ("3", "", "dataset.label must be text, got 3"),
        ("''", "", "dataset.label must not be empty, got ''"),
        ("[]", "", "dataset.label must have at least 1, got []"),
        ("['x', 3]", "", "dataset.label[1] must be text, got 3"),
        ("['x', 'y', 'x']", "", "dataset.label must not repeat a column, got 'x' twice"),
    ],
)
def test_a_task_or_label_that_cannot_be_costs_one_line(label, task, rule):
    with pytest.raises(StudyFileError) as caught:
        parsed(label, task)
    assert str(caught.value) == f"x.toml: data.{rule}"
