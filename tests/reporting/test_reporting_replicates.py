"""Stages whose configurations have replicates: ranked by the mean, a row per configuration, compared seed by seed."""

import csv
import io
import math

import made_study
import numpy as np
import pandas as pd
import pytest

from hpsearch.reporting import load_frames
from hpsearch.reporting.figures.curves import by_epoch, curve_groups
from hpsearch.reporting.figures.hyperparameters import hyperparameter_points
from hpsearch.reporting.figures.search import reading_aid
from hpsearch.reporting.figures.weights import weight_images
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.formats.markdown import ranking_md
from hpsearch.reporting.sections.ranking.replicates import Replication
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.summary import summarise
from hpsearch.search.ranking import rank
from hpsearch.storage import reading, schema


def replicated(engine, ceilings=(0.45, 0.50, 0.499), replicates=3, **columns):
    """A stage of configurations λ = 1e-1, 1e-2, … with so many replicates each; `columns` are those of the stage."""
    maker = made_study.Maker(engine)
    space = {"lambda": {"low": 1e-4, "high": 1e-1, "log": True}}
    stage = maker.stage("coarse", "random", space, trials=len(ceilings) * replicates, **columns)
    for point, ceiling in enumerate(ceilings):
        for replicate in range(replicates):
            keys = {"point": point, "replicate": replicate, "test": columns.get("test", False)}
            maker.trial(stage, point * replicates + replicate, {"lambda": 10.0 ** -(point + 1)}, ceiling, **keys)
    return maker, stage


def change(engine, number, **columns):
    with engine.begin() as connection:
        connection.execute(schema.trials.update().where(schema.trials.c.number == number).values(columns))


def view(engine):
    return view_stages(load_frames(engine, "made"))[0]


def test_a_configuration_has_one_row_with_mean_deviation_and_the_two_way_interval(engine):
    replicated(engine)
    frames = load_frames(engine, "made")
    best = view(engine).rows[0]
    kept = frames.trials[frames.trials["rank"] == 1]
    values = kept["value"]
    shares = np.mean([frames.correct(trial) for trial in kept["id"]], axis=0)
    of_samples = shares.std(ddof=1) / math.sqrt(shares.size)
    assert best.validation.value == pytest.approx(values.mean())
    half = (best.validation.high - best.validation.low) / 2
    assert 1.96 * of_samples < half < 1.96 * math.hypot(of_samples, 0.02)  # other samples and other seeds
    assert best.objective == f"{100 * values.mean():.2f}% ± {100 * values.std():.2f}"
    assert [row.trial for row in view(engine).rows] in (
        [f"coarse:{numbers}" for numbers in order] for order in (["3–5", "6–8", "0–2"], ["6–8", "3–5", "0–2"])
    )


def test_the_report_ranks_as_the_search_does(engine):
    _, stage = replicated(engine, [0.48, 0.48, 0.48, 0.48, 0.5])
    change(engine, 4, state="failed", reason="NaN")
    for number in (0, 1, 2, 9, 10, 11):
        change(engine, number, value=0.485)
    with engine.connect() as connection:
        expected = [ranked.number for ranked in rank(reading.trials(connection, stage))]
    assert [row.number for row in view(engine).ranked] == expected
    assert len(expected) == 4


def test_ranking_csv_has_a_row_per_trial_that_shares_the_rank_of_its_configuration(engine):
    replicated(engine, [0.4, 0.5])
    change(engine, 1, state="failed", reason="NaN in epoch 2")
    content = list(csv.DictReader(io.StringIO(ranking_csv(load_frames(engine, "made")))))
    assert [row["rank"] for row in content] == ["1", "1", "1", "", "", ""]
    assert [row["trial"] for row in content] == [f"coarse:{number}" for number in (3, 4, 5, 0, 1, 2)]
    assert [row["replicate"] for row in content] == ["0", "1", "2"] * 2


def test_the_finals_replicates_share_a_rank_and_are_not_compared(finished):
    final = finished.trials[finished.trials["kind"] == "final"]
    assert (final["rank"].tolist(), final["replicate"].tolist()) == ([1, 1, 1], [0, 1, 2])
    stage = view_stages(finished)[2]
    assert stage.headings == ("replicate", "trial")
    assert [(row.rank, row.mark) for row in stage.rows] == [("0", ""), ("1", ""), ("2", "")]
    assert not stage.remarked


def test_configurations_are_compared_with_the_best_over_samples_and_seeds(engine):
    replicated(engine, [0.40, 0.52, 0.519], replicates=5)
    stage = view(engine)
    assert [row.mark for row in stage.rows] == ["best", "tied", "worse"]
    assert "over other seeds and other samples" in stage.caption
    assert "which allows for the best being the highest of all configurations" in stage.caption
    assert stage.rows[2].remark.startswith("worse (−")
    assert stage.size.startswith("3 configurations × 5 seeds, 15 trials, random search")
    assert "| rank | trials | λ | validation accuracy ± SD |" in ranking_md("made", [stage])


