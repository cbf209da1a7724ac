"""Reports of studies whose objective is not the accuracy: their words, order, columns and formats."""

import csv
import importlib.util
import re

import made_pruned
import made_study
import numpy as np
import pytest

from hpsearch.api.results import Results
from hpsearch.errors import InputError
from hpsearch.reporting import compare_studies, load_frames, write_report
from hpsearch.reporting.formats.registry import FORMATS
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.pruning import view_pruning
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.references import reference_rows
from hpsearch.reporting.sections.rungs import pruning_histories
from hpsearch.spec import Reference

LOSS = {"metric": "loss", "direction": "minimize", "share": False}
BALANCED = {"metric": "balanced_accuracy", "direction": "maximize", "share": True}
RMSE = {"metric": "rmse", "direction": "minimize", "share": False}
TEXT = """\
name = "made"
data = { dataset = "digits", train = 45_000, validation = 5_000 }
model = { file = "models/mlp.py", hidden = [50] }
training = { eta = 0.1, batch_size = 100, epochs = 12 }
objective = { metric = "balanced_accuracy", also = ["f1_macro", "recall_macro", "accuracy"] }
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 12 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.batch_size = [50, 100, 200]
[[stage]]
name = "fine"
sampler = { kind = "random", trials = 10 }
space.lambda = { low = 3.2e-4, high = 2.1e-3, log = true }
space.batch_size = [200, 400]
"""
FORMATS_HERE = [name for name, each in FORMATS.items() if not each.library or importlib.util.find_spec(each.library)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = made_study.make_engine(tmp_path_factory.mktemp("objectives"))
    made_study.make_search(engine, "loss", objective=LOSS)
    made_study.make_search(engine, "balanced", objective=BALANCED, also=("f1_macro",), text=TEXT)
    made_study.make_search(engine, "rmse", objective=RMSE, also=("mae", "r2"), classes=[])
    make_replicates(engine, "seeds", objective=RMSE, classes=[])
    make_replicates(engine, "seeds again", objective=RMSE, classes=[])
    return engine


def make_replicates(engine, name, **columns):
    """Six configurations with three seeds each, one of which is clearly the best; some trials stopped early."""
    maker = made_study.Maker(engine, name, **columns)
    space = {"eta": {"low": 1e-3, "high": 1.0, "log": True}, "beta1": {"low": 0.1, "high": 0.9}}
    stage = maker.stage("wide", "random", space)
    for number in range(18):
        point = number // 3
        params = {"eta": 10.0 ** (-0.5 * point), "beta1": 0.1 + 0.15 * (point * 5 % 6)}
        early = {"reason": "stopped early: no better rmse for 5 epochs", "epochs_done": 9} if point == 4 else {}
        trial = {"point": point, "replicate": number % 3} | early
        maker.trial(stage, number, params, 0.6 - 0.08 * (point % 5), **trial)


@pytest.fixture(scope="module")
def folders(engine, tmp_path_factory):
    where, chosen = tmp_path_factory.mktemp("reports"), ["html", "md", "csv", "tex"]
    found = {name: write_report(engine, name, where, chosen).parent for name in ("loss", "balanced", "rmse")}
    return found | {"seeds": write_report(engine, "seeds", where, [*chosen, "svg"]).parent}


def ranking(folder):
    with (folder / "ranking.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loss", "balanced", "rmse", "seeds"])
def test_every_format_can_be_written(engine, tmp_path, name):
    folder = write_report(engine, name, tmp_path, FORMATS_HERE).parent
    assert all(path.stat().st_size for path in folder.rglob("*.*"))


def test_a_lower_loss_comes_first_and_is_said_to_be_better_once(engine, folders):
    frames = load_frames(engine, "loss")
    for trials in frames.by_stage.values():
        values = [trial["value"] for trial in trials if trial["rank"]]
        assert values == sorted(values) or trials[0]["kind"] == "final"
    page = (folders["loss"] / "report.md").read_text()
    assert page.count("A lower loss is better.") == 1
    assert "it is the lowest of 10." in page
    assert re.search(r"Its validation loss is \d\.\d{4} \(5,000 samples\)", page)
    assert "no interval and no test of the loss yet" in page
    assert "| validation loss | remark | best epoch of 12 |" in page


