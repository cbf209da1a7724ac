"""`class_weight`: what it changes of a study of rare classes, and what is wrong with one."""

import re
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, options, rows, workspace

from hpsearch.errors import InputError
from hpsearch.search.launch import launch
from hpsearch.storage import schema

STUDY = """
name = "rare"
data = { dataset = { kind = "npz", path = "rare.npz" }, train = 1_000, validation = 500 }
model = { file = "models/softmax.py" }
objective = { metric = "balanced_accuracy", also = ["loss"] }
training = { epochs = 5, batch_size = 50, eta = 0.05 }

[[stage]]
name = "weights"
sampler = { kind = "grid" }
space.class_weight = ["none", "balanced", { 1 = 24 }]
"""


@pytest.fixture(autouse=True)
def _in_the_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rare(folder: Path, text: str = STUDY) -> Path:
    """A study of two classes, 96 % and 4 %, which overlap."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 1_500), ("test", 500)):
        labels = (np.arange(n) % 25 == 0).astype(np.int64)
        arrays |= {f"x_{part}": rng.standard_normal((n, 3)) + labels[:, None], f"y_{part}": labels}
    path = workspace(folder, text)
    np.savez(folder / "rare.npz", **arrays)
    return path


def test_balanced_weights_find_the_rare_class(tmp_path):
    launch(rare(tmp_path), options(tmp_path))
    curves = rows(tmp_path, schema.curves)
    none, balanced, table = rows(tmp_path)
    last = {row["trial_id"]: row for row in curves if row["epoch"] == 5}
    assert none["params"] == {"class_weight": "none"}
    assert last[none["id"]]["validation_accuracy"] > 0.955
    assert none["value"] < 0.6
    assert balanced["value"] > 0.75
    assert last[balanced["id"]]["validation_accuracy"] < 0.9
    assert table["value"] > 0.75
    assert "class_weight" not in none["configuration"]["training"]


TRAINABLE = """
import numpy as np

def train_epoch(state, data, epoch, rng, class_weight=None):
    assert data.class_names == ("0", "1")
    return {"weight": class_weight}

def predict(state, samples):
    return np.zeros(len(samples), np.int64)
"""


def test_a_trainable_without_a_parameter_for_weights_is_refused(tmp_path):
    text = STUDY.replace("softmax", "lvq").replace("batch_size = 50, ", "")
    with pytest.raises(InputError, match=r"stage\[0\].space.class_weight is not used by models/lvq.py, which"):
        launch(rare(tmp_path, text), options(tmp_path))


def test_a_trainable_gets_the_weights_if_it_has_a_parameter_for_them(tmp_path):
    text = STUDY.replace("softmax", "own").replace(", batch_size = 50, eta = 0.05", "").replace('"none", ', "")
    path = rare(tmp_path, text)
    (tmp_path / "models" / "own.py").write_text(TRAINABLE, "utf-8")
    launch(path, options(tmp_path))
    balanced, table = rows(tmp_path)
    assert [row["state"] for row in (balanced, table)] == ["complete"] * 2


BAD = [
    ("{ 1 = 24 }", "{ ill = 24 }", "stage[0].space.class_weight[2].ill is not a class of the data; known: 0, 1"),
    (
        "eta = 0.05",
        "eta = 0.05, class_weight = { 2 = 3 }",
        "training.class_weight.2 is not a class of the data; known: 0, 1",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_a_weight_that_does_not_fit_costs_one_line(tmp_path, old, new, message):
    with pytest.raises(InputError) as error:
        launch(rare(tmp_path, STUDY.replace(old, new)), options(tmp_path))
    assert message in str(error.value)
    assert not (tmp_path / "study.db").exists()


def test_a_regression_has_no_classes_to_weigh(tmp_path):
    text = TINY.replace("train = 200", 'train = 200\ntask = "regression"').replace(
        "eta = 0.1", 'eta = 0.1\nclass_weight = "balanced"'
    )
    with pytest.raises(
        InputError, match=r"training.class_weight must not be given in a regression, which has no classes"
    ):
        launch(workspace(tmp_path, text), options(tmp_path))


@pytest.mark.parametrize("table", ["stage[0]", "final"])
def test_a_class_is_looked_for_in_every_table(tmp_path, table):
    header = "[final]\n" if table == "final" else '[[stage]]\nname = "coarse"\n'
    text = TINY.replace(header, f"{header}training.class_weight = {{ 10 = 2 }}\n")
    with pytest.raises(InputError, match=rf"{re.escape(table)}.training.class_weight.10 is not a class of the data"):
        launch(workspace(tmp_path, text), options(tmp_path))
