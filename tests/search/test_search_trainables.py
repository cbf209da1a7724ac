"""Trainables are searched as layers are: pruned, stopped, resumed with the same bits, verified, reported."""

# ruff: noqa: E501  (a row of a table stays on one line)

from pathlib import Path

import pytest
from tiny import StopAfter, digest_of, finish, options, rows, start, url, workspace

from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.storage import schema

STUDY = """
name = "mine"
data = { dataset = "digits", train = 200, validation = 100 }
model = { file = "models/FILE.py" }
training = { epochs = 6 KEYS }

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 6 }
pruner = { kind = "halving", keep = 0.5, rungs = [2, 4], audit = 0.3 }
space.eta = { low = 1e-3, high = 1e-1, log = true }

[[stage]]
name = "fine"
sampler = { kind = "grid" }
replicates = 2
space.eta = { around = "coarse", best = 2, points = 2 }

[final]
replicates = 2
"""
SEARCHES = [
    ("lvq", ""),
    pytest.param("sgd_classifier", ", lambda = 1e-3, stop = { patience = 2 }", marks=pytest.mark.slow),
]


def study(name: str, keys: str = "") -> str:
    return STUDY.replace("FILE", name).replace("KEYS", keys)


def own(folder, text: str, keys: str = "") -> Path:
    path = workspace(folder, study("own", keys))
    (folder / "models" / "own.py").write_text(text, "utf-8")
    return path


@pytest.mark.long
@pytest.mark.parametrize(("name", "keys"), SEARCHES)
def test_a_trainable_stopped_again_and_again_ends_with_the_same_digest(tmp_path, monkeypatch, name, keys):
    (tmp_path / "calm").mkdir()
    assert launch(workspace(tmp_path / "calm", study(name, keys)), options(tmp_path / "calm")) == ("mine", True)
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    assert launch(workspace(tmp_path, study(name, keys)), options(tmp_path, 2, watcher=StopAfter(3))) == ("mine", False)
    stops = 1
    while not resume("mine", options(tmp_path, watcher=StopAfter(12))):
        stops += 1
    assert stops >= 3
    assert digest_of(tmp_path, "mine") == digest_of(tmp_path / "calm", "mine")
    assert {row["state"] for row in rows(tmp_path)} == {"complete", "pruned"}


@pytest.mark.slow
def test_processes_give_the_same_digest_and_a_report_without_cost_and_eta(tmp_path):
    (tmp_path / "calm").mkdir()
    launch(workspace(tmp_path / "calm", study("sgd_classifier", ", lambda = 1e-3")), options(tmp_path / "calm"))
    workspace(tmp_path, study("sgd_classifier", ", lambda = 1e-3"))
    status, _, complaints = finish(start(tmp_path, "launch", "studies/tiny.toml", "--workers", "2"), 300)
    assert (status, complaints) == (0, "")
    assert digest_of(tmp_path, "mine") == digest_of(tmp_path / "calm", "mine")
    assert main(["verify", "mine", "--all", "--storage", url(tmp_path)]) == 0
    page = (tmp_path / "reports" / "mine" / "index.html").read_text("utf-8")
    assert "The loss is defined by models/sgd_classifier.py." in page
    assert "The weights of each class, as images" in page
    for of_layers in ("η is the learning rate of each", "best cost", "η (learning rate)"):
        assert of_layers not in page
    assert {row["eta"] > 0 for row in rows(tmp_path, schema.curves)} == {True}


FAILING = """
import numpy as np

def train_epoch(state, data, epoch, rng, eta, when=3):
    if epoch == when and eta > 0.01:
        raise RuntimeError("enough")
    return {"seen": np.array(epoch)}

def predict(state, images):
    return np.full(len(images), int(state["seen"]) % 2)
"""


def test_a_method_that_raises_fails_its_trial_with_file_method_and_error(tmp_path):
    assert launch(own(tmp_path, FAILING), options(tmp_path)) == ("mine", True)
    failed = [row for row in rows(tmp_path) if row["state"] == "failed"]
    assert failed
    assert {row["reason"] for row in failed} == {
        f"{tmp_path}/models/own.py: train_epoch(3) raised RuntimeError: enough"
    }
    assert {row["epochs_done"] for row in failed} == {2}
    assert all('raise RuntimeError("enough")' in row["traceback"] for row in failed)


ADDING = """
import numpy as np

class Mean:
    def __init__(self, data):
        self.data, self.seen = data, []

    def train(self, epoch):
        self.seen.append(self.data.samples[self.data.order(epoch)[epoch :: 9]].mean(axis=0) * (-1) ** epoch)

    def evaluate(self, images, labels):
        return 1.0 + len(self.seen), (images @ np.sum(self.seen, axis=0)).astype(int) % self.data.classes

    def save(self):
        return {str(number): seen for number, seen in enumerate(self.seen)}

    def restore(self, state):
        self.seen += state.values()

def make(data, seed, eta): return Mean(data)
"""


def test_the_test_set_is_evaluated_by_a_new_trainable_since_restore_need_not_reset_one(tmp_path, monkeypatch):
    scores = []
    for seconds in (60.0, 1e-9):
        monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", seconds)
        folder = tmp_path / str(seconds)
        folder.mkdir()
        launch(own(folder, ADDING), options(folder))
        scored = [row for row in rows(folder) if row["test_loss"] is not None]
        scores.append([row["test_loss"] for row in scored])
        assert scores[-1] == [1.0 + row["best_epoch"] for row in scored]
    assert len(scores[0]) == 2
    assert scores[0] == scores[1]


BAD = [
    ("x = 1", "a model file must define one of build(classes, …), make(data, seed, …), train_epoch(state, data, …), module(data, …) and estimator(…), found none"),
    (FAILING + "def build(classes): pass", "found build and train_epoch"),
    (FAILING.split("def predict")[0], "beside train_epoch a model file must define predict(state, samples)"),
    ("def make(seed, data): pass", "make's first parameters must be `data` and `seed`, got (seed, data)"),
    ("def make(data, seed, **more): pass", "make must name its parameters, which are the keys of a study file, got **more"),
    ("def make(data, seed, epochs): pass", "make must not have a parameter 'epochs', which is a key of [training]"),
    ("def make(data, seed, eta): raise ValueError('eta must be small')", "own.py: eta must be small"),
    ("def make(data, seed, eta): return data", "must return a trainable with train, save, restore and one of evaluate, predict_proba, predict, got Data("),
    ("def make(data, seed): return data", "tiny.toml: stage[0].space.eta is not used by models/own.py"),
    ("def make(data, seed, eta: str): pass", "own.py: eta must be text, got "),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD, ids=range(len(BAD)))
def test_a_file_that_makes_no_trainable_is_refused_before_anything_is_stored(tmp_path, text, words):
    with pytest.raises(InputError) as refused:
        launch(own(tmp_path, text), options(tmp_path))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "study.db").exists()


def test_a_worker_refuses_a_trainable_that_has_changed(tmp_path):
    path = own(tmp_path, FAILING)
    launch(path, options(tmp_path, watcher=StopAfter(2)))
    (tmp_path / "models" / "own.py").write_text(FAILING + "\n", "utf-8")
    with pytest.raises(InputError, match="the model file has changed since study 'mine' was launched"):
        resume("mine", options(tmp_path))
    assert resume("mine", options(tmp_path, accept_changes=True))