def test_a_study_of_balanced_accuracy_has_it_in_percent_and_its_other_metrics_in_columns(folders):
    page = (folders["balanced"] / "report.md").read_text().replace("\\_", "_")
    columns = "| validation balanced_accuracy | validation f1_macro | validation accuracy | remark |"
    assert columns in page
    assert re.search(r"\| 1 \| coarse:7 \|.*\| 46\.\d\d% \| 0\.43\d+ \| 51\.\d\d% \| best \|", page)
    assert "95% interval" not in page.partition("## Hyperparameter importance")[0].replace(
        "95% interval of the mean", ""
    )
    assert "Corrected for selection bias" not in page
    assert "balanced_accuracy by hyperparameter" in page
    assert {"validation_balanced_accuracy", "test_f1_macro", "validation_accuracy"} <= ranking(folders["balanced"])[
        0
    ].keys()


def test_a_report_of_a_regression_never_says_accuracy(folders):
    for folder in (folders["rmse"], folders["seeds"]):
        for path in folder.rglob("*.*"):
            if path.suffix in (".html", ".md", ".csv", ".tex", ".svg"):
                assert "ccurac" not in path.read_text(), path
            assert "ccurac" not in path.name
    page = (folders["rmse"] / "report.md").read_text()
    assert "## rmse by hyperparameter" in page
    assert "values (a regression)" in page
    assert "of the targets in standard deviations" in page
    assert "Confusion matrix" not in page


def test_ranking_csv_of_a_regression_has_its_metrics_and_none_of_classes(folders):
    rows = ranking(folders["rmse"])
    names = [name for name in rows[0] if name.startswith("validation_")]
    assert names == [f"validation_{name}" for name in ("rmse", "mae", "r2", "cost", "loss")]
    assert float(rows[0]["validation_rmse"]) < float(rows[1]["validation_rmse"])
    assert float(rows[-1]["test_rmse"]) == pytest.approx(43.6, abs=1.5)


def test_replicates_of_any_metric_have_an_interval_and_a_comparison_over_seeds(engine, folders):
    frames = load_frames(engine, "seeds")
    (view,) = view_stages(frames)
    best = view.ranked[0]
    values = [trial["value"] for trial in frames.rows if trial["id"] in best.trial_ids]
    assert best.validation.value == pytest.approx(np.mean(values))
    assert best.validation.low < min(best.validation.value, best.validation.high)
    assert {row.mark for row in view.ranked} >= {"best", "worse"}
    page = (folders["seeds"] / "report.md").read_text()
    assert "mean ± standard deviation over 3 seeds; 95% interval of the mean" in page
    assert "no interval and no test" not in page
    assert "over other seeds, but not other samples" in page
    assert "Validation rmse by epoch" in page
    assert (folders["seeds"] / "figures" / "early-stopping-wide.svg").exists()


def test_negative_values_and_values_above_one_keep_their_interval(engine):
    frames = load_frames(engine, "seeds")
    (view,) = view_stages(frames)
    assert all(row.validation.high > 1 for row in view.ranked)


def test_importance_is_the_same_for_a_metric_and_its_mirror_image(tmp_path):
    engine = made_study.make_engine(tmp_path)
    make_replicates(engine, "up")
    make_replicates(engine, "down", objective=RMSE)
    found = [
        stage_importances(frames, view_stages(frames)) for frames in (load_frames(engine, n) for n in ("up", "down"))
    ]
    assert found[0] == found[1]


