"""A dataset from a Python file: what `load` gives is checked, and every way of getting it wrong costs one line."""

import numpy as np
import pytest

from hpsearch.data import load
from hpsearch.errors import DataError, StudyFileError
from hpsearch.spec import parse

GOOD = """
import numpy as np

def load(n=40, noise=0.0):
    if noise < 0:
        raise ValueError(f"noise must be at least 0, got {noise}")
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    samples = rng.standard_normal((n, 2, 3)) * noise + labels[:, None, None]
    return {"samples": samples, "labels": labels, EXTRA}
"""
TEST = '"test_samples": samples[:8], "test_labels": labels[:8]'


def read(tmp_path, text, **more):
    (tmp_path / "mine.py").write_text(text, "utf-8")
    return load({"kind": "python", "path": "mine.py", **more}, workspace=tmp_path)


def returning(what):
    return f"import numpy as np\ndef load():\n    x, y = np.ones((8, 6)), np.arange(8) % 2\n    return {what}\n"


def test_a_python_file_gives_the_arrays(tmp_path):
    found = read(tmp_path, GOOD.replace("EXTRA", TEST), n=30, noise=0.5)
    assert (found.samples.shape, found.test_samples.shape, found.image_shape) == ((30, 6), (8, 6), (1, 2, 3))
    assert found.classes == ("0", "1")
    assert found.fingerprint == read(tmp_path, GOOD.replace("EXTRA", TEST), n=30, noise=0.5).fingerprint
    assert found.fingerprint != read(tmp_path, GOOD.replace("EXTRA", TEST), n=30, noise=0.6).fingerprint


def test_a_file_written_for_earlier_versions_gives_the_same_arrays(tmp_path):
    text = GOOD.replace("EXTRA", TEST)
    former = text.replace('"samples"', '"images"').replace('"test_samples"', '"test_images"')
    assert former != text
    assert read(tmp_path, former).fingerprint == read(tmp_path, text).fingerprint


def test_without_test_samples_some_are_held_out(tmp_path):
    found = read(tmp_path, GOOD.replace("EXTRA", '"classes": ["no", "yes"], "image_shape": (3, 1, 2)'), test=10)
    assert (len(found.samples), len(found.test_samples)) == (30, 10)
    assert (found.classes, found.image_shape) == (("no", "yes"), (3, 1, 2))
    assert np.bincount(found.test_labels).tolist() == [5, 5]


def test_a_file_may_define_dataclasses_whose_types_are_text(tmp_path):
    made = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Box:\n    n: int\n"
    assert len(read(tmp_path, made + GOOD.replace("EXTRA", TEST)).samples) == 40


BAD = [
    ("x = 1 +", {}, "cannot be imported (SyntaxError: "),
    ("import nowhere_at_all", {}, "cannot be imported (ModuleNotFoundError: "),
    ("x = 1", {}, "must define load(**parameters), found none"),
    ("def load(): raise SystemExit(3)", {}, "load raised SystemExit: 3"),
    (GOOD.replace("EXTRA", TEST), {"nois": 1.0}, "data.dataset.nois is not a parameter of load in "),
    (GOOD.replace("EXTRA", TEST), {"noise": -1.0}, "noise must be at least 0, got -1.0"),
    (GOOD.replace("EXTRA", TEST), {"test": 3}, "data.dataset.test must not be given; load in "),
    (GOOD.replace("EXTRA", ""), {}, "load must return test_samples and test_labels, or data.dataset have test = n"),
    ("def load(n): pass", {}, "data.dataset.n is missing; load in "),
    (returning("x, y"), {}, "load must return a dict of samples, labels"),
    (returning("{'samples': x}"), {"test": 2}, "load must return labels, returned samples"),
    (returning("{'samples': x, 'images': x, 'labels': y}"), {"test": 2}, "returned it under its former name too"),
    (returning("{'samples': x, 'labels': y, 'mean': 1}"), {"test": 2}, "returned 'mean'"),
    (returning("{'samples': x * np.nan, 'labels': y}"), {"test": 2}, "must be finite numbers"),
    (returning("{'samples': x, 'labels': y[:5]}"), {"test": 2}, "must have one label for each of the 8 samples"),
    (returning("{'samples': x, 'labels': 3}"), {"test": 2}, "must have one label for each of the 8 samples, is ()"),
    (returning("{'samples': [[1], [2, 3]], 'labels': y}"), {"test": 2}, "samples and labels must be arrays"),
    (returning("{'samples': x, 'labels': y, 'image_shape': (1, 2, 2)}"), {"test": 2}, "of the 6 features of a sample"),
    (returning("{'samples': x, 'labels': y, 'image_shape': x[:4, :4]}"), {"test": 2}, "is array([[1., 1."),
    (returning("{'samples': x, 'labels': y, 'image_shape': (1, np.inf, 6)}"), {"test": 2}, "is (1, inf, 6)"),
    ("def load(): raise RuntimeError('out of\\nmemory')", {}, "load raised RuntimeError: out of memory"),
    (returning("{'samples': x, 'labels': y, 'classes': 2}"), {"test": 2}, "classes must be a list of different names"),
]


@pytest.mark.parametrize(("text", "more", "expected"), BAD)
def test_a_file_that_gives_something_else_costs_one_line(tmp_path, text, more, expected):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, **more)
    assert expected in str(caught.value)
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)


STUDY = """
name = "x"
data = { dataset = DATASET, train = 20, validation = 10 }
model = { file = "models/softmax.py" }
training = { epochs = 1, eta = 0.1, batch_size = 10 }
stage = [{ name = "one", configurations = [{ lambda = 0 }] }]
"""


def test_the_functions_parameters_are_keys_of_the_table():
    table = '{ kind = "python", path = "mine.py", test = 3, noise = 0.5 }'
    study = parse(STUDY.replace("DATASET", table), "x.toml")
    assert study.data.dataset == {"kind": "python", "path": "mine.py", "test": 3, "noise": 0.5}
    with pytest.raises(StudyFileError, match=r"data\.dataset\.path is missing"):
        parse(STUDY.replace("DATASET", '{ kind = "python" }'), "x.toml")
