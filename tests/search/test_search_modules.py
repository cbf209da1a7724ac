"""PyTorch modules are searched as layers are: pruned, stopped, killed, resumed with the same bits, and used."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from later import later
from tiny import ROOT, StopAfter, digest_of, epochs_done, finish, options, rows, start, until, url, workspace

from hpsearch import data
from hpsearch.api.run import load
from hpsearch.cli import main
from hpsearch.errors import InputError, StudyFileError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts

later("torch")
pytestmark = pytest.mark.long  # PyTorch's import takes seconds

STUDY = """
name = "mine"
data = { dataset = "digits", train = 150, validation = 100 }
model = { file = "models/torch_cnn.py", channels = 4, dropout = 0.2 }
training = { epochs = 3, batch_size = 50, optimiser = "adam", schedule = { kind = "cosine" } }
augmentation = { flip = true, shift = 1 }

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 4 }
pruner = { kind = "halving", keep = 0.5, rungs = [1] }
space.eta = { low = 1e-3, high = 1e-1, log = true }
space.lambda = { low = 1e-5, high = 1e-2, log = true }

[final]
"""


@pytest.fixture
def calm(tmp_path):
    """The study without an interruption, by one worker."""
    (tmp_path / "calm").mkdir()
    launch(workspace(tmp_path / "calm", STUDY), options(tmp_path / "calm"))
    return tmp_path / "calm"


def test_a_module_stopped_and_resumed_by_two_threads_has_the_same_digest(tmp_path, calm, monkeypatch):
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    assert launch(workspace(tmp_path, STUDY), options(tmp_path, 2, watcher=StopAfter(2))) == ("mine", False)
    while not resume("mine", options(tmp_path, 2, watcher=StopAfter(4))):
        pass
    assert digest_of(tmp_path, "mine") == digest_of(calm, "mine")
    assert {row["state"] for row in rows(tmp_path)} == {"complete", "pruned"}


def test_the_winner_predicts_as_the_search_did(calm, monkeypatch):
    monkeypatch.chdir(calm)
    results = load("mine", storage=url(calm))
    classifier, best = results.classifier(), results.frames.rows[-1]
    found = data.load("digits")
    assert classifier.score(found.test_samples, found.test_labels) == best["test_accuracy"]
    images = found.test_samples[:5].reshape(-1, 1, 8, 8)
    assert np.allclose(classifier.predict_proba(images).sum(axis=1), 1)
    assert set(results.weights()) == {f"{layer}.{name}" for layer in (0, 3, 8) for name in ("weight", "bias")}


def test_what_a_module_does_not_take_is_refused_before_the_launch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def refusal(before: str, after: str, error: type[Exception] = StudyFileError) -> str:
        with pytest.raises(error) as raised:
            launch(workspace(tmp_path, STUDY.replace(before, after)), options(tmp_path))
        return str(raised.value)

    assert "is not a key of models/torch_cnn.py; did you mean 'channels'" in refusal("channels =", "chanels =")
    assert "module(channels = -4, dropout = 0.2) with samples (2, 1, 8, 8) failed" in refusal(
        "channels = 4", "channels = -4", InputError
    )
    assert "channels must be a whole number" in refusal("channels = 4", 'channels = "4"', InputError)
    flops = "[[objective]]\nmetric = 'accuracy'\n[[objective]]\nmetric = 'flops'\n[[stage]]"
    assert "must not be 'flops', which are counted of layers" in refusal("[[stage]]", flops)


REGRESSION = """
from torch import nn


def module(data, width=8):
    return nn.Sequential(nn.Linear(*data.shape, width), nn.Tanh(), nn.Linear(width, data.outputs))
"""


def test_a_table_of_values_is_regressed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0).standard_normal((400, 3))
    values = np.column_stack([draws, draws @ [1, 2, 0] + 5])
    np.savetxt("line.csv", values, delimiter=",", header="a,b,c,y", comments="")
    dataset = '{ kind = "csv", path = "line.csv", label = "y", test = 100 }, task = "regression"'
    text = STUDY.replace('"digits"', dataset).replace("models/torch_cnn.py", "models/line.py")
    text = text.replace("epochs = 3", "epochs = 20").replace("augmentation", "# augmentation")
    text = text.replace("channels = 4, dropout = 0.2", "width = 4")
    path = workspace(tmp_path, text.replace("low = 1e-3", "low = 3e-2"))
    (tmp_path / "models" / "line.py").write_text(REGRESSION, "utf-8")
    launch(path, options(tmp_path))
    regressor = load("mine", storage=url(tmp_path)).regressor()
    assert regressor.score(values[:, :3], values[:, 3]) > 0.9


PREDICT = """
import hpsearch, sys
from hpsearch import data
model = hpsearch.load("mine", storage=sys.argv[1]).classifier()
print(model.predict_proba(data.load("digits").test_samples).tobytes().hex())
"""


@pytest.mark.slow
def test_a_killed_study_of_a_module_goes_on_and_its_winner_predicts_elsewhere(tmp_path, calm, monkeypatch):
    workspace(tmp_path, STUDY)
    running = start(tmp_path, "launch", "studies/tiny.toml", "--workers", "2")
    until(lambda: epochs_done(tmp_path) >= 1, 120)
    os.killpg(running.pid, signal.SIGKILL)
    finish(running)
    status, _, complaints = finish(start(tmp_path, "resume", "mine", "--workers", "1"), 300)
    assert (status, complaints) == (0, "")
    assert digest_of(tmp_path, "mine") == digest_of(calm, "mine")
    assert main(["verify", "mine", "--all", "--storage", url(tmp_path)]) == 0
    page = (tmp_path / "reports" / "mine" / "index.html").read_text("utf-8")
    assert "η is the learning rate of each" in page  # as of layers
    command, environment = [sys.executable, "-c", PREDICT, url(tmp_path)], os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    monkeypatch.chdir(calm)
    here = load("mine", storage=url(calm)).classifier()
    assert bytes.fromhex(done.stdout) == here.predict_proba(data.load("digits").test_samples).tobytes()
