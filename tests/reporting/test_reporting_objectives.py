"""The report of another objective than the accuracy: its name, its order, and nothing that holds for accuracies."""

import csv
import io
import json
import re

import numpy as np
import pytest
from tiny import TINY, options, url, workspace

import hpsearch
from hpsearch.api.notify import study_payload
from hpsearch.cli import main
from hpsearch.reporting import load_frames, load_results, write_report
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.sections.predictions.residuals import view_residuals
from hpsearch.reporting.sections.ranking.rows import column_of
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.references import reference_rows
from hpsearch.search.launch import launch
from hpsearch.search.ranking import rank
from hpsearch.storage import reading
from hpsearch.storage.database import open_to_read, opened_to_read

ONE_STAGE = TINY.partition('[[stage]]\nname = "fine"')[0]
REGRESSION = """
name = "tiny"
data = { dataset = { kind = "csv", path = "d.csv", label = "price", test = 40 }, task = "regression", train = 100, validation = 60 }
objective = { also = ["mae", "r2"] }
model = { file = "models/mlp.py", hidden = [6] }
training = { epochs = 4, batch_size = 20, optimiser = "adam" }

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 4 }
replicates = 3
space.eta = { low = 1e-3, high = 0.1, log = true }

[final]
replicates = 2

[[reference]]
metric = "test_rmse"
value = 1.0
source = "a paper"
tolerance = 100.0

[[reference]]
stage = "coarse"
metric = "train_mae"
value = 1_000.0
source = "a paper"
"""  # noqa: E501
ROC_AUC = """
[[reference]]
stage = "coarse"
metric = "validation_roc_auc"
value = 0.5
source = "chance"
tolerance = 0.01
"""


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """A finished regression with replicates."""
    folder = tmp_path_factory.mktemp("regression")
    random = np.random.default_rng(0)
    x = random.random((200, 4))
    rows = np.column_stack([x, 50 + 20 * x[:, 0] - 9 * x[:, 1] ** 2 + random.standard_normal(200)]).tolist()
    text = "\n".join(["a,b,c,d,price", *(",".join(map(repr, row)) for row in rows)])
    (folder / "d.csv").write_text(text + "\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        launch(workspace(folder, REGRESSION), options(folder))
    return folder


@pytest.fixture(scope="module")
def minimised(tmp_path_factory):
    """A finished classification by its log loss, one run each."""
    folder = tmp_path_factory.mktemp("minimised")
    text = ONE_STAGE.replace(
        "[training]", '[objective]\nmetric = "log_loss"\nalso = ["balanced_accuracy", "roc_auc"]\n\n[training]'
    )
    text += ROC_AUC
    launch(workspace(folder, text), options(folder))
    return folder


def page(folder, formats=("html",)):
    return write_report(open_to_read(url(folder)), "tiny", folder / "reports", formats).read_text("utf-8")


def words(text):
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>|<svg.*?</svg>|<[^>]+>", " ", text, flags=re.S)
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["regression", "minimised"])
def test_the_ranking_is_that_of_the_search(name, request):
    folder = request.getfixturevalue(name)
    with opened_to_read(url(folder)) as connection:
        study = reading.get_study(connection, "tiny")
        stage = reading.stages(connection, study.id)[0]
        expected = [each.point for each in rank(reading.trials(connection, stage.id))]
    frames = load_frames(open_to_read(url(folder)), "tiny")
    of_stage = frames.trials[frames.trials["stage"] == "coarse"].sort_values("rank", kind="stable")
    assert of_stage["point"].drop_duplicates().tolist() == expected
    means = of_stage.groupby("rank")["value"].mean().tolist()
    assert means == sorted(means)


def test_a_regression_speaks_of_its_metric_and_of_no_accuracy(regression):
    text = words(page(regression))
    assert "validation rmse" in text
    assert "lower" in text
    assert "test rmse" in text
    assert "accuracy" not in text.replace("train_accuracy", "").replace("validation_accuracy", "")
    assert "Confusion matrix" not in text
    number = r"(below |above )?\d+%"
    of_claims = (
        rf"95% interval|5% level|(best|best configuration) is {number}|of the best {number}|probability {number}"
    )
    assert "%" not in re.sub(of_claims, "", text).partition("Provenance")[0]


