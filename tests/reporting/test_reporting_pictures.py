"""Pairs of hyperparameters, curves that end early, chosen trials, the confusion matrix, the provenance of ranges."""

import json

import made_study
import numpy as np
import pytest
import sqlalchemy
from made_advice import HEAD, RANDOM, make, spread

from hpsearch.data import prepare
from hpsearch.data.sources.catalogue import load as load_dataset
from hpsearch.errors import InputError
from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.figures.curves import curve_groups
from hpsearch.reporting.figures.early_stopping import early_stopping_figures
from hpsearch.reporting.figures.pairs import pair_figures
from hpsearch.reporting.figures.parallel_coordinates import parallel_coordinates
from hpsearch.reporting.options import chosen_trials
from hpsearch.reporting.sections.confusion import confusion, matrix
from hpsearch.reporting.sections.provenance import stage_provenance
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.storage import schema


def views(engine, name="made"):
    frames = load_frames(engine, name)
    return frames, view_stages(frames)


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
    stages = view_stages(finished)
    group = curve_groups(finished, stages, [("fine", 3), ("coarse", 0), ("final", 1)])[-1]
    assert (group.title, len(group.figures)) == ("Requested trials", 4)
    assert [text.split(": ")[0] for text in group.legend] == ["fine:3", "coarse:0", "final:1"]


@pytest.mark.parametrize(
    ("trials", "line"),
    [
        ([("fnie", 3)], "--trials: there is no stage 'fnie'; did you mean 'fine'?"),
        ([("fine", 30)], "--trials: stage 'fine' has no trial 30; it has 0 to 9"),
    ],
)
def test_a_trial_that_does_not_exist_costs_one_line(finished_engine, tmp_path, trials, line):
    with pytest.raises(InputError) as error:
        write_report(finished_engine, "coarse-to-fine", tmp_path, trials=trials)
    assert str(error.value) == line
    with pytest.raises(InputError, match=r"--trials must name trials as STAGE:NUMBER, e\.g\. fine:3,final:0, got '7'"):
        chosen_trials("fine:3,7")


def test_a_range_around_the_best_names_their_trials_and_accuracies(engine):
    text = HEAD + RANDOM + '[[stage]]\nname = "fine"\nsampler = { kind = "grid" }\n'
    text += 'space.lambda = { around = "search", best = 2, points = 3 }\n'
    configurations = [{"lambda": value, "batch_size": 50} for value in (1e-4, 1e-3, 1e-2)]
    maker = make(engine, configurations, [0.3, 0.9, 0.6], text=text)
    fine = maker.stage("fine", "grid", {"lambda": {"low": 1e-3, "high": 1e-2, "log": True}})
    maker.trial(fine, 0, {"lambda": 1e-3}, 0.9, epochs_done=9, reason="stopped early: x")
    search, other = stage_provenance(*views(engine))
    assert (search.trials, search.epochs) == ("3 complete", "36")
    assert (other.trials, other.epochs) == ("1 complete, 1 of them stopped early", "9 (3 saved)")
    assert other.ranges[0].startswith("λ: around the best 2 of search, search:1 (1e-3, 8")
    assert " and search:2 (1e-2, " in other.ranges[0]


def confused_study(engine, seeds=2):
    """A final on the digits with some predictions of 8 for the true class 3."""
    dataset = load_dataset("digits")
    study = {"dataset": "digits", "fingerprint": dataset.fingerprint, "classes": list("0123456789")}
    maker = made_study.Maker(engine, text=HEAD + RANDOM + "[final]\n", data=study | {"image_shape": [1, 8, 8]})
    final = maker.stage("final", "final", None, trials=seeds, test=True)
    for seed in range(seeds):
        trial = maker.trial(final, seed, {"lambda": 0.1}, 0.9, point=0, replicate=seed)
        predicted = dataset.test_labels.astype(np.uint8)
        predicted[np.flatnonzero(predicted == 3)[: 4 + seed]] = 8
        right = predicted == dataset.test_labels
        row = {"trial_id": trial, "split": "test", "samples": right.size, "correct": np.packbits(right).tobytes()}
        maker.insert(schema.predictions, row | {"predicted": predicted.tobytes()})
    return maker


def test_the_most_confused_classes_are_named_and_shown_only_on_request(engine):
    confused_study(engine)
    frames, stages = views(engine)
    found = confusion(frames, stages, examples=True)
    pair = found.pairs[0]
    assert (pair.names, pair.samples, pair.second_as_first) == (("3", "8"), "4", "0.0%")
    assert pair.first_as_second == f"{100 * 4.5 / np.sum(load_dataset('digits').test_labels == 3):.1f}%"
    assert [caption for caption, _ in pair.examples] == ["true class 3, predicted 8"] * 3
    assert len(found.pairs) == 1
    assert confusion(frames, stages, examples=False).pairs[0].examples == ()


def test_a_report_has_example_images_only_on_request(engine, tmp_path):
    confused_study(engine, seeds=1)
    page = write_report(engine, "made", tmp_path).read_text()
    assert "example, true class 3, predicted 8" not in page
    assert "Example images are left out" in page
    assert "example, true class 3, predicted 8" in write_report(engine, "made", tmp_path, examples=True).read_text()


def test_labels_come_from_a_prepared_split_and_without_any_the_section_says_so(engine, monkeypatch, tmp_path):
    maker = confused_study(engine, seeds=1)
    prepare(load_dataset("digits"), train=100, validation=50, seed=0)
    monkeypatch.setattr("hpsearch.data.load", None)  # not needed
    assert confusion(*views(engine), examples=False).pairs
    monkeypatch.undo()
    with engine.begin() as connection:
        data = maker_data(connection) | {"fingerprint": "0" * 64}
        connection.execute(schema.studies.update().values(data=data))
    found = confusion(*views(engine), examples=False)
    assert found.missing.startswith("The true classes of the test set are not in the database")
    assert maker.study == 1


def maker_data(connection):
    stored = connection.execute(sqlalchemy.select(schema.studies.c.data)).scalar_one()
    return json.loads(json.dumps(stored))


def test_predictions_for_another_test_set_have_no_confusion_matrix(engine):
    confused_study(engine, seeds=1)
    with engine.begin() as connection:
        connection.execute(schema.predictions.update().values(correct=b"\xff" * 45))
    assert confusion(*views(engine), examples=False).missing.startswith("The test set that is available is not the one")


def test_a_confusion_matrix_has_true_classes_as_rows_and_the_mean_of_the_trials():
    labels = np.array([0, 0, 1, 2])
    predicted = [np.array([0, 1, 1, 0], np.uint8), np.array([0, 0, 1, 0], np.uint8)]
    assert matrix(labels, predicted, 3).tolist() == [[1.5, 0.5, 0], [0, 1, 0], [1, 0, 0]]
