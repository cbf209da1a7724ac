"""A PyTorch module is trained as layers are, as a plain loop of PyTorch is to the last bit; what is wrong is named."""

# ruff: noqa: E501  (a row of a table stays on one line)

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from later import later
from tiny import ROOT

from hpsearch import data
from hpsearch.cli import main
from hpsearch.data.augmentation import Augmentation
from hpsearch.errors import ModelError
from hpsearch.metrics import parse as parse_metric
from hpsearch.nn.random import generator
from hpsearch.spec import Configuration, Training
from hpsearch.workers import conformance
from hpsearch.workers.models.npz import pack, unpack
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.pools.local import SequentialPool
from hpsearch.workers.segments.cohort import Cohort
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.results import CURVE
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

pytestmark = pytest.mark.long  # all train by PyTorch, whose import takes seconds

torch = later("torch")
nn, functional = later("torch.nn", "torch"), later("torch.nn.functional", "torch")
torch_network = later("hpsearch.workers.models.torch_network", "torch")

MLP = """
from torch import nn

def module(data, hidden=(16,), dropout=0.0):
    layers = [nn.Flatten()]
    for units in hidden:
        layers += [nn.LazyLinear(units), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.LazyLinear(data.outputs))
"""


@pytest.fixture
def mlp(tmp_path) -> Path:
    path = tmp_path / "mlp.py"
    path.write_text(MLP, "utf-8")
    return path


def digits(mirrored: bool = False) -> Path:
    found = data.load("digits", data.data_directory(None), Path.cwd())
    return data.prepare(found, train=220, validation=100, seed=0, mirrored=mirrored)


def line() -> Path:
    """A regression of two targets."""
    x = np.random.default_rng(0).standard_normal((400, 6))
    y = np.stack([x[:, 0] * 2 + x[:, 1] ** 2, 5 * x[:, 2]], axis=1)
    found = data.Dataset("line", x[:320], y[:320], x[320:], y[320:], (), (1, 1, 6), "1", ("up", "down"))
    return data.prepare(found, train=220, validation=100, seed=0)


def segment(path: Path, model: Path, training: dict, parameters: dict, **given) -> Segment:
    """Three epochs of one trial."""
    configuration = Configuration(
        {"file": model.name} | parameters, Training.of({"epochs": 3, "batch_size": 50} | training)
    )
    task = Task(0, configuration, ("only", 0))
    return Segment((task,), path, model, read_plugin(model).hash, 7, 0, 1, 3, ends=True, test=True, **given)


def continued(part: Segment, state: bytes, **given) -> Segment:
    return replace(part, tasks=(replace(part.tasks[0], state=state),), **given)


VARIED = {"flip": True, "shift": 1, "noise": 0.1}
TRAININGS = [
    ({"eta": 0.05, "lambda": 1e-2}, VARIED),
    ({"eta": 0.05, "lambda": 1e-2, "clip_norm": 0.5, "optimiser": {"kind": "momentum"}, "curves": "running"}, {}),
    ({"lambda": 1e-2, "optimiser": {"kind": "nesterov", "momentum": 0.8}, "schedule": {"kind": "one_cycle", "eta_max": 0.05}}, {}),
    ({"eta": 3e-3, "lambda": 1e-2, "optimiser": {"kind": "adam"}, "schedule": {"kind": "cosine", "warmup_updates": 4}}, VARIED),
    ({"eta": 3e-3, "optimiser": {"kind": "adamw", "weight_decay": 0.5}, "clip_norm": 0.5, "class_weight": {"3": 5.0}}, {}),
    ({"eta": 0.005, "loss": "hinge", "class_weight": "balanced", "schedule": {"kind": "step", "every_epochs": 1}}, {}),
    *(({"eta": 0.05, "loss": loss, "lambda": 1e-3}, None) for loss in ("squared_error", "absolute_error", "huber")),
]  # fmt: skip


