"""The diagnosis of real trainings of which make_trainings.py knows what is right."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpsearch.reporting.base_rate import BaseRate
from hpsearch.reporting.curves import Curve
from hpsearch.reporting.sections import diagnosis, regression_diagnosis
from hpsearch.storage.records import Goal

TRAININGS = json.loads(Path(__file__).with_name("trainings.json").read_text())

WRONG = {
    "hard, 300 + 400, epochs = 100, hidden = 60": "only the loss rises",  # the accuracy falls on test samples only
    "diabetes, 200 + 120, eta = 0.01, epochs = 60": "plateaued",  # the loss rises on test samples only
}
"""The trainings whose diagnosis is wrong, and what it is."""


def curve_of(training):
    columns = [[np.nan if v is None else v for v in column] for column in training["curves"].values()]
    cost, train_loss, train, loss, metric = np.array(columns)
    epochs = np.arange(1, len(cost) + 1)
    eta = np.full(len(cost), training["eta"])
    if training["classes"]:
        return Curve(epochs, eta, cost, train_loss, train, loss, metric)
    nothing = np.full(len(cost), np.nan)
    return Curve(epochs, eta, cost, train_loss, nothing, loss, nothing, value=-metric)


def diagnosed(training):
    curve = curve_of(training)
    if not np.isfinite(curve.train_cost).all():
        return "diverged"  # the worker ends such a trial, with the reason
    if not (classes := training["classes"]):
        goal = Goal("rmse", "minimize", False)
        measure = regression_diagnosis.Measure(1.0, True, training["lowest"], goal, training["validation"])
        return regression_diagnosis.diagnose(curve, measure).kind
    chance = classes - 1.0 if training["loss"] == "hinge" else float(np.log(classes))
    base = BaseRate("", training["base"], None)
    measure = diagnosis.Measure(chance, 1 / classes, training["validation"], training["highest"], base)
    return diagnosis.diagnose(curve, measure).kind


def right(training):
    kinds = {"loss rises": "only the loss rises", "gap": "gap between training and validation"}
    return [kinds.get(kind, kind) for kind in training["right"]]


@pytest.mark.parametrize("training", TRAININGS, ids=[each["name"] for each in TRAININGS])
def test_a_training_has_the_diagnosis_that_further_trainings_show_to_be_right(training):
    found = diagnosed(training)
    if training["name"] in WRONG:
        assert found == WRONG[training["name"]]
    else:
        assert found in right(training), training["because"]


def test_at_most_three_of_at_least_39_are_wrong():
    assert len(TRAININGS) >= 39
    assert len(WRONG) <= 3


@pytest.mark.parametrize("training", TRAININGS, ids=[each["name"] for each in TRAININGS])
def test_none_overfits_while_its_metric_still_rises(training):
    if diagnosed(training) == "overfits":
        curve = curve_of(training)
        scores = np.array(training["curves"]["validation metric"])
        at = int(np.argmin(curve.validation_loss))
        assert scores[-max(1, len(scores) // 5) :].mean() < scores[at]


def test_every_kind_of_diagnosis_has_a_training():
    needed = {kind for kind in diagnosis.KINDS if kind != "no better than the mean"}
    assert needed <= {diagnosed(training) for training in TRAININGS}
