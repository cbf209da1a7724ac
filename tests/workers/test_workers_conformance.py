"""`hpsearch check`: the models of hpsearch pass every check; each violation is found and named."""

# ruff: noqa: E501  (a row of a table stays on one line)

import json
import os
import subprocess
import sys
import types
from contextlib import closing
from pathlib import Path

import pytest
from tiny import ROOT

from hpsearch.cli import main
from hpsearch.workers import conformance
from hpsearch.workers.pools.loky import LokyPool

GOOD = '''
import numpy as np

class Means:
    """Class means that move towards their images."""

    def __init__(self, data, seed, eta):
        self.data, self.seed, self.eta = data, seed, eta
        self.means = np.random.default_rng(seed).standard_normal((data.classes, data.samples.shape[1]))

    def train(self, epoch):
        for row in self.data.order(epoch)[:50]:
            label = self.data.labels[row]
            self.means[label] += self.eta * (self.data.samples[row] - self.means[label])

    def evaluate(self, images, labels):
        squares = ((images[:, None] - self.means) ** 2).mean(axis=2)
        return float(squares[np.arange(len(labels)), labels].mean()), squares.argmin(axis=1)

    def save(self):
        return {"means": self.means}

    def restore(self, state):
        self.means = state["means"]

def make(data, seed, eta=0.1, depth=1):
    return Means(data, seed, eta)
'''
TRAIN = "self.means[label] += self.eta"
BEGIN = "    def train(self, epoch):\n"
EVALUATE = "    def evaluate(self, images, labels):\n"
LOSS = "float(squares[np.arange(len(labels)), labels].mean())"
SAVE = 'return {"means": self.means}'


@pytest.fixture(scope="module")
def one_process():
    """A process of its own, which all checks may share whose model does not end it: it takes half a second to start."""
    with closing(LokyPool(1)) as pool:
        pool.warm()
        yield pool


@pytest.fixture(autouse=True)
def _processes_are_shared(one_process, monkeypatch):
    shared = types.SimpleNamespace(submit=one_process.submit, warm=one_process.warm, close=lambda: None)
    monkeypatch.setattr(conformance, "LokyPool", lambda workers: shared)


def check(tmp_path: Path, text: str, capsys, *arguments: str) -> tuple[int, dict[str, str]]:
    """The exit status, and what failed, with what was found."""
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    status = main(["check", str(path), "--json", *arguments])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (status == 0)
    return status, {finding["name"]: finding["found"] for finding in told["findings"] if not finding["ok"]}


