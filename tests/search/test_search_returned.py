"""Trainables that return numbers: metrics by name, a plain function minimised, and what is wrong with a mapping."""

# ruff: noqa: E501  (a row of a table stays on one line)

import numpy as np
import pytest
from tiny import options, rows, url, workspace

from hpsearch.cli import main
from hpsearch.errors import HpsearchError
from hpsearch.search.launch import launch
from hpsearch.storage import schema
from hpsearch.workers import conformance
from hpsearch.workers.pools.local import SequentialPool

PARABOLA = """
class Parabola:
    def __init__(self, x):
        self.height = (x - 2) ** 2

    def train(self, epoch): pass

    def evaluate(self, samples, labels):
        return {"height": self.height, "depth": -self.height, "rmse": 1.5}

    def save(self): return {}

    def restore(self, state): pass

def make(data, seed, x: float = 0.0): return Parabola(x)
"""
STUDY = """
name = "parabola"
data = { dataset = "digits", train = 20, validation = 10 }
model = { file = "models/parabola.py" }
objective = { metric = { returned = "height" }, direction = "minimize", also = [{ returned = "depth" }] }
training = { epochs = 2 }

[[stage]]
name = "first"
sampler = { kind = "random", trials = 4 }
space.x = { low = -5.0, high = 5.0 }

[final]
"""
UP = STUDY.replace(
    '"height" }, direction = "minimize", also = [{ returned = "depth" }]', '"depth" }, direction = "maximize"'
)


def launched(folder, text: str = STUDY, model: str = PARABOLA):
    folder.mkdir(exist_ok=True)
    path = workspace(folder, text)
    (folder / "models" / "parabola.py").write_text(model, "utf-8")
    launch(path, options(folder))
    return rows(folder)


def test_a_plain_function_is_minimised_as_its_negative_is_maximised(tmp_path):
    tpe = 'kind = "tpe", trials = 12, batch = 4, n_startup_trials = 4'
    texts = {"down": STUDY, "up": UP}
    down, up = (
        launched(tmp_path / name, text.replace('kind = "random", trials = 4', tpe)) for name, text in texts.items()
    )
    assert [row["params"] for row in down] == [row["params"] for row in up]
    assert [row["value"] for row in down] == [-row["value"] for row in up]
    best = min(down[:12], key=lambda row: row["value"])
    assert best["value"] == (best["params"]["x"] - 2) ** 2
    assert best["value"] < 0.5
    assert down[-1]["params"] == best["params"]
    assert down[-1]["test_value"] == best["value"]
    curve = rows(tmp_path / "up", schema.curves)
    assert [row["validation_loss"] for row in curve] == [-row["value"] for row in curve]  # where none is returned
    assert {row["validation_accuracy"] for row in curve} == {None}


@pytest.mark.usefixtures("shared_processes")
def test_nothing_is_stored_of_samples_and_the_report_claims_no_interval(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launched(tmp_path)
    assert {(row["correct"], row["predicted"], row["outputs"]) for row in rows(tmp_path, schema.predictions)} == {
        (b"", None, None)
    }
    assert {row["metric"] for row in rows(tmp_path, schema.measurements)} == {"height", "depth"}
    assert main(["verify", "parabola", "--storage", url(tmp_path)]) == 0
    assert main(["report", "parabola", "--format", "md", "--storage", url(tmp_path)]) == 0
    text = (tmp_path / "reports" / "parabola" / "report.md").read_text("utf-8")
    assert "For single runs of this metric the report gives no interval" in text
    for claim in ("95%", "±", "accuracy", "commonest class", "diagnosis"):
        assert claim not in text.partition("## Hyperparameter importance")[0]


def test_the_check_of_a_model_file_covers_returned_numbers(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(conformance, "LokyPool", lambda workers: SequentialPool())
    (tmp_path / "parabola.py").write_text(PARABOLA, "utf-8")
    assert main(["check", str(tmp_path / "parabola.py")]) == 0
    assert "trains: validation loss 4 → 4 after 4 epochs" in capsys.readouterr().out


RETURNED = '{"height": self.height, "depth": -self.height, "rmse": 1.5}'


@pytest.mark.parametrize(
    ("objective", "returned", "words"),
    [
        ('metric = "rmse"\n', None, "objective.metric must be a metric of classification, got 'rmse'"),
        ('metric = { returned = "hight" }\ndirection = "minimize"', None, "evaluate must return 'hight' in its mapping, which the study asks for; did you mean 'height'?"),
        ('metric = { returned = "height" }', None, "objective.direction is missing; a metric that is returned needs it: 'maximize' or 'minimize'"),
        ('metric = { returned = "height", direction = "maximize" }\ndirection = "minimize"', None, "objective.direction must be 'maximize'"),
        ('metric = { returned = "accuracy" }\ndirection = "maximize"', None, "objective.metric.returned must not be the name of one of hpsearch's metrics, got 'accuracy'"),
        ('metric = { returned = "a b" }\ndirection = "maximize"', None, "objective.metric.returned must be a name of letters, digits and _"),
        ('metric = "accuracy"', None, "evaluate must predict classes for accuracy, which is counted; or give the number another name"),
        ('metric = "loss"', None, "evaluate must return 'loss' in its mapping, which the study asks for; it returned: depth, height, rmse"),
        (None, '{"height": "high"}', "evaluate must return numbers by name where it returns a mapping, returned 'height' = 'high'"),
        (None, '{"height": True}', "returned 'height' = True"),
        (None, '{"height": 1.0, "depth": 1e305}', "evaluate must return numbers of at most 1e+38, returned {'depth': 1e+305}"),
        ('metric = "loss"', "(1e305, labels)", "the training cost became infinite in epoch 1"),
        (None, "{}", "evaluate must return predictions or numbers, returned an empty mapping"),
        (None, '{"height": float("nan"), "depth": 0}', "the training cost became NaN in epoch 1"),
        (None, "(0.5, labels)", "evaluate must return a mapping of numbers with 'height', which the study asks for, returned predictions"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_returned_numbers_costs_one_line(tmp_path, objective, returned, words):
    text = STUDY.replace(STUDY.split("\n")[4], "") + f"[objective]\n{objective}\n" if objective else STUDY
    text = text.replace("[final]", "")
    with pytest.raises(HpsearchError) as error:
        launched(tmp_path, text, PARABOLA.replace(RETURNED, returned or RETURNED))
    said = str(error.value)
    if (tmp_path / "study.db").exists():
        said += rows(tmp_path)[0]["reason"]
    assert words in said
    assert "\n" not in said


def test_layers_return_no_numbers_of_their_own(tmp_path):
    with pytest.raises(
        HpsearchError, match=r"height must be returned by a trainable, but models/softmax.py makes no trainable"
    ):
        launched(
            tmp_path,
            STUDY.replace("parabola.py", "softmax.py")
            .replace("epochs = 2", "epochs = 2, eta = 0.1, batch_size = 10")
            .replace("space.x = { low = -5.0, high = 5.0 }", "space.eta = { low = 0.1, high = 0.5 }"),
        )


def test_a_metric_of_scikit_learn_s_may_be_returned_in_a_regression(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("made.csv", np.random.default_rng(0).random((40, 3)), delimiter=",", header="a,b,y", comments="")
    text = STUDY.replace('"digits"', '{ kind = "csv", path = "made.csv", label = "y", test = 10 }, task = "regression"')
    text = text.replace(STUDY.split("\n")[4], 'objective = { metric = "rmse" }')
    assert {row["value"] for row in launched(tmp_path, text)} == {1.5}
