"""Training against the same training written out plainly in NumPy, and against scikit-learn's optimum."""

import numpy as np
import pytest
from nn_cohorts import initialised, samples
from sklearn.linear_model import LogisticRegression

from hpsearch.nn import SGD, Dense, ReLU
from hpsearch.nn.schedules import constant, cyclical
from hpsearch.nn.training import measure, train_epoch, updates_per_epoch


def textbook_step(parameters, x, y, eta, lam):
    """One SGD update of a two-layer ReLU net, as the reports' lectures have it, x and y with a sample per row."""
    w1, b1, w2, b2 = parameters
    hidden = np.maximum(0, x @ w1 + b1)
    scores = hidden @ w2 + b2
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    g = (p - np.eye(p.shape[1])[y]) / len(x)
    g_hidden = (g @ w2.T) * (hidden > 0)
    gradients = (x.T @ g_hidden + 2 * lam * w1, g_hidden.sum(0), hidden.T @ g + 2 * lam * w2, g.sum(0))
    return [p - eta * gradient for p, gradient in zip(parameters, gradients, strict=True)]


def test_training_is_the_textbooks_step_for_step():
    x, y = samples(95, 30, "float64")
    lam, schedules = np.array([0.0, 0.01, 0.3]), [constant(0.1), cyclical(1e-5, 0.1, 7), constant(0.02)]
    network = initialised([Dense(20), ReLU(), Dense(10)], 30, range(3), rows=(20, 15), dtype="float64")
    plain = [list(network.weights(k).values()) for k in range(3)]
    for epoch in range(1, 9):
        order = np.random.default_rng(epoch).permutation(95)
        train_epoch(network, SGD(), x, y, order, epoch=epoch, batch_size=20, schedules=schedules, lam=lam)
        for k, u in np.ndindex(3, 5):
            batch = order[20 * u : 20 * u + 20]
            eta = schedules[k](np.array([(epoch - 1) * 5 + u]))[0]
            plain[k] = textbook_step(plain[k], x[batch], y[batch], eta, lam[k])
        for k in range(3):
            for ours, theirs in zip(network.weights(k).values(), plain[k], strict=True):
                assert np.abs(ours - theirs).max() <= 1e-10


@pytest.mark.slow
def test_ten_thousand_updates_with_a_large_decay_stay_with_float64():
    x, y = samples(500, 16)
    lam, schedules, updates = np.array([1.0, 0.0]), [constant(0.1)] * 2, 10_000
    networks = [initialised([Dense(10, "gaussian")], 16, range(2), rows=(10,), dtype=d) for d in ("float32", "float64")]
    for epoch in range(1, updates // updates_per_epoch(500, 10) + 1):
        order = np.random.default_rng(epoch).permutation(500)
        for network in networks:
            data = x.astype(network.params["0.bias"].value.dtype)
            train_epoch(network, SGD(), data, y, order, epoch=epoch, batch_size=10, schedules=schedules, lam=lam)
    for k in range(2):
        single, double = (network.weights(k) for network in networks)
        assert single["0.weights"] == pytest.approx(double["0.weights"], rel=1e-3, abs=1e-5)
        assert single["0.bias"] == pytest.approx(double["0.bias"], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("lam", [4.5, 5.0, 7.5, 60.0])
def test_the_scale_is_folded_back_before_it_leaves_its_range(lam):
    x, y = samples(40, 8, "float64")
    network = initialised([Dense(10)], 8, dtype="float64", rows=(40,))
    plain = network.weights(0)["0.weights"]
    for _ in range(40):  # η = 0.1: each update multiplies W by 0.1, 0, −0.5 or −11
        network.backward(x, y)
        plain = (1 - 0.2 * lam) * plain - 0.1 * network.params["0.weights"].gradient()[0]
        SGD().step(list(network.params.values()), np.array([0.1]), np.array([lam]))
        assert 2**-25 < abs(network.params["0.weights"].scale[0]) < 2**25
        assert network.weights(0)["0.weights"] == pytest.approx(plain, rel=1e-9, abs=1e-12)


def test_softmax_regression_converges_to_scikit_learns_coefficients():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 120)
    x = rng.standard_normal((120, 4)) + np.eye(3, 4)[y]
    lam = 0.05
    network = initialised([Dense(3)], 4, dtype="float64", rows=(120,))
    for epoch in range(1, 1501):
        train_epoch(
            network,
            SGD(),
            x,
            y,
            np.arange(120),
            epoch=epoch,
            batch_size=120,
            schedules=[constant(0.5)],
            lam=np.array([lam]),
        )
    # scikit-learn minimises C·Σ loss + ‖W‖²/2: divided by C·n that is our cost with λ = 1 / (2·C·n)
    theirs = LogisticRegression(C=1 / (2 * lam * 120), tol=1e-12, max_iter=10_000).fit(x, y)
    ours = network.weights(0)
    assert ours["0.weights"] == pytest.approx(theirs.coef_.T, abs=1e-6)
    bias = theirs.intercept_ - theirs.intercept_.mean()  # scores plus a constant are the same model
    assert ours["0.bias"] - ours["0.bias"].mean() == pytest.approx(bias, abs=1e-6)


def test_measuring_gives_cost_loss_and_accuracy_of_each_trial():
    x, y = samples(1203, 6, "float64")  # more than one chunk of rows
    network = initialised([Dense(5), ReLU(), Dense(10)], 6, range(2), dtype="float64")
    for k, found in enumerate(measure(network, x, y, np.array([0.0, 0.3]))):
        w1, b1, w2, b2 = network.weights(k).values()
        scores = np.maximum(0, x @ w1 + b1) @ w2 + b2
        loss = -np.log(np.exp(scores)[np.arange(1203), y] / np.exp(scores).sum(axis=1)).mean()
        assert found.loss == pytest.approx(loss, rel=1e-12)
        assert found.cost == pytest.approx(loss + 0.3 * k * ((w1**2).sum() + (w2**2).sum()), rel=1e-12)
        assert np.array_equal(found.predicted, scores.argmax(axis=1))
        assert found.accuracy == np.mean(scores.argmax(axis=1) == y)


def test_a_diverging_trial_measures_as_not_finite():
    x, y = samples(60, 8)
    network = initialised([Dense(5), ReLU(), Dense(10)], 8, rows=(20,))
    with np.errstate(all="ignore"):
        for epoch in range(1, 4):
            train_epoch(
                network,
                SGD(),
                x,
                y,
                np.arange(60),
                epoch=epoch,
                batch_size=20,
                schedules=[constant(1e30)],
                lam=np.zeros(1),
            )
        assert not np.isfinite(measure(network, x, y, np.zeros(1))[0].loss)
