"""The diagnosis of trials that were made to overfit, underfit, diverge, jump, plateau, improve: by training them."""

import dataclasses
import math

import numpy as np
import pytest
import sqlalchemy
import tiny

from hpsearch.reporting.base_rate import BaseRate
from hpsearch.reporting.curves import Curve, comparable_epochs
from hpsearch.reporting.frames import load
from hpsearch.reporting.sections import regression_diagnosis
from hpsearch.reporting.sections.diagnosis import Diagnosis, Measure, diagnose, diagnose_all, of_configuration
from hpsearch.search import launch
from hpsearch.storage.records import Goal

STUDY = """
name = "made"
[data]
dataset = "digits"
train = 100
validation = 1_000
[model]
file = "models/mlp.py"
hidden = [64]
[training]
batch_size = 20
epochs = 60
[[stage]]
name = "made"
configurations = [
"""

MADE = [
    ("{ eta = 0.1 }", "gap between training and validation"),
    ("{ eta = 0.1, epochs = 35 }", "gap between training and validation"),
    ('{ optimiser = "adam", eta = 0.01 }', "only the loss rises since epoch"),
    ('{ optimiser = "adam", eta = 0.03 }', "only the loss rises since epoch"),
    ("{ eta = 1e6 }", "diverged (epoch 1)"),
    ("{ eta = 2.5 }", "diverged (epoch"),
    ("{ eta = 1.5, lambda = 0 }", "learning rate too high (loss jumps)"),
    ("{ eta = 1.0, lambda = 0.02 }", "learning rate too high (loss jumps)"),
    ("{ lambda = 0.3, eta = 0.1 }", "underfits"),
    ("{ lambda = 1.0, eta = 0.01 }", "underfits"),
    ("{ eta = 0.003 }", "learning rate too low"),
    ("{ eta = 0.03, epochs = 20 }", "still improving"),
    ("{ eta = 0.1, schedule = { kind = 'step', every_epochs = 20 } }", "gap between training and validation"),
]
CYCLIC = [
    (1.0, 6, 30, ("only the loss rises since epoch", "gap between training and validation")),
    (0.1, 10, 20, ("still improving",)),
    (0.01, 5, 30, ("still improving",)),
    (100.0, 3, 30, ("diverged (epoch",)),
]
"""eta_max, epochs of a cycle, epochs, and the diagnoses that are right."""


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    cyclic = [
        f"{{ epochs = {epochs}, schedule = {{ kind = 'cyclical', eta_min = 1e-3, eta_max = {eta}, "
        f"half_cycle_epochs = {cycle // 2} }} }},"
        for eta, cycle, epochs, _ in CYCLIC
    ]
    text = (
        STUDY
        + "".join(f"{configuration},\n" for configuration, _ in MADE)
        + ']\n[[stage]]\nname = "cyclic"\nconfigurations = [\n'
    )
    study = tiny.workspace(folder, text + "\n".join(cyclic) + "\n]\n", "made.toml")
    launch.launch(study, tiny.options(folder))
    engine = sqlalchemy.create_engine(tiny.url(folder), poolclass=sqlalchemy.NullPool)
    frames = load(engine, "made")
    found = diagnose_all(frames)
    trials = zip(frames.trials["stage"], frames.trials["number"], frames.trials["id"], strict=True)
    return {(stage, number): found[trial] for stage, number, trial in trials}


@pytest.mark.long
@pytest.mark.parametrize(("number", "text"), [(i, text) for i, (_, text) in enumerate(MADE)])
def test_a_trial_made_to_go_wrong_has_the_right_diagnosis(diagnosed, number, text):
    assert diagnosed["made", number].text.startswith(text), diagnosed["made", number]


@pytest.mark.parametrize(("number", "texts"), [(i, texts) for i, (*_, texts) in enumerate(CYCLIC)])
def test_cycles_of_the_learning_rate_are_no_jumps(diagnosed, number, texts):
    assert diagnosed["cyclic", number].text.startswith(texts), diagnosed["cyclic", number]


