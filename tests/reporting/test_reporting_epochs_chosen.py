"""The correction for the choice of the epoch, from the predictions at every epoch in a real database."""

import made_study
import numpy as np
import pytest

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.candidates import candidates
from hpsearch.reporting.sections.selection_bias import corrected_accuracies, corrected_sentence
from hpsearch.reporting.statistics.selection import Run, correct_selection_bias
from hpsearch.storage import schema


def equal_networks(engine, *, every, training=(), samples=600, epochs=8):
    """Six equal networks at equally good epochs, with the predictions at every epoch or only at the best."""
    random, maker = np.random.default_rng(0), made_study.Maker(engine)
    stage = maker.stage("coarse", "grid", {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}})
    easy, made = random.normal(size=samples), []
    for number in range(6):
        right = easy + 0.5 * random.normal(size=(epochs, samples)) < 0
        best = int(right.mean(axis=1).argmax())
        columns = {"value": float(right[best].mean()), "best_epoch": best + 1, "epochs_done": epochs, "epochs": epochs}
        trial = maker.unfinished(stage, number, {"lambda": 10.0**-number}, "complete", **columns)
        for epoch in range(epochs):
            maker.insert_curve(trial, epoch + 1, validation_accuracy=float(right[epoch].mean()), validation_loss=1.0)
            if every or epoch == best:
                row = {"trial_id": trial, "split": "validation", "epoch": epoch + 1, "samples": samples}
                maker.insert(schema.predictions, row | {"correct": np.packbits(right[epoch]).tobytes()})
        made.append(right)
    if training:
        with engine.begin() as connection:
            connection.execute(schema.trials.update().values(configuration={"model": {}, "training": dict(training)}))
    return load_frames(engine, "made"), sorted(made, key=lambda each: -each.mean(axis=1).max())


def test_the_epochs_in_the_database_are_those_that_are_chosen_again(engine):
    frames, made = equal_networks(engine, every=True)
    (found,) = corrected_accuracies(frames, view_stages(frames))
    expected = correct_selection_bias([[Run.of(right)] for right in made], 600)
    assert (found.chosen.corrected, found.chosen.of_epochs) == (expected.corrected, expected.of_epochs)
    assert found.chosen.raw == pytest.approx(frames.trials["value"].max())
    assert " configuration, +" in found.parts
    assert found.parts.endswith(" epoch")


def test_where_only_the_best_epoch_was_stored_the_report_says_that_its_choice_is_not_corrected(engine):
    frames, _ = equal_networks(engine, every=False)
    stages = view_stages(frames)
    (found,) = corrected_accuracies(frames, stages)
    assert (found.epochs, found.parts) == ("only best", "")
    said = corrected_sentence(stages[0], [found])
    assert (
        "The choice of its best epoch is not corrected, since only the predictions at that epoch were stored." in said
    )
    assert "the best of these trained models is" in said
    assert said.endswith("with other seeds it is not known, because no configuration has a second seed.")


def test_with_keep_last_no_epoch_was_chosen(engine):
    frames, _ = equal_networks(engine, every=False, training={"keep": "last"})
    assert candidates(frames, "coarse", folds=False).epochs == "no choice"
    stages = view_stages(frames)
    assert "epoch" not in corrected_sentence(stages[0], corrected_accuracies(frames, stages))
