"""Losses against SciPy, scikit-learn and their definitions written out."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from hpsearch.nn.losses import LOSSES, MulticlassHinge, SoftmaxCrossEntropy


def scores(trials=3, rows=40, classes=10, spread=3.0):
    rng = np.random.default_rng(1)
    return spread * rng.standard_normal((trials, rows, classes)), rng.integers(0, classes, rows)


def rows_first(z):
    """The same numbers, (N, K, C) in memory, as wide products leave them."""
    return np.ascontiguousarray(z.transpose(1, 0, 2)).transpose(1, 0, 2)


def hinge_by_hand(z, y):
    return [sum(max(0.0, z[n, j] - z[n, y[n]] + 1) for j in range(z.shape[1]) if j != y[n]) for n in range(len(y))]


def test_cross_entropy_is_that_of_scipy_and_scikit_learn():
    z, y = scores()
    losses = SoftmaxCrossEntropy().losses(z, y)
    assert losses == pytest.approx(-log_softmax(z, axis=2)[:, np.arange(40), y], rel=1e-12)
    for k in range(3):
        mean = log_loss(y, np.exp(log_softmax(z[k], axis=1)), labels=range(10))
        assert losses[k].mean() == pytest.approx(mean, rel=1e-12)


def test_hinge_is_its_definition():
    z, y = scores()
    assert MulticlassHinge().losses(z, y) == pytest.approx(np.array([hinge_by_hand(zk, y) for zk in z]), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("layout", [np.copy, rows_first])
def test_a_gradient_is_that_of_the_mean_loss_in_either_memory_order(loss, layout):
    z, y = scores(rows=6, classes=4)
    loss = LOSSES[loss]()
    analytic = loss.gradient(layout(z), y)
    h = 1e-6
    for n, c in np.ndindex(6, 4):
        up, down = z.copy(), z.copy()
        up[:, n, c] += h
        down[:, n, c] -= h
        numeric = (loss.losses(up, y) - loss.losses(down, y)).mean(axis=1) / (2 * h)
        assert analytic[:, n, c] == pytest.approx(numeric, abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_leaves_the_scores_and_gradient_overwrites_them(loss):
    z, y = scores()
    before = z.copy()
    LOSSES[loss]().losses(z, y)
    assert np.array_equal(z, before)
    assert LOSSES[loss]().gradient(z, y) is z


@pytest.mark.parametrize("loss", LOSSES)
def test_huge_scores_give_finite_losses_and_gradients_in_float32(loss):
    z, y = scores()
    z = (1e30 * z).astype(np.float32)
    assert np.isfinite(LOSSES[loss]().losses(z, y)).all()
    assert np.isfinite(LOSSES[loss]().gradient(z, y)).all()