def test_folds_share_training_samples_which_widens_the_interval(engine):
    maker, _ = replicated(engine, replicates=4)
    data = {"train": 15_000, "validation": maker.samples, "test": 10_000, "folds": 4}
    with engine.begin() as connection:
        connection.execute(schema.stages.update().values(data=data))
    stage = view(engine)
    assert stage.replication == Replication("fold", 4, pytest.approx(1 / 3), 4)
    assert stage.rows[0].validation.high - stage.rows[0].validation.low > 0
    assert "the correction of Nadeau and Bengio (2003)" in stage.caption


def test_a_configuration_with_a_failed_or_unfinished_replicate_has_no_rank_and_says_why(engine):
    replicated(engine)
    change(engine, 4, state="failed", reason="the training cost became NaN in epoch 2")
    change(engine, 8, state="running", epochs_done=3)
    rows = view(engine).rows
    assert [(row.rank, row.state, row.objective) for row in rows[1:]] == [("–", "running", "–"), ("–", "failed", "–")]
    assert rows[1].remark == "running, 2 of 3 seeds done"
    assert rows[2].remark == "failed: 1 of 3 seeds; seed 1: the training cost became NaN in epoch 2"
    assert "best" in rows[0].remark


def test_the_summary_gives_means_and_counts_every_test_set_evaluation(engine):
    replicated(engine, test=True)
    frames = load_frames(engine, "made")
    text = " ".join(summarise(frames, view_stages(frames)))
    assert "mean ± standard deviation over 3 seeds; 95% interval of the mean" in text
    assert "Test-set evaluations: 9 (9 in coarse); all before the best configuration was chosen." in text
    assert "Its test accuracy is" in text


def test_the_search_figure_has_a_mark_per_configuration_and_says_what_its_line_is(engine):
    replicated(engine)
    frames = load_frames(engine, "made")
    stages = view_stages(frames)
    points = hyperparameter_points(frames, stages, "lambda").points
    assert sorted(point.x for point in points) == [1e-3, 1e-2, 1e-1]
    assert points[0].estimate == stages[0].rows[0].validation
    assert reading_aid(frames, stages)[0].startswith(
        "Each mark is the mean of a configuration's replicates; its line is the 95% interval."
    )


def test_curves_are_means_with_a_band_for_the_best_three_configurations(engine):
    maker, _ = replicated(engine, [0.4, 0.45, 0.5, 0.55])
    maker.weights(7, 50, 10)
    frames = load_frames(engine, "made")
    (group,) = curve_groups(frames, view_stages(frames))
    assert [text.split(": ")[0] for text in group.legend] == [
        "rank 1, coarse:9–11",
        "rank 2, coarse:6–8",
        "rank 3, coarse:3–5",
    ]
    assert 'aria-label="cost by epoch; 3 configurations"' in group.figures[0]
    assert weight_images(frames, view_stages(frames)) is None  # only the best configuration's first replicate is shown


def test_a_mean_ends_where_the_first_replicate_does_and_has_gaps_where_one_is_not_finite():
    long = pd.DataFrame({"epoch": [1, 2, 3], "loss": [2.0, math.inf, 1.0]})
    short = pd.DataFrame({"epoch": [1, 2], "loss": [4.0, 1.0]})
    found = by_epoch([long, short], "loss")
    assert found.index.tolist() == [1, 2]
    assert found.loc[1].tolist() == [3.0, 2.0, 4.0]
    assert found.loc[2].isna().all()


def test_a_trial_that_stopped_early_is_complete_and_its_remark_says_so(engine):
    replicated(engine, replicates=1)
    reason = "stopped early: no better validation accuracy for 5 epochs"
    change(engine, 0, epochs=40, reason=reason)
    stage = view(engine)
    (row,) = (row for row in stage.rows if row.trial == "coarse:0")
    assert row.mark == "worse"
    assert row.remark.endswith("; stopped early after epoch 12 of 40")
    assert row.best_epoch.endswith(" of 12")
    assert stage.caption.endswith(" Stopped early: no better validation accuracy for 5 epochs.")


def test_replicates_that_stopped_early_are_counted(engine):
    replicated(engine)
    for number in (0, 1):
        change(engine, number, epochs=40, reason="stopped early: no better validation accuracy for 5 epochs")
    (row,) = (row for row in view(engine).rows if row.trial == "coarse:0–2")
    assert row.remark.endswith("; stopped early: 2 of 3 seeds")