def test_a_loss_that_is_minimised_has_no_interval_for_single_runs(minimised):
    text = words(page(minimised))
    assert "validation log_loss" in text
    assert "validation balanced_accuracy" in text
    assert "Wilson" not in text
    assert "McNemar" not in text
    assert "Corrected for selection bias, its validation log_loss is" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression", "minimised"])
def test_every_format_is_written(name, request):
    folder = request.getfixturevalue(name)
    formats = ["html", "md", "csv", "tex", "png", "svg"]
    for package, each in (("fpdf", "pdf"), ("pyarrow", "parquet")):
        try:
            __import__(package)
        except ImportError:
            continue
        formats.append(each)
    assert page(folder, tuple(formats)).startswith("<!doctype html>")


def test_a_reported_result_of_any_recorded_metric_is_compared_in_its_unit(regression, minimised):
    frames = load_frames(open_to_read(url(regression)), "tiny")
    final, best = reference_rows(frames)
    tests = frames.trials.loc[frames.trials["kind"] == "final", "test_rmse"]
    assert (final.metric, final.mark, final.reported) == ("test rmse", "within", "1")
    assert final.reproduced.startswith(f"{tests.mean():.4g} ± {tests.std():.2g}")
    assert (best.metric, best.mark) == ("train mae", "outside")
    frames = load_frames(open_to_read(url(minimised)), "tiny")
    (area,) = reference_rows(frames)
    first = frames.trials[frames.trials["rank"] == 1].iloc[0]
    assert (area.metric, area.reproduced) == ("validation roc_auc", f"{first['validation_roc_auc']:.4g}")
    assert area.difference == f"{first['validation_roc_auc'] - 0.5:+.4g}"


def test_ranking_csv_has_the_further_metrics(regression):
    rows = list(csv.DictReader(io.StringIO(ranking_csv(load_frames(open_to_read(url(regression)), "tiny")))))
    assert {"validation_rmse", "train_mae", "test_r2"} <= rows[0].keys()
    assert all(float(row["validation_rmse"]) > 0 for row in rows)
    assert all(row["test_rmse"] for row in rows if row["stage"] == "final")


def test_a_table_has_no_weights_as_images(regression, minimised):
    assert "Weights as images" not in words(page(regression))
    assert "Weights as images" in words(page(minimised))


def test_a_notification_names_the_metric(regression):
    payload = study_payload("tiny", url(regression), None)
    assert payload["metric"] == "rmse"
    assert payload["text"].endswith(f"best final:0, rmse {payload['best']:.5g}")
    json.dumps(payload)


def test_results_in_python_name_the_metric(regression):
    results = load_results(open_to_read(url(regression)), "tiny")
    assert "rmse" in " ".join(results.summary)
    best = hpsearch.load("tiny", storage=url(regression)).best
    assert best.metric == "rmse"
    assert best.low < best.value < best.high
    assert np.isnan(best.accuracy)
    assert best.test > 0


def test_status_and_top_name_the_metric(regression, capsys):
    for command in (["status"], ["top", "--once"]):
        assert main([*command, "--storage", url(regression)]) == 0
        assert re.search(r"rmse \d", capsys.readouterr().out)


def test_the_residuals_of_a_regression_on_the_test_set_have_its_rmse(regression):
    frames = load_frames(open_to_read(url(regression)), "tiny")
    (found,) = view_residuals(frames, view_stages(frames))
    text = found.sentence.replace("−", "-")
    mean, deviation = (float(re.search(f"{word} of (-?[0-9]+[.][0-9]+)", text)[1]) for word in ("mean", "deviation"))
    finals = frames.trials[frames.trials["kind"] == "final"]
    rmse = float(finals[column_of(frames.goal, "test")].iloc[0])
    assert np.hypot(mean, deviation * np.sqrt(39 / 40)) == pytest.approx(rmse, rel=1e-3)
    assert found.target == "price"
    assert 'id="residuals"' in page(regression)
