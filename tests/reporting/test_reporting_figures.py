"""Figures show what the frames hold, and are drawn in any case."""

import re

import made_study
import numpy as np
import pytest
import sqlalchemy
from made_advice import make, spread

from hpsearch.errors import InputError
from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.figures.curves import curve_groups
from hpsearch.reporting.figures.early_stopping import early_stopping_figures
from hpsearch.reporting.figures.hyperparameters import hyperparameter_points
from hpsearch.reporting.figures.pairs import pair_figures
from hpsearch.reporting.figures.parallel_coordinates import parallel_coordinates
from hpsearch.reporting.figures.search import search_figures
from hpsearch.reporting.figures.weights import first_layer, weight_image, weight_images
from hpsearch.reporting.options import chosen_trials
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.storage import schema


def views(engine, name="made"):
    frames = load_frames(engine, name)
    return frames, view_stages(frames)


def test_a_log_range_has_a_log_axis_and_choices_have_places(finished):
    decay = hyperparameter_points(finished, view_stages(finished), "lambda")
    assert decay.log
    assert decay.ranges == {0: (1e-5, 1e-1), 1: (3.2e-4, 2.1e-3)}
    assert len(decay.points) == 25
    assert sum(point.estimate is None for point in decay.points) == 1
    assert hyperparameter_points(finished, view_stages(finished), "batch_size").choices == ("50", "100", "200", "400")


def test_the_last_stages_range_is_drawn_large_beside_the_whole(finished):
    figures = search_figures(finished, view_stages(finished))
    assert ["range of the last search stage" in figure for figure in figures] == [False, True, False]