def test_cycles_are_compared_at_their_ends_and_a_warm_up_is_left_out():
    up_and_down = np.array([0.05, 0.1, 0.05, 1e-5] * 3)
    assert comparable_epochs(up_and_down).tolist() == [3, 7, 11]
    assert comparable_epochs(up_and_down[:7]).tolist() == [3, 6]
    assert comparable_epochs(np.array([0.1, 0.2, 0.3, 0.2, 0.1])).tolist() == [2, 3, 4]
    assert comparable_epochs(np.array([0.1, 0.1, 0.01, 0.01])).tolist() == [0, 1, 2, 3]
    assert comparable_epochs(np.array([0.1, 0.2, 0.3])).tolist() == [2]


MEASURE = Measure(chance_loss=math.log(10), chance_accuracy=0.1, samples=10_000, best=0.5)


def curve(train_loss, validation_loss, train_accuracy=0.53, validation_accuracy=0.5):
    epochs = len(train_loss)
    values = [np.broadcast_to(np.asarray(v, float), epochs).copy() for v in (train_accuracy, validation_accuracy)]
    losses = [np.array(train_loss, float), np.array(validation_loss, float)]
    return Curve(np.arange(1, epochs + 1), np.full(epochs, 0.1), losses[0], losses[0], values[0], losses[1], values[1])


def test_overfitting_begins_where_the_validation_loss_is_lowest():
    down = np.linspace(2.0, 0.5, 40)
    validation = np.abs(np.linspace(-1, 1, 40) + 0.3) + 1.5
    falls = np.r_[np.full(15, 0.5), np.linspace(0.5, 0.45, 25)]
    found = diagnose(curve(down, validation, 0.7, falls), MEASURE)
    assert (found.kind, found.epoch) == ("overfits", 15)
    assert found.reason.startswith("From epoch 15 on, the training loss falls from 1.46 to")
    assert diagnose(curve(down[::-1], validation, 0.7, falls), MEASURE).kind != "overfits"
    for accuracy in (0.5, falls[::-1]):
        assert diagnose(curve(down, validation, 0.7, accuracy), MEASURE).text == "only the loss rises since epoch 15"


def test_whether_the_loss_rises_depends_on_the_number_of_samples():
    down = np.linspace(2.0, 0.5, 40)
    validation = 1.5 + 0.1 * np.abs(np.linspace(-1, 1, 40))  # 6% above the lowest
    kinds = [diagnose(curve(down, validation), dataclasses.replace(MEASURE, samples=n)).kind for n in (50, 400)]
    assert kinds == ["learning rate too low", "only the loss rises"]


def test_a_model_that_knows_its_training_samples_by_heart_has_a_gap_and_no_plateau():
    zero = np.r_[np.linspace(9, 0.01, 5), np.full(35, 0.001)]
    found = diagnose(curve(zero, 6.0 + zero, 1.0, 0.29), MEASURE)
    assert found.text == "gap between training and validation"
    assert found.reason == "The training accuracy ends at 100.0%, 71 points above the validation accuracy, 29.0%."


def test_a_single_spike_is_no_high_learning_rate():
    loss = np.r_[np.linspace(2, 1, 20), 1.6, np.full(20, 1.0)]
    assert diagnose(curve(loss, loss), MEASURE).kind == "plateaued"
    loss[25::4] = 1.2
    found = diagnose(curve(loss, loss), MEASURE)
    assert found.text == "learning rate too high (loss jumps)"
    assert found.reason == "The training loss jumps up 5 times, at worst from 1 to 1.6 in epoch 21."


def test_jumps_before_the_learning_rate_is_lowered_are_no_fault():
    loss = np.r_[1.0 + 0.3 * (np.arange(20) % 2), np.linspace(0.9, 0.7, 20)]
    made = curve(loss, loss)
    assert diagnose(made, MEASURE).kind == "learning rate too high"
    decayed = dataclasses.replace(made, eta=np.repeat([0.1, 0.01], 20))
    assert diagnose(decayed, MEASURE).kind != "learning rate too high"


def test_a_model_whose_units_died_has_diverged_but_one_with_a_large_lambda_underfits():
    accuracy = np.r_[np.linspace(0.2, 0.45, 10), np.full(10, 0.1)]
    loss = np.r_[np.linspace(2.2, 1.6, 10), np.full(10, 2.303)]
    died = curve(loss, loss, accuracy, accuracy)
    assert diagnose(died, MEASURE).text == "diverged (epoch 11)"
    emptied = dataclasses.replace(died, train_cost=np.r_[np.linspace(9, 2.4, 10), np.full(10, 2.303)])
    assert diagnose(emptied, MEASURE).text == "underfits"


