"""Any objective: recorded as scikit-learn computes it, minimised as its negative is maximised, the same after kills."""

import re

import numpy as np
import pytest
import sklearn.metrics
from tiny import TINY, StopAfter, digest_of, options, rows, url, workspace

from hpsearch import data, spec
from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.nn.losses import probabilities
from hpsearch.search.launch import launch
from hpsearch.search.preparation import prepare_one
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.search.verify.checks import verify
from hpsearch.storage import reading, schema
from hpsearch.storage.database import opened_to_read

PRUNED = TINY.replace(
    'sampler = { kind = "random", trials = 5 }',
    'sampler = { kind = "tpe", trials = 8, batch = 4, n_startup_trials = 4 }\n'
    'pruner = { kind = "median", rungs = [1, 2], startup = 2 }',
)
NEGATIVE_LOSS = """
import numpy as np

direction = "maximize"
needs = "probabilities"

def metric(labels, predictions):
    return -float(-np.log(predictions[np.arange(len(labels)), labels]).mean())
"""
POSITIVE_LOSS = NEGATIVE_LOSS.replace('"maximize"', '"minimize"').replace("return -float", "return float")
EVERY = (
    *("balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "precision_macro", "recall_weighted", "roc_auc"),
    *("average_precision", "log_loss", "brier", "matthews_corrcoef", "cohen_kappa", "top_3_accuracy"),
)


def with_objective(folder, objective: str, text: str = PRUNED):
    """A study with this [objective], and two metrics of one's own beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "metrics").mkdir()
    (folder / "metrics" / "negative.py").write_text(NEGATIVE_LOSS, "utf-8")
    (folder / "metrics" / "positive.py").write_text(POSITIVE_LOSS, "utf-8")
    return workspace(folder, text.replace("[training]", f"[objective]\n{objective}\n\n[training]"))


def searched(folder):
    return [
        tuple(row[key] for key in ("params", "state", "best_epoch", "pruned_at", "epochs_done")) for row in rows(folder)
    ]


def test_minimising_and_maximising_the_negative_give_mirror_images(tmp_path, monkeypatch):
    for name, direction in (("positive", "minimize"), ("negative", "maximize")):
        monkeypatch.chdir(tmp_path)
        given = f'metric = {{ file = "metrics/{name}.py" }}\ndirection = "{direction}"'
        launch(with_objective(tmp_path / name, given), options(tmp_path / name))
    assert searched(tmp_path / "positive") == searched(tmp_path / "negative")
    assert {row["state"] for row in rows(tmp_path / "positive")} == {"complete", "pruned"}
    up, down = rows(tmp_path / "negative"), rows(tmp_path / "positive")
    assert [row["value"] for row in up] == [-row["value"] for row in down]
    assert [row["test_value"] for row in up[-2:]] == [-row["test_value"] for row in down[-2:]]


def test_the_best_epoch_is_that_of_the_lowest_value_where_the_objective_is_minimised(tmp_path):
    launch(with_objective(tmp_path, 'metric = "log_loss"'), options(tmp_path))
    curves = rows(tmp_path, schema.curves)
    for trial in rows(tmp_path):
        values = [row["value"] for row in curves if row["trial_id"] == trial["id"]]
        assert trial["value"] == min(values)
        assert trial["best_epoch"] == 1 + values.index(min(values))


def test_every_metric_is_scikit_learns_of_the_stored_predictions(tmp_path):
    also = ", ".join(f'"{name}"' for name in EVERY[1:])
    path = with_objective(
        tmp_path,
        f'metric = "{EVERY[0]}"\nalso = [{also}]',
        TINY.replace("epochs = 3", "epochs = 2")
        .replace("trials = 5", "trials = 2")
        .replace("best = 3, points = 3", "best = 1, points = 2"),
    )
    launch(path, options(tmp_path))
    study = spec.read(path)
    dataset = data.load("digits")
    metrics = rows(tmp_path, schema.measurements)
    assert {row["metric"] for row in metrics} == set(EVERY)
    trial = rows(tmp_path)[-1]
    truths = data.open_split(prepare_one(study, dataset, study.final, 0))
    stored = [row for row in rows(tmp_path, schema.predictions) if row["trial_id"] == trial["id"]]
    places = {(row["split"], row["epoch"]) for row in stored}
    assert places == {("validation", 1), ("validation", 2), ("test", trial["best_epoch"])}
    for row in stored:
        truth = truths.test_y if row["split"] == "test" else truths.validation_y
        scores = np.frombuffer(row["outputs"], np.float32).reshape(len(truth), 10)
        assert np.frombuffer(row["predicted"], np.uint8).tolist() == scores.argmax(axis=1).tolist()
        here = {
            each["metric"]: each["validation"]
            for each in metrics
            if (each["trial_id"], each["epoch"]) == (trial["id"], row["epoch"])
        }
        found = here if row["split"] == "validation" else trial["test_metrics"]
        expected = by_scikit_learn(truth, scores)
        assert found == pytest.approx(expected, abs=1e-6)
        assert len(expected) == len(EVERY)


def by_scikit_learn(truth, scores):
    shares, predicted, m = probabilities(scores), scores.argmax(axis=1), sklearn.metrics
    onehot = np.eye(10)[truth]
    return {
        "balanced_accuracy": m.balanced_accuracy_score(truth, predicted),
        **{f"f1_{kind}": m.f1_score(truth, predicted, average=kind) for kind in ("macro", "micro", "weighted")},
        "precision_macro": m.precision_score(truth, predicted, average="macro", zero_division=0),
        "recall_weighted": m.recall_score(truth, predicted, average="weighted"),
        "roc_auc": m.roc_auc_score(truth, shares, multi_class="ovr"),
        "average_precision": m.average_precision_score(onehot, shares, average="macro"),
        "log_loss": m.log_loss(truth, shares, labels=range(10)),
        "brier": ((shares - onehot) ** 2).sum(axis=1).mean(),
        "matthews_corrcoef": m.matthews_corrcoef(truth, predicted),
        "cohen_kappa": m.cohen_kappa_score(truth, predicted),
        "top_3_accuracy": m.top_k_accuracy_score(truth, shares, k=3, labels=range(10)),
    }


@pytest.mark.slow
def test_a_study_of_another_objective_that_is_stopped_again_and_again_has_the_same_digest(tmp_path, monkeypatch):
    given = 'metric = "log_loss"\nalso = ["balanced_accuracy", { file = "metrics/negative.py" }]'
    calm = tmp_path / "calm"
    path = with_objective(calm, given)
    monkeypatch.chdir(calm)
    launch(path, options(calm))
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 1e-9)
    folder = tmp_path / "stopped"
    path = with_objective(folder, given)
    monkeypatch.chdir(folder)
    assert launch(path, options(folder, 2, watcher=StopAfter(3))) == ("tiny", False)
    while not resume("tiny", options(folder, watcher=StopAfter(9))):
        pass
    assert digest_of(folder) == digest_of(calm)
    with opened_to_read(url(folder)) as connection:
        assert [check for check in verify(connection, reading.get_study(connection, "tiny")) if check.problems] == []
    assert main(["verify", "tiny", "--all", "--storage", url(folder)]) == 0


def test_a_changed_metric_file_is_refused_on_resume_and_verify(tmp_path, monkeypatch, capsys):
    path = with_objective(tmp_path, 'metric = "log_loss"\nalso = [{ file = "metrics/negative.py" }]')
    monkeypatch.chdir(tmp_path)
    assert launch(path, options(tmp_path, watcher=StopAfter(3))) == ("tiny", False)
    (tmp_path / "metrics" / "negative.py").write_text(NEGATIVE_LOSS + "# changed\n", "utf-8")
    with pytest.raises(InputError, match="the metric's file has changed since study 'tiny' was launched"):
        resume("tiny", options(tmp_path))
    assert main(["verify", "tiny", "--all", "--storage", url(tmp_path)]) == 2
    assert "metric's file has changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("where", "place"),
    [("space.loss", "stage[0].space.loss"), ("training.loss", "stage[0].training.loss")],
)
def test_a_loss_of_the_other_task_is_refused_where_it_is_given(tmp_path, where, place):
    given = '["huber", "hinge"]' if where.startswith("space") else '"huber"'
    text = TINY.replace("space.eta = { low = 1e-2", f"{where} = {given}\nspace.eta = {{ low = 1e-2")
    with pytest.raises(InputError, match=re.escape(f"{place} must be one of 'cross_entropy', 'hinge' in a")):
        launch(workspace(tmp_path, text), options(tmp_path))


def test_early_stopping_a_target_and_patience_speak_of_the_objective(tmp_path):
    text = TINY.replace("epochs = 3", "epochs = 30\nstop = { patience = 2, min_delta = 0.2 }")
    text = text.partition('[[stage]]\nname = "fine"')[0].replace("trials = 5", "trials = 5, batch = 2")
    text += "budget.target = 3.0\n"
    launch(with_objective(tmp_path, 'metric = "log_loss"', text), options(tmp_path))
    reasons = {row["reason"] for row in rows(tmp_path)} - {None}
    assert reasons == {"stopped early: no better validation log_loss for 2 epochs"}
    (stage,) = rows(tmp_path, schema.stages)
    assert "reached the target, 3." in stage["ended"]


BAD = [
    ('metric = "rmse"', "objective.metric must be a metric of classification, got 'rmse' of regression"),
    ('metric = "acuracy"', "objective.metric must be a metric, got 'acuracy'; did you mean 'accuracy'?"),
    ('metric = "auc"', "did you mean 'roc_auc'?"),
    ('metric = "brier"\ndirection = "maximize"', "objective.direction must be 'minimize', which is better for brier"),
    ('metric = "f1"\nalso = ["f1"]', "objective.also[0] must not repeat a metric, got 'f1' twice"),
    ('also = ["f1_macro", { kind = "f1", average = "macro" }]', "objective.also[1] must not repeat a metric, got"),
    ('also = ["f1", "accuracy"]', "objective.also[1] must not repeat the objective, which is 'accuracy' if"),
    ('metric = { kind = "f1", average = "binary" }', "must be given: average"),
    ('metric = { kind = "recall", positive = "eleven" }', "must be a class, got 'eleven'"),
    ('metric = "top_10_accuracy"', "must be below the number of classes, 10, got 10"),
    ('metric = { file = "metrics/missing.py" }', "metrics/missing.py"),
    ('metric = { file = "metrics/positive.py" }', "direction"),
    ('metric = { file = "metrics/nan.py" }', "metrics/nan.py"),
    ('metric = { file = "metrics/text.py" }', "metrics/text.py"),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "message"), BAD, ids=[given for given, _ in BAD])
def test_a_bad_objective_costs_one_line_and_stores_nothing(tmp_path, monkeypatch, objective, message):
    path = with_objective(tmp_path, objective)
    function = "import numpy as np\ndirection = 'maximize'\n\ndef metric(labels, predictions):\n    return {}\n"
    (tmp_path / "metrics" / "nan.py").write_text(function.format("float('nan')"), "utf-8")
    (tmp_path / "metrics" / "text.py").write_text(function.format("'good'"), "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        launch(path, options(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study.db").exists()


def test_a_loss_without_probabilities_is_refused_for_a_metric_that_needs_them(tmp_path):
    text = PRUNED.replace("epochs = 3", 'epochs = 3\nloss = "hinge"')
    with pytest.raises(
        InputError, match="must be 'cross_entropy' for log_loss, which needs probabilities, got 'hinge'"
    ):
        launch(with_objective(tmp_path, 'metric = "log_loss"', text), options(tmp_path))
