"""Regression in the core: gradients against central differences, what is measured, and scores as probabilities."""

import numpy as np
import pytest
from nn_cohorts import REGRESSION_NETS, initialised, perturbed, samples, values
from scipy.special import softmax

from hpsearch.nn import SGD, Dense, Network
from hpsearch.nn.gradcheck import check
from hpsearch.nn.losses import probabilities
from hpsearch.nn.regression_losses import REGRESSION_LOSSES, Huber
from hpsearch.nn.schedules import constant
from hpsearch.nn.training import Tally, measure, train_epoch


def regression(targets, inputs=5, trials=2, loss="squared_error", **options):
    return initialised([Dense(targets)], inputs, range(trials), loss=REGRESSION_LOSSES[loss](), **options)


@pytest.mark.long
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize("net", REGRESSION_NETS)
def test_all_gradients_hold(net, loss, targets):
    x, y = values(10, 20, targets, "float64")
    options = {"rows": (10,), "dtype": "float64", "loss": REGRESSION_LOSSES[loss]()}
    network = initialised(REGRESSION_NETS[net](targets), 20, range(3), **options)
    found = check(perturbed(network), x, y, np.array([0.0, 0.1, 1.0]), sample=150)
    assert {c.name: c.relative_error for c in found if not c.relative_error <= 1e-6} == {}


@pytest.mark.parametrize("delta", [0.2, 2.5])
def test_gradients_of_another_delta_hold(delta):
    x, y = values(10, 20, 2, "float64")
    network = initialised(REGRESSION_NETS["relu"](2), 20, range(3), dtype="float64", loss=Huber(delta))
    found = check(perturbed(network), x, y, np.array([0.0, 0.1, 1.0]), sample=150)
    assert max(c.relative_error for c in found) <= 1e-6


@pytest.mark.parametrize("targets", [1, 2])
def test_what_is_measured_are_the_predicted_values_and_no_accuracy(targets):
    x, y = values(600, 5, targets)  # two chunks
    network = regression(targets)
    for k, found in enumerate(measure(network, x, y, np.zeros(2), outputs=True)):
        expected = network.forward(x)[k]
        assert (found.predicted.dtype, found.predicted.shape) == (np.float32, (600, targets))
        assert found.predicted == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert found.loss == pytest.approx(np.square(expected - y).mean(), rel=1e-6)
        assert np.isnan(found.accuracy)
        assert found.outputs is None


def test_a_tally_of_a_regression_holds_what_the_batches_gave_before_each_update():
    x, y = values(50, 5, 2)
    network, order = regression(2, rows=(20, 10)), np.arange(50)[::-1]
    before = network.forward(x[order[:20]]).copy()
    tally = Tally(network, 50)
    options = {"epoch": 1, "batch_size": 20, "schedules": [constant(0.1)] * 2, "lam": np.zeros(2)}
    train_epoch(network, SGD(), x, y, order, tally=tally, **options)
    for k, found in enumerate(tally.measured(np.zeros(2))):
        assert np.array_equal(found.predicted[:20], before[k])
        assert found.loss == pytest.approx(np.square(found.predicted - y[order]).mean(), rel=1e-6)


def test_least_squares_is_what_squared_error_finds():
    x, y = values(200, 5, 2)
    network = regression(2, trials=1, rows=(200,))
    options = {"batch_size": 200, "schedules": [constant(0.5)], "lam": np.zeros(1)}
    for epoch in range(1, 201):
        train_epoch(network, SGD(), x, y, np.arange(200), epoch=epoch, **options)
    best = np.linalg.lstsq(np.column_stack([x, np.ones(200)]), y, rcond=None)[0]
    assert network.weights(0)["0.weights"] == pytest.approx(best[:5], abs=1e-4)
    assert network.weights(0)["0.bias"] == pytest.approx(best[5], abs=1e-4)


def test_the_outputs_of_a_classifier_are_kept_where_they_are_asked_for():
    x, y = samples(300, 5)
    network = initialised([Dense(10)], 5, range(2), rows=(20,))
    plain, kept = (measure(network, x, y, np.zeros(2), outputs=asked) for asked in (False, True))
    for k, (one, other) in enumerate(zip(plain, kept, strict=True)):
        assert one.outputs is None
        assert np.array_equal(other.outputs, network.forward(x)[k])
        assert other.outputs.dtype == np.float32
        assert np.array_equal(other.predicted, one.predicted)
        assert (other.cost, other.loss, other.accuracy) == (one.cost, one.loss, one.accuracy)


def test_probabilities_are_the_softmax_whose_logarithm_is_the_loss():
    x, y = samples(300, 5)
    network = Network([Dense(10)], inputs=5, rows=(20,))
    network.initialise(0, np.random.default_rng(0))
    (found,) = measure(network, x, y, np.zeros(1), outputs=True)
    shares = probabilities(found.outputs)
    assert shares.dtype == np.float64
    assert shares == pytest.approx(softmax(found.outputs.astype(float), axis=1), rel=1e-12)
    assert shares.sum(axis=1) == pytest.approx(1.0, abs=1e-14)
    assert -np.log(shares[np.arange(300), y]).mean() == pytest.approx(found.loss, rel=1e-6)


def test_probabilities_of_huge_scores_are_0_and_1_and_of_nan_are_nan():
    scores = np.array([[3e38, -3e38, 0], [-np.inf, 5, 5], [np.nan, 0, 0], [np.inf, 0, 0]], np.float32)
    found = probabilities(scores)
    assert found[:2].tolist() == [[1, 0, 0], [0, 0.5, 0.5]]
    assert np.isnan(found[2:]).all()