def test_numbers_that_are_missing_or_not_finite_are_left_out():
    loss = np.r_[np.linspace(2, 1, 20), np.full(20, 1.0)]
    with_gaps = curve(loss, np.where(np.arange(40) % 7 == 3, math.nan, loss))
    assert diagnose(with_gaps, MEASURE).kind == "plateaued"
    assert diagnose(curve([math.nan] * 5, [1.0] * 5), MEASURE) is None
    assert diagnose(curve([1.0], [1.0]), MEASURE) is None


def test_a_configuration_has_the_most_frequent_diagnosis_of_its_replicates():
    overfits = [Diagnosis("overfits", epoch, "") for epoch in (9, 12, 10)]
    assert of_configuration(overfits) == ("overfits since epochs 9–12", 10)
    assert of_configuration([*overfits[:2], Diagnosis("healthy", None, "")])[0] == "overfits since epochs 9–12, 2 of 3"
    assert of_configuration([None, Diagnosis("diverged", 3, "")]) == ("diverged (epoch 3), 1 of 2", 3)
    assert of_configuration([None]) == ("", None)


MEAN = regression_diagnosis.Measure(1.0, True, best=0.4, goal=Goal("rmse", "minimize", False))


def of_regression(train_loss, validation_loss):
    """The curve of a regression, which has no accuracy; its rmse is the root of the validation loss in units of 50."""
    made = curve(train_loss, validation_loss, math.nan, math.nan)
    return dataclasses.replace(made, value=50 * np.sqrt(np.asarray(validation_loss, float)))


def test_a_regression_is_diagnosed_by_its_loss_and_its_objective():
    down, flat = np.linspace(1.0, 0.3, 30), np.full(30, 0.4)
    steady = np.r_[np.linspace(1.0, 0.4, 10), np.full(20, 0.4)]
    again = np.r_[np.linspace(0.9, 0.5, 10), np.linspace(0.5, 0.9, 20)]
    made = {
        "diverged (epoch 21)": (np.r_[np.linspace(1, 0.3, 20), np.full(10, 30.0)], flat),
        "learning rate too high (loss jumps)": (0.3 + 0.2 * (np.arange(30) % 2), flat),
        "overfits since epoch 10": (down, again),
        "learning rate too low": (down, down),
        "still improving": (0.2 + 0.8 * 0.9 ** np.arange(30), 0.25 + 0.8 * 0.9 ** np.arange(30)),
        "gap between training and validation": (0.05 + 0.9 * 0.5 ** np.arange(30), 0.5 + 0.5 * 0.5 ** np.arange(30)),
        "no better than the mean": (np.linspace(1.0, 0.98, 30), np.full(30, 1.1)),
        "underfits": (np.full(30, 0.6), np.full(30, 0.65)),
        "plateaued since epoch 10": (steady, steady),
    }
    for text, (train, validation) in made.items():
        found = regression_diagnosis.diagnose(of_regression(train, validation), MEAN)
        assert found.text == text, found
        assert "ccuracy" not in found.reason


def test_a_regression_that_is_neither_is_healthy():
    validation = np.r_[np.linspace(1.0, 0.5, 24), np.full(12, 0.5)]
    measure = dataclasses.replace(MEAN, best=0.46)
    found = regression_diagnosis.diagnose(of_regression(validation - 0.03, validation), measure)
    assert found.text == "healthy"
    assert found.reason == "The training loss ends at 0.4700, the validation loss at 0.5000."


def test_a_classifier_that_is_not_above_the_base_rate_is_neither_healthy_nor_plateaued():
    loss = np.r_[np.linspace(2, 1, 10), np.full(30, 1.0)]
    made = curve(loss, loss, 0.56, 0.53)
    assert diagnose(made, MEASURE).kind == "plateaued"
    for share, kind in ((0.2, "plateaued"), (0.529, "no better than the commonest class")):
        measure = dataclasses.replace(MEASURE, base=BaseRate("cat", share, None))
        assert diagnose(made, measure).kind == kind