@pytest.mark.parametrize(("training", "varied"), TRAININGS, ids=range(len(TRAININGS)))
def test_a_module_agrees_with_the_layers_of_the_same_network(mlp, training, varied):
    regression, more = varied is None, {"augmentation": Augmentation(**(varied or {}))}
    path = line() if regression else digits(mirrored=bool(varied))
    more |= {"measures": Measures(parse_metric("rmse"))} if regression else {}
    layers = segment(path, ROOT / "models" / "mlp.py", training, {"hidden": [16]}, **more)
    first = Cohort(layers, data.open_split(path), read_plugin(layers.model)).network.weights(0)
    names = {"1.weight": "0.weights", "1.bias": "0.bias", "4.weight": "2.weights", "4.bias": "2.bias"}
    state = pack({ours: first[theirs].T.reshape(-1, *first[theirs].T.shape[1:]) for ours, theirs in names.items()})
    (expected,) = run_segment(layers).tasks
    (found,) = run_segment(continued(segment(path, mlp, training, {"hidden": [16]}, **more), state)).tasks
    assert np.allclose(found.curve, expected.curve, rtol=2e-4, atol=1e-6, equal_nan=True)
    assert [row[CURVE.index("eta")] for row in found.curve] == [row[CURVE.index("eta")] for row in expected.curve]
    assert found.parameters == expected.parameters
    assert found.test.cost == pytest.approx(expected.test.cost, rel=2e-4)


OPTIMISERS = [
    ({"kind": "sgd"}, lambda groups: torch.optim.SGD(groups, lr=0.01)),
    ({"kind": "momentum"}, lambda groups: torch.optim.SGD(groups, lr=0.01, momentum=0.9)),
    ({"kind": "nesterov"}, lambda groups: torch.optim.SGD(groups, lr=0.01, momentum=0.9, nesterov=True)),
    ({"kind": "adam", "beta1": 0.8}, lambda groups: torch.optim.Adam(groups, lr=0.01, betas=(0.8, 0.999))),
    ({"kind": "adamw", "weight_decay": 2e-3}, lambda groups: torch.optim.AdamW(groups, lr=0.01, weight_decay=0)),
]


@pytest.mark.parametrize(("kind", "made"), OPTIMISERS, ids=[kind["kind"] for kind, _ in OPTIMISERS])
def test_a_module_is_a_plain_loop_of_pytorch_with_the_same_draws_to_the_last_bit(mlp, kind, made):
    regularised = {} if kind["kind"] == "adamw" else {"lambda": 1e-3}
    training = {"eta": 0.01, "optimiser": kind, "keep": "last"} | regularised
    part = segment(digits(), mlp, training, {"dropout": 0.5})
    (found,) = run_segment(part).tasks
    split, key = data.open_split(part.split), (7, "weights", "only", 0, 0)
    with torch_network.exact(own_numbers=True):
        torch.manual_seed(int(generator(*key).integers(2**63)))
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 10))
        decay = [
            {"params": [net[1].weight, net[4].weight], "weight_decay": 2e-3},
            {"params": [net[1].bias, net[4].bias]},
        ]
        optimiser = made(decay)
        x, y = torch.tensor(split.train_x).view(-1, 1, 8, 8), torch.tensor(split.train_y)
        for epoch in (1, 2, 3):
            order = generator(7, "order", 0, epoch).permutation(220)
            torch.manual_seed(int(generator(7, "layers", "only", 0, 0, epoch).integers(2**63)))
            for rows in torch.tensor(order).split(50):
                optimiser.zero_grad()
                functional.cross_entropy(net(x[rows]), y[rows]).backward()
                optimiser.step()
    weights = unpack(found.best.weights)
    assert {name: value.tobytes() for name, value in weights.items()} == {
        name: value.numpy().tobytes() for name, value in net.state_dict().items()
    }


NORMALISED = """
from torch import nn

def module(data, dropout=0.3):
    first = nn.Conv2d(data.shape[0], 4, 3, stride=2)
    return nn.Sequential(first, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.LazyLinear(data.outputs))
"""


@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_a_stop_between_any_epochs_changes_nothing(tmp_path, kind):
    (tmp_path / "normalised.py").write_text(NORMALISED, "utf-8")
    training = {"eta": 0.01, "lambda": 1e-3, "optimiser": {"kind": kind}, "schedule": {"kind": "cosine"}}
    whole = segment(
        digits(mirrored=True), tmp_path / "normalised.py", training, {}, augmentation=Augmentation(**VARIED)
    )
    (expected,) = run_segment(whole).tasks
    torch.manual_seed(3)  # the global numbers play no part
    state, curve = None, []
    for epoch in (1, 2, 3):
        (found,) = run_segment(
            replace(continued(whole, state), first=epoch, last=epoch, ends=epoch == 3, test=False)
        ).tasks
        state, curve = found.state, [*curve, *found.curve]
    assert (curve, state) == (expected.curve, expected.state)
    assert {"1.running_mean", "1.num_batches_tracked"} <= unpack(state).keys()


