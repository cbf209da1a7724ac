"""What the report says of a choice: corrected accuracy, what cannot be told apart, and the test beside it."""

import re

import made_study
import numpy as np
import pytest
from test_reporting_replicates import replicated

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.sections.certainty import check_final, points, view_choices
from hpsearch.reporting.sections.resolution import resolution
from hpsearch.reporting.sections.stage import view_stages
from hpsearch.reporting.statistics.selection import correct_for_choosing


def choices(frames):
    return view_choices(frames, view_stages(frames))


def test_each_searching_stage_has_its_winner_corrected(finished):
    coarse, fine = choices(finished)
    assert (coarse.stage, coarse.configurations, coarse.samples) == ("coarse", "11", "5,000")
    assert fine.chosen.raw == pytest.approx(finished.trials.query("stage == 'fine'")["value"].max())
    assert fine.chosen.low < fine.chosen.corrected < fine.chosen.raw
    assert re.fullmatch(r"\+0\.\d\d", fine.selection_bias)


def test_the_final_is_tested_beside_the_corrected_accuracy(finished):
    stages = view_stages(finished)
    check = check_final(finished, stages, view_choices(finished, stages))
    apart, low, high = check.difference
    tests = finished.trials["test_accuracy"].dropna()
    assert (check.test_evaluations, check.trained) == (3, "49,000 images instead of 45,000")
    assert apart == pytest.approx(view_choices(finished, stages)[-1].chosen.corrected - tests.mean())
    assert low < apart < high


def test_the_page_and_its_summary_say_it(finished_engine, tmp_path):
    text = write_report(finished_engine, "coarse-to-fine", tmp_path).read_text()
    plain = " ".join(re.sub("<[^>]+>", "", text).split())
    assert '<section id="certainty">' in text
    assert re.search(r"Corrected for having been chosen, that accuracy is 5\d\.\d\d% \(95% interval", plain)
    assert re.search(r"That is \d\.\d\d points (below|above) the corrected validation accuracy, no more than", plain)
    assert "trained on 49,000 images instead of 45,000" in plain


def test_seeds_count_by_how_many_of_them_are_right(engine):
    replicated(engine)
    frames = load_frames(engine, "made")
    (choice,) = choices(frames)
    best = frames.trials[frames.trials["rank"] == 1]
    assert choice.chosen.raw == pytest.approx(best["value"].mean())
    assert choice.chosen.samples == 5_000


def test_folds_are_pooled(engine):
    replicated(engine, data={"train": 10_000, "validation": 5_000, "test": 0, "folds": 3})
    frames = load_frames(engine, "made")
    (choice,) = choices(frames)
    ranked = frames.trials[frames.trials["rank"].notna()]
    pooled = [
        np.concatenate([frames.correct(trial) for trial in group["id"]]).astype(np.uint8)
        for _, group in ranked.groupby("rank")
    ]
    assert choice.chosen == correct_for_choosing(iter(pooled))
    assert choice.samples == "15,000"


def test_a_stage_whose_predictions_were_not_kept_is_left_out(engine):
    maker, stage = replicated(engine, replicates=1)
    maker.unfinished(stage, 9, {"lambda": 0.1}, "complete", value=0.3, best_epoch=1)
    assert choices(load_frames(engine, "made")) == []


def lambdas(engine, right):
    """A stage of λ = 1e-1, 1e-2, …, and which images each of them gets right."""
    maker = made_study.Maker(engine)
    stage = maker.stage("coarse", "grid", {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}})
    for number, each in enumerate(right):
        accuracy = float(each.mean())
        columns = {"value": accuracy, "best_epoch": 1, "epochs_done": 1}
        trial = maker.unfinished(stage, number, {"lambda": 10.0 ** -(number + 1)}, "complete", **columns)
        maker.insert_curve(trial, 1, validation_accuracy=accuracy, validation_loss=1.0)
        maker.predictions(trial, "validation", each)
    frames = load_frames(engine, "made")
    return resolution(frames, view_stages(frames)[0])


def test_one_key_that_cannot_be_told_apart_is_an_interval_with_the_images_needed(engine):
    samples = np.arange(5_000)
    best = samples < 2_500
    near = (samples < 2_400) | ((samples >= 2_500) & (samples < 2_585))  # 100 against 85: 0.3 points
    said = lambdas(engine, [samples < 900, near, best, near, samples < 1_000])
    assert said.startswith("On these 5,000 images λ from 1e-4 to 1e-2 cannot be told apart; about 30,000 images would")
    assert "to see the 0.30 points between the best and the next" in said
    assert said.endswith("A difference of 0.8 points would be seen on these images in four of five cases.")


def test_a_worse_configuration_in_between_forbids_to_speak_of_an_interval(engine):
    samples = np.arange(1_000)
    near = (samples < 480) | ((samples >= 500) & (samples < 515))
    said = lambdas(engine, [near, samples < 100, samples < 500, near])
    assert said.startswith(
        "On these 1,000 images the configurations that cannot be told from the best spread over λ from"
    )


def test_where_all_can_be_told_nothing_is_said_of_images(engine):
    samples = np.arange(1_000)
    assert lambdas(engine, [samples < 500, samples < 100]) == ""


def test_seeds_have_their_own_number_needed(engine):
    replicated(engine, [0.45, 0.5, 0.499])
    frames = load_frames(engine, "made")
    said = resolution(frames, view_stages(frames)[0])
    assert said.startswith("Over these 3 seeds (on the same images) ")
    assert re.search(r"(about|more than) [\d,]+ seeds would be needed", said) or "needed" not in said


def test_points_carry_their_sign_unless_they_are_nothing():
    assert [points(share, 1) for share in (0.012, -0.012, 0.0001, -0.0001)] == ["+1.2", "−1.2", "0.0", "0.0"]
