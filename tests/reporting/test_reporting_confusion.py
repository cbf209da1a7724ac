"""The confusion matrix on the test set: its numbers, the most confused classes, and the source of the true classes."""

import json

import made_study
import numpy as np
import sqlalchemy
from made_advice import HEAD, RANDOM

from hpsearch.data import prepare
from hpsearch.data.sources.catalogue import load as load_dataset
from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.sections.confusion import confusion, matrix
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.storage import schema
from hpsearch.storage.damage.checksums import checksum


def views(engine, name="made"):
    frames = load_frames(engine, name)
    return frames, view_stages(frames)


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
        maker.insert(schema.predictions, row | {"predicted": predicted.tobytes(), "epoch": maker.best_epoch(trial)})
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
        other = b"\xff" * 45
        connection.execute(schema.predictions.update().values(correct=other, correct_checksum=checksum(other)))
    assert confusion(*views(engine), examples=False).missing.startswith("The test set that is available is not the one")


def test_a_confusion_matrix_has_true_classes_as_rows_and_the_mean_of_the_trials():
    labels = np.array([0, 0, 1, 2])
    predicted = [np.array([0, 1, 1, 0], np.uint8), np.array([0, 0, 1, 0], np.uint8)]
    assert matrix(labels, predicted, 3).tolist() == [[1.5, 0.5, 0], [0, 1, 0], [1, 0, 0]]
