"""Exported models of regressions: each predicts the values that the search stored, in the targets' own units."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, root_mean_squared_error
from tiny import options, url, workspace

import hpsearch
from hpsearch import data
from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.exporting.export import export
from hpsearch.exporting.trials import runs
from hpsearch.search.launch import launch

STUDY = """
name = "tiny"
data = { dataset = { kind = "csv", path = "d.csv", label = ["price", "rent"], test = 40 }, task = "regression", train = 100, validation = 60 }
objective = { also = ["r2"] }
model = { file = "models/mlp.py", hidden = [6] }
training = { epochs = 3, batch_size = 20, eta = 0.05 }
stage = [{ name = "one", configurations = [{ activation = "tanh" }] }]
final = { replicates = 2 }
"""  # noqa: E501
TRAINABLE = """
import numpy as np

class Mean:
    def __init__(self, data):
        self.mean = data.labels.mean() + 0.25

    def train(self, epoch):
        pass

    def predict(self, samples):
        return np.full(len(samples), self.mean, np.float32) + samples[:, 0]

    def save(self):
        return {"mean": np.array(self.mean)}

    def restore(self, state):
        self.mean = float(state["mean"])

def make(data, seed, shift=0.0):
    return Mean(data)
"""


def made(folder, text):
    random = np.random.default_rng(0)
    x = random.random((200, 4))
    rows = np.column_stack([x, 5e4 + 2e4 * x[:, 0], 0.3 - x[:, 1] ** 2 + 0.1 * random.standard_normal(200)])
    lines = ["a,b,c,d,price,rent", *(",".join(map(repr, row)) for row in rows.tolist())]
    (folder / "d.csv").write_text("\n".join(lines) + "\n", "utf-8")
    path = workspace(folder, text.replace("d.csv", str(folder / "d.csv")))
    (folder / "models" / "mean.py").write_text(TRAINABLE)
    launch(path, options(folder))
    return hpsearch.load("tiny", url(folder))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return made(tmp_path_factory.mktemp("exported"), STUDY)


def stored(results, model):
    """The values that the search stored for the test samples, in their own units, these samples, and their targets."""
    row = next(row for row in results.frames.rows if f"{row['stage']}:{row['number']}" == model.trial)
    split = data.open_split(model.split)
    values = results.frames.outputs(row["id"], len(split.test_targets))
    raw = data.load(results.frames.written.data.dataset, task="regression")
    return values * split.target_deviation + split.target_mean, raw.test_samples, raw.test_labels, row


@pytest.mark.parametrize("trial", ["final:0", "final:1"])
def test_a_regressor_predicts_the_values_that_the_search_stored(results, trial):
    regressor = results.regressor(trial)
    values, samples, targets, row = stored(results, regressor.model)
    for copy in (regressor, pickle.loads(pickle.dumps(regressor))):
        assert np.array_equal(copy.predict(samples), values)
    assert root_mean_squared_error(targets, regressor.predict(samples)) == pytest.approx(row["test_rmse"], rel=1e-9)
    assert regressor.score(samples, targets) == pytest.approx(r2_score(targets, values))
    assert regressor.target_names_.tolist() == ["price", "rent"]
    with pytest.raises(InputError, match=f"trial {trial} of study 'tiny' is of a regression: use Results.regressor"):
        results.classifier(trial)


def test_tools_that_get_all_trials_get_every_recorded_metric(results):
    (run,) = (run for run in runs(results.frames) if run.name == "one:0")
    row = next(row for row in results.frames.rows if row["stage"] == "one")
    of_trial = results.frames.metrics.query(f"trial_id == {row['id']}")
    for name in ("rmse", "r2"):
        expected = of_trial[of_trial["metric"] == name].sort_values("epoch")["validation"].tolist()
        assert [value for _, value in run.metrics[f"validation_{name}"]] == expected
        assert run.results[f"best.validation_{name}"] == row[f"validation_{name}"]
    assert "best.validation_accuracy" not in run.results


def test_arrays_are_enough_to_predict_with_numpy_alone(results, tmp_path):
    values, samples, _, _ = stored(results, results.regressor().model)
    with np.load(results.save(tmp_path / "best.npz")) as a:
        x = ((samples - a["data.mean"]) / a["data.deviation"]) @ a["0.weights"] + a["0.bias"]
        found = (np.tanh(x) @ a["2.weights"] + a["2.bias"]) * a["data.target_deviation"] + a["data.target_mean"]
        assert a["data.targets"].tolist() == ["price", "rent"]
    assert np.allclose(found, values, rtol=1e-5, atol=1e-6)


def test_a_table_is_predicted_and_scored_in_the_targets_units(results, tmp_path, capsys):
    regressor = results.regressor("final:1")
    values, samples, targets, row = stored(results, regressor.model)
    columns = [*regressor.feature_names_in_, "price", "rent"]
    pd.DataFrame(np.hstack([samples, targets]), columns=columns).to_csv(tmp_path / "new.csv", index=False)
    storage = url(Path(results.frames.study["path"]).parents[1])
    arguments = ["--trial", "final:1", "--out", str(tmp_path / "p.csv"), "--storage", storage]
    assert main(["predict", "tiny", str(tmp_path / "new.csv"), *arguments, "--json"]) == 0
    assert pd.read_csv(tmp_path / "p.csv").columns.tolist() == ["prediction_price", "prediction_rent"]
    assert np.array_equal(pd.read_csv(tmp_path / "p.csv"), values)
    assert json.loads(capsys.readouterr().out)["score"] == pytest.approx(row["test_rmse"], rel=1e-9)


def test_onnx_has_the_values_of_the_regressor(results, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    values, samples, _, _ = stored(results, results.regressor().model)
    session = runtime.InferenceSession(export(results.frames, "onnx", str(tmp_path / "m.onnx")).place)
    (found,) = session.run(["values"], {"samples": samples.astype(np.float32)})
    assert np.allclose(found, values, rtol=1e-4, atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map["targets"] == '["price", "rent"]'


def test_a_trainable_is_a_regressor_too(tmp_path):
    text = STUDY.replace('["price", "rent"]', '"price"').replace('"models/mlp.py", hidden = [6]', '"models/mean.py"')
    text = text.replace("epochs = 3, batch_size = 20, eta = 0.05", "epochs = 1").replace(
        'activation = "tanh"', "shift = 1.0"
    )
    results = made(tmp_path, text)
    regressor = results.regressor()
    values, samples, _, _ = stored(results, regressor.model)
    assert np.array_equal(regressor.predict(samples), values[:, 0])
    assert regressor.predict(samples[:0]).shape == (0,)