@pytest.mark.parametrize(
    "name",
    [
        "lvq",  # mlp.py is checked in an example of the documentation
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("mlp", "softmax", "sgd_classifier", "torch_cnn")),
    ],
)
def test_the_models_of_hpsearch_pass_every_check(name, capsys):
    if name == "torch_cnn":
        pytest.importorskip("torch")
    assert main(["check", str(ROOT / "models" / f"{name}.py")]) == 0
    out = capsys.readouterr().out
    assert "all checks pass" in out
    assert "FAILS" not in out


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="BLAS takes no more threads than there are cores")
@pytest.mark.slow
def test_a_check_does_not_depend_on_the_threads_that_blas_takes_by_itself():
    command = [sys.executable, "-m", "hpsearch", "check", str(ROOT / "models" / "mlp.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trainable_of_a_user_passes_them(tmp_path, capsys):
    assert check(tmp_path, GOOD, capsys, "--set", "eta=0.05", "--set", "depth=3") == (0, {})


BROKEN = [
    # what is wrong, the checks that it breaks, some words of the first
    ((SAVE, "return {}"), {"trains"}, "mine.py: restore raised KeyError: 'means'"),
    (('state["means"]', 'state["means"].astype("f4")'), {"save and restore", "resumes after each epoch"}, "is float32"),
    ((BEGIN, BEGIN + "        self.eta *= 0.5\n"), {"save and restore", "resumes after each epoch"}, "of means differ"),
    ((TRAIN, "self.means[label] += np.random.random() * self.eta"), {*("evaluation has no side effects", "save and restore", "reproducible", "reproducible in another process", "resumes after each epoch")}, "differ"),
    ((EVALUATE, EVALUATE + "        self.means *= 0.99\n"), {"evaluation has no side effects"}, "after evaluate"),
    ((EVALUATE, EVALUATE + "        self.eta *= 0.99\n"), {"evaluation has no side effects", "resumes after each epoch"}, "with and without"),
    ((BEGIN, "    count = [0]\n" + BEGIN + "        self.count[0] += 1; self.means += self.count[0]\n"), {*("evaluation has no side effects", "save and restore", "reproducible", "resumes after each epoch")}, "differ"),
    ((BEGIN, BEGIN + "        import os; self.means += os.getpid()\n"), {"reproducible in another process"}, "trained in another process, "),
    ((BEGIN, BEGIN + "        import os; os.getppid() == PARENT or os._exit(3)\n"), {"builds"}, "the process that trained it ended during the training; a model must not"),
    ((BEGIN, BEGIN + "        import os; assert os.getppid() == PARENT, 'not here'\n"), {"reproducible in another process"}, "not in another process: {path}: train(1) raised AssertionError: not here"),
    ((BEGIN, BEGIN + "        import os; os._exit(0)\n"), {"builds"}, "the process that trained it ended during the training"),
    ((BEGIN, BEGIN + "        raise GeneratorExit\n"), {"trains"}, "mine.py: train(1) raised GeneratorExit"),
    (("return Means", "raise ValueError; Means"), {"builds"}, "mine.py: make(eta = 0.05) raised ValueError without a message"),
    (("def save", "def __repr__(self): 1 / 0\n\n    def saved"), {"builds"}, "got a Means without save"),
    ((LOSS, "float('nan')"), {"trains"}, "the training cost became NaN in epoch 1; try another --set eta="),
    ((LOSS, "None"), {"trains"}, "mine.py: evaluate must return its loss as a number, returned None"),
    (("squares.argmin(axis=1)", "squares"), {"trains"}, "evaluate must return the classes predicted as whole numbers (200,), returned float64 (200, 10)"),
    (("squares.argmin(axis=1)", "squares.argmin(axis=1) + 1"), {"trains"}, "evaluate must return classes from 0 to 9, returned 1 to 10"),
    ((f"return {LOSS}, squares.argmin(axis=1)", "return 0.5"), {"trains"}, "evaluate must return (loss, predicted), returned 0.5"),
    ((SAVE, "return [self.means]"), {"trains"}, "save must return a dict of arrays by name, returned [array("),
    ((SAVE, 'return {"me": self}'), {"trains"}, "save must return arrays of numbers or text, 'me' is none, returned"),
    ((SAVE, 'return {"file": self.means}'), {"trains"}, "save must give its arrays names of at most 200"),
    ((BEGIN, BEGIN + "        1 / 0\n"), {"trains"}, "mine.py: train(1) raised ZeroDivisionError: division by zero"),
    ((BEGIN, BEGIN + "        self.data.samples[0] = 0\n"), {"trains"}, "train(1) raised ValueError: assignment destination is read-only"),
    (("def save", "def saved"), {"builds"}, "must return a trainable with train, save, restore and one of evaluate, predict_proba, predict, got <hpsearch_model"),
    (("return Means", "raise ValueError('no'); Means"), {"builds"}, "mine.py: no"),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "checks", "words"),
    [
        pytest.param(*row, id=str(i), marks=[pytest.mark.slow] * ("_exit(3)" in row[0][1]))
        for i, row in enumerate(BROKEN)
    ],
)
def test_each_violation_is_found(tmp_path, capsys, monkeypatch, change, checks, words):
    if "_exit" in change[1]:
        monkeypatch.setattr(conformance, "LokyPool", LokyPool)
    text = GOOD.replace(*change).replace("PARENT", str(os.getppid()))
    assert text != GOOD
    status, failed = check(tmp_path, text, capsys)
    assert status == 1
    assert set(failed) == checks
    assert words.replace("{path}", f"{tmp_path}/mine.py") in next(iter(failed.values()))


LAYERS = """
import numpy as np
from hpsearch.nn import Dense, Layer

class Odd(Layer):
    def forward(self, x, training):
        return FORWARD

    def backward(self, delta):
        return BACKWARD

def build(classes):
    return [Dense(8), Odd(), Dense(classes)]
"""


@pytest.mark.parametrize(
    ("forward", "backward", "checks"),
    [
        ("x", "delta", set()),
        ("x", "2 * delta", {"gradients"}),
        ("x * (1 + 1e-3 * len(x))", "delta * (1 + 1e-3 * len(delta))", {"same in a cohort"}),
        ("x + np.random.random()", "delta", {"gradients", "reproducible", "reproducible in another process", "resumes after each epoch", "same in a cohort"}),
    ],
)  # fmt: skip
def test_layers_whose_trials_affect_each_other_are_found(tmp_path, capsys, forward, backward, checks):
    _, failed = check(tmp_path, LAYERS.replace("FORWARD", forward).replace("BACKWARD", backward), capsys)
    assert set(failed) == checks


@pytest.mark.parametrize(
    ("forward", "backward", "words"),
    [
        ("None", "delta", "forward must return an array of numbers (trials, 10, 8), returned None"),
        ("x[:, :, :3]", "delta", "forward must return an array of numbers (trials, 10, 8), returned an array float64 (1, 10, 3)"),
        ("x[0]", "delta", "forward must return an array of numbers (trials, 10, 8), returned an array float64 (10, 8)"),
        ("x", "delta.sum(axis=2)", "backward must return an array of numbers (trials, 10, 8), returned an array float64 (1, 10)"),
        ("x", "1 / 0", "backward raised ZeroDivisionError: division by zero"),
        ("exit(3)", "delta", "forward raised SystemExit: 3"),
    ],
)  # fmt: skip
def test_what_a_layer_of_ones_own_gives_back_is_named(tmp_path, capsys, forward, backward, words):
    _, failed = check(tmp_path, LAYERS.replace("FORWARD", forward).replace("BACKWARD", backward), capsys)
    assert failed["gradients"] == f"{tmp_path}/mine.py: Odd.{words}"
    assert failed["trains"].startswith(f"{tmp_path}/mine.py: Odd.{words.split(' (')[0]}")


def test_a_folder_is_no_model_file(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(GOOD, "utf-8")
    assert main(["check", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err
        == f"hpsearch: {tmp_path}: must be a model file, but is a folder; it has {tmp_path}/mine.py\n"
    )


BAD = [
    (["--set", "dept=1"], "--set dept=1: 'dept' is not a parameter of the model; did you mean 'depth'?"),
    (["--set", "eta=-1"], "--set: training.eta must be above 0, got -1"),
    (["--set", "eta=one"], "--set eta=one: must be a value as TOML writes it"),
    (["--set", "batch_size=10"], "'batch_size' is not a parameter of the model"),
    (["--dataset", "digit"], "did you mean 'digits'?"),
    (["--dataset", "{kind = 'npz', path = 'none.npz'}"], "none.npz: no such file"),
    (["--dataset", "{kind = 'npz'}"], "--dataset: data.dataset.path is missing"),
    (["--dataset", "{kind = 'npz', path = 'x.npz', foo = 3}"], "--dataset: data.dataset.foo is not a key"),
    (["--dataset", "{kind ="], "--dataset {kind =: must be a value as TOML writes it"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=range(len(BAD)))
def test_bad_arguments_cost_one_line(tmp_path, capsys, arguments, words):
    (tmp_path / "mine.py").write_text(GOOD, "utf-8")
    assert main(["check", str(tmp_path / "mine.py"), *arguments]) == 2
    complaint = capsys.readouterr().err
    assert words in complaint
    assert complaint.count("\n") == 1