def test_pruning_of_a_minimised_metric_is_a_mirror_image(tmp_path):
    histories, views = [], []
    for name, columns in (("up", {}), ("down", {"objective": RMSE})):
        (tmp_path / name).mkdir()
        engine = made_study.make_engine(tmp_path / name)
        search = made_pruned.halving(np.random.default_rng(3), 40, 0.4)
        made_pruned.store(engine, search, audit=0.4, **columns)
        frames = load_frames(engine, "made")
        (history,) = pruning_histories(frames).values()
        histories.append([(each.number, each.rungs, each.pruned_at, each.audited) for each in history.candidates])
        views += view_pruning(frames, view_stages(frames))
        page = write_report(engine, "made", tmp_path / name, ("html",)).read_text()
    assert histories[0] == histories[1]
    assert [row.reached for row in views[0].rungs] == [row.reached for row in views[1].rungs]
    assert "ended below the best that was not pruned" in views[1].lost[0]
    assert not any("probability" in sentence for sentence in views[1].lost)
    assert "highest that" in page
    assert "rmse<br>at the rung" in page


def test_studies_of_one_objective_can_be_compared_and_others_not(engine, tmp_path):
    page = compare_studies(engine, ["seeds", "seeds again"], tmp_path).read_text()
    assert "Welch&#39;s t over seeds" in page
    assert "ccurac" not in page
    assert "A lower rmse is better." in page
    with pytest.raises(InputError, match="one objective, but 'loss' has loss and 'rmse' has rmse"):
        compare_studies(engine, ["loss", "rmse"], tmp_path)


def test_best_has_the_objective_and_no_accuracy(engine):
    best = Results(load_frames(engine, "rmse")).best
    assert (best.metric, best.value, best.corrected) == ("rmse", pytest.approx(43.9, abs=1), None)
    assert best.accuracy != best.accuracy
    assert best.test == pytest.approx(43.6, abs=1.5)


def test_a_reference_may_be_of_a_recorded_metric_and_of_one_that_is_not(engine):
    frames = load_frames(engine, "balanced")
    reference = {"configuration": {}, "stage": "coarse", "tolerance": None, "note": "", "source": "a paper"}
    metrics = ("validation_balanced_accuracy", "validation_f1_macro", "test_brier")
    rows = tuple(Reference.model_construct(**reference, metric=name, value=0.45) for name in metrics)
    object.__setattr__(frames, "written", frames.written.model_copy(update={"references": rows}))
    found = reference_rows(frames)
    assert [row.reproduced[:2] for row in found] == ["46", "0.", "–"]
    assert found[0].verdict == "not compared: noise unknown"
    assert found[2].verdict == "this study does not record it"


BASE = {"class": "cat", "validation": 0.53, "test": 0.52}


def test_a_report_says_first_that_nothing_beats_always_predicting_the_commonest_class(tmp_path):
    engine = made_study.make_engine(tmp_path)
    made_study.make_search(engine, base_rate=BASE)
    page = write_report(engine, "coarse-to-fine", tmp_path, ("md",)).with_name("report.md").read_text()
    lines = [line for line in page.splitlines() if line]
    assert lines[2].startswith("- Best: ")
    assert lines[4].startswith("- Better by: not better, beyond noise, than always predicting class cat (53.0%); ")
    assert "No configuration is better, beyond noise, than always predicting the commonest class, cat" in page
    assert "healthy" not in page
    assert "plateaued" not in page


def test_the_base_rate_is_named_and_those_that_are_not_above_it_are_counted(tmp_path):
    engine = made_study.make_engine(tmp_path)
    made_study.make_search(engine, base_rate=BASE | {"validation": 0.48})
    page = write_report(engine, "coarse-to-fine", tmp_path, ("md",)).with_name("report.md").read_text()
    assert "No configuration is better" not in page
    named = (
        "Always predicting the commonest class, cat, has an accuracy of 48.00% on the validation samples (52.00% on the"
    )
    assert named in page
    assert re.search(r"\d of 10 configurations of fine are no better than that beyond noise\.", page)
