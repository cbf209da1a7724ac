"""Trainables that two functions make, and how their answers are checked."""

# ruff: noqa: E501  (a row of a table stays on one line)

from pathlib import Path

import numpy as np
import pytest

from hpsearch.errors import ModelError
from hpsearch.trainables import Data
from hpsearch.workers.guarded import make_with
from hpsearch.workers.plugin import read_plugin

DATA = Data(np.ones((6, 4), np.float32), np.arange(6) % 3, 3, (1, 2, 2), seed=5)
FUNCTIONS = """
import numpy as np

def train_epoch(state, data, epoch, rng, depth=1):
    return STATE

def predict(state, images):
    return PREDICTED
"""


def made(folder: Path, state: str = "{'epoch': np.array(epoch)}", predicted: str = "np.zeros(len(images), int)"):
    path = folder / "mine.py"
    path.write_text(FUNCTIONS.replace("STATE", state).replace("PREDICTED", predicted), "utf-8")
    return make_with(read_plugin(path), DATA, 0, {"depth": 2})


def test_classes_have_the_share_of_errors_as_their_loss(tmp_path):
    trained = made(tmp_path)
    trained.train(1)
    found = trained.evaluate(DATA.images, DATA.labels)
    assert (found.loss, found.cost, found.accuracy) == (4 / 6, 4 / 6, 2 / 6)
    assert found.predicted.dtype == np.uint8


def test_scores_have_cross_entropy_as_their_loss(tmp_path):
    trained = made(tmp_path, predicted="np.log(np.tile([0.7, 0.2, 0.1], (len(images), 1)))")
    found = trained.evaluate(DATA.images, DATA.labels)
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
    assert DATA.order(1).tolist() == Data(DATA.images, DATA.labels, 3, (1, 2, 2), seed=5).order(1).tolist()
    assert len({tuple(DATA.order(epoch)) for epoch in range(1, 9)}) > 1


@pytest.mark.parametrize(
    ("given", "method", "words"),
    [
        ({"state": "None"}, "train", "train_epoch must return its state, a dict of arrays, returned NoneType"),
        ({"predicted": "np.zeros((len(images), 2))"}, "evaluate", "returned float64 (6, 2)"),
        ({"predicted": "np.zeros(len(images))"}, "evaluate", "predict must return scores (6, 3) as floats or classes (6,)"),
        ({"predicted": "[0, 'x']"}, "evaluate", "as whole numbers, returned <U21 (2,)"),
        ({"state": "{'list': [1, 2]}"}, "save", "save must return arrays of numbers or text, 'list' is none"),
        ({"state": "{3: np.ones(2)}"}, "save", "save must name its arrays by text"),
        ({"state": "{'o': np.array([None])}"}, "save", "'o' is none, returned an array object (1,)"),
    ],
)  # fmt: skip
def test_a_breach_names_the_file_the_method_and_what_came(tmp_path, given, method, words):
    trained = made(tmp_path, **given)
    calls = {"train": lambda: trained.train(1), "evaluate": lambda: trained.evaluate(DATA.images, DATA.labels)}
    if method == "save":
        trained.train(1)
    with pytest.raises(ModelError) as breach:
        calls.get(method, trained.save)()
    assert str(breach.value).startswith(f"{tmp_path}/mine.py: {method}")
    assert words in str(breach.value)


def test_any_array_without_objects_comes_back_as_it_was(tmp_path):
    state = "{'f': np.asfortranarray(np.ones((2, 3), 'f4')), 'i': np.int64(3), 'text': np.array(['a', 'bc']), 'b': np.array([])}"
    trained = made(tmp_path, state=state)
    trained.train(1)
    other = made(tmp_path, state=state)
    other.restore(trained.save())
    assert other.save() == trained.save()