def test_a_figure_drawn_again_has_the_same_bytes(finished):
    first, again = (pair_figures(finished, view_stages(finished)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    "values", [[0, 0.1, 1], [[50], [100, 50], [100]], ["relu", "tanh", "relu"], [True, False, True], [None, 1, "a"]]
)
def test_a_stage_of_configurations_of_any_kind_is_drawn(engine, values):
    maker = made_study.Maker(engine)
    stage = maker.stage("table", "list", None)
    for number, value in enumerate(values):
        maker.trial(stage, number, {"key": value}, 0.4)
    frames = load_frames(engine, "made")
    assert len(search_figures(frames, view_stages(frames))) == 1


@pytest.mark.parametrize(
    "space", [{"low": 0, "high": 1}, {"low": 0.1, "high": 1.0, "log": True}, {"low": 3, "high": 3}]
)
def test_ranges_with_zero_or_without_width_are_drawn(engine, space):
    maker = made_study.Maker(engine)
    maker.trial(maker.stage("one", "random", {"key": space}), 0, {"key": space["low"]})
    frames = load_frames(engine, "made")
    assert len(search_figures(frames, view_stages(frames))) == 1


def test_many_trials_do_not_make_a_large_figure(engine):
    maker = made_study.Maker(engine)
    stage = maker.stage("one", "random", {"key": {"low": 0.0, "high": 1.0}})
    rows = [
        {"stage_id": stage, "number": number, "params": {"key": number / 500}, "validation": 0.3 + number / 2_000}
        for number in range(500)
    ]
    maker.insert_finished(rows)
    frames = load_frames(engine, "made")
    assert len(search_figures(frames, view_stages(frames))[0]) < 60_000


def test_curves_are_those_of_the_best_three_and_of_the_replicates(finished):
    best, final = curve_groups(finished, view_stages(finished))
    assert best.title == "Best 3 of fine"
    assert [text.split(",")[0] for text in best.legend] == ["rank 1", "rank 2", "rank 3"]
    assert sorted(text.split(";")[0] for text in final.legend) == ["replicate 0", "replicate 1", "replicate 2"]
    assert len(best.figures) == len(final.figures) == 4


def test_curves_with_gaps_and_infinite_values_are_drawn(engine):
    maker = made_study.Maker(engine)
    trial = maker.unfinished(maker.stage("one", "list", None), 0, {}, "complete", best_epoch=1, value=0.1)
    for epoch, loss in enumerate([2.3, float("inf"), None, 1e30], start=1):
        maker.insert_curve(trial, epoch, train_loss=loss, validation_loss=loss, validation_accuracy=0.1)
    frames = load_frames(engine, "made")
    assert len(curve_groups(frames, view_stages(frames))[0].figures) == 4


def test_a_one_layer_model_shows_a_picture_per_class(engine):
    maker = made_study.Maker(engine, image_shape=(1, 8, 8), classes=list("0123456789"))
    maker.weights(maker.trial(maker.stage("one", "list", None), 0, {"lambda": 0.1}), 10)
    frames = load_frames(engine, "made")
    samples = weight_images(frames, view_stages(frames))
    assert [name for name, _, _ in samples.units] == list("0123456789")
    assert "weights of each class" in samples.caption


def test_a_deeper_model_shows_units_of_its_first_layer(finished):
    samples = weight_images(finished, view_stages(finished))
    assert len(samples.units) == 50
    assert samples.units[0][0] == "unit 1"
    assert re.search(r"each unit of the first layer, as images: trial final:\d, λ = ", samples.caption)


def test_at_most_fifty_units_are_shown(engine):
    maker = made_study.Maker(engine, image_shape=(1, 8, 8))
    maker.weights(maker.trial(maker.stage("one", "list", None), 0, {}), 64, 10)
    frames = load_frames(engine, "made")
    samples = weight_images(frames, view_stages(frames))
    assert len(samples.units) == 50
    assert "the first 50 of 64" in samples.caption


def test_zero_is_grey_in_colour_and_white_in_a_single_channel():
    assert np.all(weight_image(np.zeros(12), (3, 2, 2)) == 128)
    assert np.all(weight_image(np.zeros(4), (1, 2, 2)) == 255)
    assert weight_image(np.array([1.0, 0, 0, -1]), (1, 2, 2))[0, 0].tolist() == [166, 25, 13]


def test_a_channel_of_the_weights_is_a_channel_of_the_picture():
    weights = np.zeros((3, 2, 2))
    weights[0, 0, 1] = 0.5  # the first channel is red
    assert weight_image(weights.ravel(), (3, 2, 2))[0, 1].tolist() == [255, 128, 128]


def test_the_first_layer_is_the_one_that_takes_whole_images():
    arrays = {"0.bias": np.zeros(64), "1.weights": np.zeros((5, 64)), "2.weights": np.ones((64, 5))}
    assert first_layer(arrays, 64) is arrays["2.weights"]
    assert first_layer(arrays, 65) is None


def test_each_pair_of_hyperparameters_has_a_figure_with_all_stages(finished):
    stages = view_stages(finished)
    pairs, parallel = pair_figures(finished, stages), parallel_coordinates(finished, stages)
    assert len(pairs) == 1
    assert "Validation accuracy over λ and batch size." in pairs[0]
    assert "Parallel coordinates of λ and batch size and the validation accuracy." in parallel
    for colour in ("--series-0", "--series-1"):  # of both stages
        assert colour in pairs[0]
        assert colour in parallel


def test_one_hyperparameter_or_one_value_has_no_pair(engine):
    configurations = [{"lambda": value, "batch_size": 100} for value in spread(1e-4, 1e-2, 4)]
    make(engine, configurations, [0.3, 0.4, 0.5, 0.4])
    assert pair_figures(*views(engine)) == []
    assert parallel_coordinates(*views(engine)) == ""


def test_hyperparameters_of_some_trials_only_and_lists_and_texts_are_drawn(engine):
    maker = made_study.Maker(engine)
    stage = maker.stage("one", "list", None)
    for number, params in enumerate(
        [{"hidden": [50], "eta": 0.1}, {"hidden": [100, 50], "eta": 0.2}, {"kind": "a$b", "eta": 0.1}, {"kind": "b"}]
    ):
        maker.trial(stage, number, params, 0.3 + number / 10)
    assert len(pair_figures(*views(engine))) == 1
    assert parallel_coordinates(*views(engine)) == ""


def test_curves_that_end_at_a_rung_are_drawn_with_a_mark(engine):
    maker = make(engine, [{"lambda": value, "batch_size": 50} for value in spread(1e-4, 1e-1, 6)], [0.5] * 6)
    assert early_stopping_figures(*views(engine)) == []
    with engine.begin() as connection:
        for number, (state, epochs) in enumerate([("pruned", 4), ("pruned", 4), ("pruned", 8), ("complete", 6)]):
            trial = connection.execute(sqlalchemy.select(schema.trials.c.id).where(schema.trials.c.number == number))
            one = trial.scalar_one()
            values = {"state": state, "epochs_done": epochs, "reason": "stopped early: no better"}
            connection.execute(schema.trials.update().where(schema.trials.c.id == one).values(values))
            of_one = (schema.curves.c.trial_id == one) & (schema.curves.c.epoch > epochs)
            connection.execute(schema.curves.delete().where(of_one))
    (figure,) = early_stopping_figures(*views(engine))
    said = "Validation accuracy by epoch of the trials of search: 3 trials pruned and 1 trial stopped early"
    assert f"{said}, with rungs at epochs 4." in figure
    assert maker.study == 1


def test_chosen_trials_are_drawn_beside_the_best(finished):
    group = curve_groups(finished, view_stages(finished), [("fine", 3), ("coarse", 0), ("final", 1)])[-1]
    assert (group.title, len(group.figures)) == ("Requested trials", 4)
    assert [text.split(": ")[0] for text in group.legend] == ["fine:3", "coarse:0", "final:1"]


def test_a_trial_that_does_not_exist_costs_one_line(finished_engine, finished, tmp_path):
    with pytest.raises(InputError) as error:
        write_report(finished_engine, "coarse-to-fine", tmp_path, trials=[("fnie", 3)])
    assert str(error.value) == "--trials: there is no stage 'fnie'; did you mean 'fine'?"
    with pytest.raises(InputError) as error:
        curve_groups(finished, view_stages(finished), [("fine", 30)])
    assert str(error.value) == "--trials: stage 'fine' has no trial 30; it has 0 to 9"
    with pytest.raises(InputError, match=r"--trials must name trials as STAGE:NUMBER, e\.g\. fine:3,final:0, got '7'"):
        chosen_trials("fine:3,7")
