"""How a study went: the best so far, what was in training when, and which pairs of hyperparameters are drawn."""

import itertools

import made_study
import pytest
import sqlalchemy
from made_advice import make, spread

from hpsearch.reporting import load_frames
from hpsearch.reporting.figures.pairs import left_out, pair_figures
from hpsearch.reporting.figures.progress.best_so_far import best_so_far_figures
from hpsearch.reporting.figures.progress.expected_best import expected_best_figure
from hpsearch.reporting.figures.progress.timeline import timeline_figure
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.progress.best_so_far import best_so_far
from hpsearch.reporting.sections.progress.times import busy_seconds, spans
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.expected_best import best_by_sizes

ACCURACIES = [0.3, 0.2, 0.5, 0.4, 0.5, 0.6]


@pytest.fixture
def frames(engine):
    """Six trials of one epoch, of which the last two trained together and the first three before a pause."""
    maker = made_study.Maker(engine)
    stage = maker.stage("search", "random", {"key": {"low": 0, "high": 10}})
    rows = [
        {"stage_id": stage, "number": number, "params": {"key": number}, "validation": accuracy}
        for number, accuracy in enumerate(ACCURACIES)
    ]
    maker.insert_finished([row | {"optuna_trial_id": row["number"] + 100} for row in rows])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE trials (trial_id INTEGER, datetime_start TEXT, datetime_complete TEXT)"
        )
        for number, (begin, end) in enumerate([(0, 10), (0, 12), (10, 20), (50, 53), (51, 55), (51, 55)]):
            times = [f"2026-01-01 00:00:{second:02}.000000" for second in (begin, end)]
            connection.exec_driver_sql("INSERT INTO trials VALUES (?, ?, ?)", (number + 100, *times))
    return load_frames(engine, "made")


def test_the_best_so_far_rises_at_each_configuration_that_was_better_than_all_before(frames):
    found = best_so_far(frames, view_stages(frames), spans(frames))
    ((course,), (timed,)) = found.epochs, found.seconds
    assert [(step.at, step.value, step.number) for step in course.steps] == [(1, 0.3, 0), (3, 0.5, 2), (6, 0.6, 5)]
    assert course.end == 6
    assert [(step.at, step.number) for step in timed.steps] == [(10, 0), (20, 2), (25, 5)]  # without the pause


def test_pauses_do_not_count_as_time():
    assert busy_seconds({1: (0, 10), 2: (5, 12), 3: (100, 110), 4: (101, 102)}) == {1: 10, 2: 12, 3: 22, 4: 14}
    assert busy_seconds({}) == {}


def test_trials_that_trained_together_are_one_bar_in_the_lowest_free_row(frames):
    figure = timeline_figure(frames, view_stages(frames), spans(frames))
    assert "6 trials in 5 cohorts, over 55 seconds; at most 2 cohorts at once." in figure
    assert 'data-trials="0:5 0:4"' in figure
    assert timeline_figure(frames, view_stages(frames), {}) == ""


def test_times_that_others_have_damaged_or_deleted_leave_the_figures_of_time_out(frames):
    stages = view_stages(frames)
    assert len(best_so_far_figures(frames, stages, spans(frames))) == 2
    for change in ("UPDATE trials SET datetime_start = 'yesterday'", "DELETE FROM trials", "DROP TABLE trials"):
        with frames.engine.begin() as connection:
            connection.execute(sqlalchemy.text(change))
        assert spans(frames) == {}
    assert len(best_so_far_figures(frames, stages, {})) == 1


def test_the_expected_best_is_drawn_of_stages_that_sampled_at_random(engine):
    make(engine, [{"lambda": value, "batch_size": 50} for value in spread(1e-5, 1e-1, 8)], [0.3, 0.35] * 4)
    frames = load_frames(engine, "made")
    stages = view_stages(frames)
    figure = expected_best_figure(best_by_sizes(frames, stages), stages)
    assert "Expected best validation accuracy by the number of random configurations." in figure
    assert expected_best_figure([], stages) == ""


def test_only_pairs_of_hyperparameters_that_matter_are_drawn(engine):
    keys = ("alpha", "beta", "gamma", "delta", "kappa")
    space = {key: {"low": 0.0, "high": 1.0} for key in keys}
    configurations = [
        dict(zip(keys, (a / 4, b / 4, c / 2, (3 * a + b + c) % 4 / 3, (a + 2 * b + c) % 5 / 4), strict=True))
        for a, b, c in itertools.product(range(5), range(5), range(2))
    ]
    make(
        engine, configurations, [0.3 + 0.2 * each["beta"] + 0.1 * each["delta"] for each in configurations], space=space
    )
    frames = load_frames(engine, "made")
    stages = view_stages(frames)
    found = stage_importances(frames, stages)
    significant = [each.key for each in found[0].hyperparameters if each.significant]
    assert significant[0] == "beta"
    assert len(pair_figures(frames, stages, found)) == 1
    assert left_out(frames, stages, found) == "Pairs with alpha, gamma and kappa are left out: they are less important."
    assert len(pair_figures(frames, stages)) == 3
    assert left_out(frames, stages, []) == "Pairs with delta and kappa are left out: these are the first ones."