# What is wrong


class Here:
    """A pool that is this process: a process of its own would have to import PyTorch."""

    def __init__(self, workers: int) -> None:
        self.submit = SequentialPool().submit

    def close(self) -> None:
        pass


GOOD = "return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 10))"
FILE = f"""
import torch
from torch import nn

class Odd(nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)

class Counts(nn.Module):
    count = 0
    def forward(self, x):
        self.count += self.training
        return x * self.count

def module(data, width: int = 8):
    {GOOD}
"""
BROKEN = [
    ("return 5", "builds", "mine.py: module() must return a torch.nn.Module, got 5"),
    ("return nn.Linear(8, 10)", "builds", "mine.py: module() must give 10 numbers for each sample (data.outputs), (2, 10) as floats, got"),
    (GOOD.replace("width, 10", "width, 9"), "builds", "(2, 10) as floats, got float32 (2, 9)"),
    (GOOD.replace("Linear(64", "Linear(63"), "builds", "mine.py: the forward pass of module() with samples (2, 1, 8, 8) failed: RuntimeError: mat1 and mat2"),
    ("return nn.Sequential(nn.Flatten(), nn.AvgPool1d(6))", "builds", "mine.py: module() must have parameters to train, it has none"),
    ("1 / 0", "builds", "mine.py: module() failed: ZeroDivisionError: division by zero"),
    ("raise ValueError('width must be even')", "builds", "mine.py: width must be even"),
    (GOOD.replace("nn.Linear(64", "Odd(), nn.Linear(64"), "evaluation has no side effects", "evaluated twice, "),
    (GOOD.replace("nn.Linear(64", "Counts(), nn.Linear(64"), "save and restore", "differ"),
    (GOOD.replace("nn.Sequential(", "nn.Sequential(__import__('collections').OrderedDict(zip(map(str, range(id(object()), 2**63)), [").replace("width, 10))", "width, 10)])))"), "save and restore", "mine.py: module() must make the same parameters each time, but other ones were saved: "),
]  # fmt: skip


@pytest.mark.parametrize(("body", "check", "words"), BROKEN, ids=range(len(BROKEN)))
def test_check_names_what_is_wrong_with_a_module(tmp_path, capsys, monkeypatch, body, check, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(conformance, "LokyPool", Here)
    Path("mine.py").write_text(FILE.replace(GOOD, body), "utf-8")
    assert main(["check", "mine.py", "--json"]) == 1
    failed = {one["name"]: one["found"] for one in json.loads(capsys.readouterr().out)["findings"] if not one["ok"]}
    assert next(iter(failed)) == check or check in failed
    assert words in failed[check]
    assert "\n" not in failed[check]


def refusal(tmp_path, text: str) -> str:
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    with pytest.raises(ModelError) as error:
        read_plugin(path)
    return str(error.value).removeprefix(f"{path}: ")


def test_a_file_that_is_no_module_is_refused_before_it_is_made(tmp_path):
    assert refusal(tmp_path, "def module(width=8): ...") == "module's first parameter must be `data`, got (width)"
    assert refusal(tmp_path, "def module(data, *widths): ...").startswith("module must name its parameters")
    rule = "module must not have a parameter {}, a key of [{}] that hpsearch uses itself"
    assert refusal(tmp_path, "def module(data, eta=1): ...") == rule.format("'eta'", "training")
    assert refusal(tmp_path, "def module(data, device='cpu'): ...") == rule.format("'device'", "model")
    assert "module(data, …)" in refusal(tmp_path, "x = 1")


def test_without_pytorch_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    remedy = "PyTorch is not installed here: pip install 'hpsearch[torch]'"
    assert refusal(tmp_path, "def module(data): ...") == remedy
    assert refusal(tmp_path, "import torch\n").endswith(f"; {remedy}")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("cuda:99", "must be one that PyTorch finds on this machine, which has"),
        ("disc", "must be 'cpu', 'cuda' or"),
        (3.5, "must be"),
    ],
)
def test_a_device_that_is_not_there_is_refused(mlp, device, words):
    with pytest.raises(TrainingError, match=f"mlp.py: device {words}"):
        run_segment(segment(digits(), mlp, {"eta": 0.1}, {"device": device}))
