"""Trainables that two functions make, and how their answers are checked."""

# ruff: noqa: E501  (a row of a table stays on one line)

from pathlib import Path

import numpy as np
import pytest

from hpsearch.errors import ModelError
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import make_with
from hpsearch.workers.models.plugin import read_plugin

DATA = Data(np.ones((6, 4), np.float32), np.arange(6) % 3, 3, (1, 2, 2), seed=5)
FUNCTIONS = """
import numpy as np

def train_epoch(state, data, epoch, rng, depth=1):
    return STATE

def predict(state, samples):
    return PREDICTED
"""


def made(folder: Path, state: str = "{'epoch': np.array(epoch)}", predicted: str = "np.zeros(len(samples), int)"):
    path = folder / "mine.py"
    path.write_text(FUNCTIONS.replace("STATE", state).replace("PREDICTED", predicted), "utf-8")
    return make_with(read_plugin(path), DATA, 0, {"depth": 2})


def test_classes_have_the_share_of_errors_as_their_loss(tmp_path):
    trained = made(tmp_path)
    trained.train(1)
    found = trained.evaluate(DATA.samples, DATA.labels)
    assert (found.loss, found.cost, found.accuracy) == (4 / 6, 4 / 6, 2 / 6)
    assert found.predicted.dtype == np.uint8


def test_scores_have_cross_entropy_as_their_loss(tmp_path):
    trained = made(tmp_path, predicted="np.log(np.tile([0.7, 0.2, 0.1], (len(samples), 1)))")
    found = trained.evaluate(DATA.samples, DATA.labels)
    assert found.loss == pytest.approx(-np.log([0.7, 0.2, 0.1]).mean())
    assert found.predicted.tolist() == [0] * 6


def test_each_epoch_draws_from_a_generator_of_its_own(tmp_path):
    draws = []
    for epochs in ([1, 2], [2]):
        trained = made(tmp_path, state="{'draw': rng.random(3)}")
        for epoch in epochs:
            trained.train(epoch)
        draws.append(trained.save())
    assert draws[0] == draws[1]


def test_the_order_of_an_epoch_is_that_of_the_data_s_seed():
    assert sorted(DATA.order(1)) == list(range(6))
    assert DATA.order(1).tolist() == Data(DATA.samples, DATA.labels, 3, (1, 2, 2), seed=5).order(1).tolist()
    assert len({tuple(DATA.order(epoch)) for epoch in range(1, 9)}) > 1


@pytest.mark.parametrize(
    ("given", "method", "words"),
    [
        ({"state": "None"}, "train_epoch", " must return a dict of arrays by name, returned None"),
        ({"state": "1 / 0"}, "train_epoch", "(1) raised ZeroDivisionError: division by zero"),
        ({"predicted": "np.zeros((len(samples), 2))"}, "predict", "returned float64 (6, 2)"),
        ({"predicted": "np.zeros(len(samples))"}, "predict", " must return scores (6, 3) as floats or classes (6,)"),
        ({"predicted": "[0, 'x']"}, "predict", "as whole numbers, returned <U21 (2,)"),
        ({"predicted": "[[0], [1, 2]]"}, "predict", "as whole numbers, returned object ()"),
        ({"predicted": "np.full(len(samples), 3)"}, "predict", " must return classes from 0 to 2, returned 3 to 3"),
        ({"state": "{'list': [1, 2]}"}, "train_epoch", " must return arrays of numbers or text, 'list' is none"),
        ({"state": "{3: np.ones(2)}"}, "train_epoch", " must give its arrays names of at most 200 characters"),
        ({"state": "{'x': np.ones(1), 'x.npy': np.ones(2)}"}, "train_epoch", "that do not end in .npy, none of file, "),
        ({"state": "{'o': np.array([None])}"}, "train_epoch", "'o' is none, returned an array object (1,)"),
    ],
)  # fmt: skip
def test_a_breach_names_the_file_the_method_and_what_came(tmp_path, given, method, words):
    trained = made(tmp_path, **given)

    def used() -> None:
        trained.train(1)
        trained.evaluate(DATA.samples, DATA.labels)

    with pytest.raises(ModelError) as breach:
        used()
    assert str(breach.value).startswith(f"{tmp_path}/mine.py: {method}")
    assert words in str(breach.value)


CLASS = """
class Made:
    def train(self, epoch): pass
    def evaluate(self, images, labels): return RETURNED
    def save(self): return {}
    def restore(self, state): pass

def make(data, seed): return Made()
"""


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("[0.0, labels]", "evaluate must return (loss, predicted), returned [0.0, array("),
        ("10**400, labels", "evaluate must return its loss as a number, returned 1000"),
        (
            "0.0, [[1], [2, 3]]",
            "evaluate must return the classes predicted as whole numbers (6,), returned object ()",
        ),
        ("0.0, labels - 1", "evaluate must return classes from 0 to 2, returned -1 to 1"),
    ],
)
def test_what_evaluate_returns_of_another_kind_is_named(tmp_path, returned, words):
    (tmp_path / "mine.py").write_text(CLASS.replace("RETURNED", returned), "utf-8")
    trained = make_with(read_plugin(tmp_path / "mine.py"), DATA, 0, {})
    with pytest.raises(ModelError) as breach:
        trained.evaluate(DATA.samples, DATA.labels)
    assert words in str(breach.value)


def test_what_two_functions_share_or_forget_does_not_depend_on_where_a_segment_ends(tmp_path):
    """One array under two names is two once it is stored; so it is in one segment, too."""
    function = "(lambda s: (s['one'].__iadd__(1), s)[1])(state or dict.fromkeys(['one', 'two'], np.zeros(2)))"
    whole, cut = made(tmp_path, state=function), made(tmp_path, state=function)
    for epoch in (1, 2, 3):
        whole.train(epoch)
        saved = cut.save() if epoch > 1 else None
        cut = made(tmp_path, state=function)
        if saved:
            cut.restore(saved)
        cut.train(epoch)
    assert whole.save() == cut.save()


def test_a_model_file_may_define_dataclasses_whose_types_are_text(tmp_path):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Box:\n    n: int\n"
    (tmp_path / "mine.py").write_text(text + CLASS.replace("RETURNED", "0.0, labels"), "utf-8")
    assert make_with(read_plugin(tmp_path / "mine.py"), DATA, 0, {}).evaluate(DATA.samples, DATA.labels).accuracy == 1.0


def test_any_array_without_objects_comes_back_as_it_was(tmp_path):
    state = "{'f': np.asfortranarray(np.ones((2, 3), 'f4')), 'i': np.int64(3), 'text': np.array(['a', 'bc']), 'b': np.array([])}"
    trained = made(tmp_path, state=state)
    trained.train(1)
    other = made(tmp_path, state=state)
    other.restore(trained.save())
    assert other.save() == trained.save()
