"""Every layer and loss against central differences in float64, by the reports' criteria and at their sizes."""

import numpy as np
import pytest
from nn_cohorts import NETS, images, initialised, perturbed

from hpsearch.nn import Dense, Network, ReLU, Tanh
from hpsearch.nn.gradcheck import check
from hpsearch.nn.losses import LOSSES

LAMBDAS = np.array([0.0, 0.1, 1.0])


def pixels(n, inputs):
    """Images as the reports had them: numbers in [0, 1]."""
    x, y = images(n, inputs, "float64")
    return (x + 1) / 2, y


def checked(layers, x, y, loss="cross_entropy", **options):
    network = initialised(layers, x.shape[1], range(3), rows=(len(x),), dtype="float64", loss=LOSSES[loss]())
    return check(perturbed(network), x, y, LAMBDAS, **options)


@pytest.mark.parametrize("loss", LOSSES)
def test_softmax_gradients_hold_for_100_images_of_cifar_size(loss):
    found = checked(NETS["softmax"](0), *pixels(100, 3072), loss=loss, sample=100)
    assert [(c.name, c.trial, c.entries) for c in found[:4]] == [
        *(("0.weights", k, 100) for k in range(3)),
        ("0.bias", 0, 10),
    ]
    assert max(c.relative_error for c in found) <= 1e-6
    assert max(c.absolute_difference for c in found) <= 1e-7


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", NETS)
def test_all_gradients_hold_for_20_features_of_10_samples(net, loss):
    found = checked(NETS[net](50), *pixels(10, 20), loss=loss, sample=150)
    assert {c.name: c.relative_error for c in found if not c.relative_error <= 1e-6} == {}


def test_every_entry_of_the_reports_two_layer_net_is_checked():
    found = checked([Dense(50), ReLU(), Dense(10)], *pixels(10, 20))
    assert [c.entries for c in found] == [1000] * 3 + [50] * 3 + [500] * 3 + [10] * 3
    assert max(c.relative_error for c in found) <= 1e-6
    assert max(c.absolute_difference for c in found) <= 1e-7


@pytest.mark.parametrize("net", ["relu", "dropout", "batch norm"])
def test_gradients_hold_in_a_first_layer_of_wide_products(net, monkeypatch):
    monkeypatch.setattr("hpsearch.nn.layers.wide_is_exact", lambda *shape, **direction: True)
    found = checked(NETS[net](14), *pixels(10, 20), sample=100)
    assert max(c.relative_error for c in found) <= 1e-6


def test_softmax_gradients_hold_in_wide_products(monkeypatch):
    monkeypatch.setattr("hpsearch.nn.layers.wide_is_exact", lambda *shape, **direction: True)
    assert max(c.relative_error for c in checked(NETS["softmax"](0), *pixels(10, 20))) <= 1e-6


def test_a_wrong_gradient_is_found_with_its_entry_and_both_numbers():
    class Doubled(Tanh):
        def backward(self, delta):
            delta[1, :, 3] *= 2
            return super().backward(delta)

    found = checked([Dense(6), Doubled(), Dense(10)], *pixels(10, 20))
    wrong = {(c.name, c.trial): c for c in found if c.relative_error > 1e-6}
    assert set(wrong) == {("0.weights", 1), ("0.bias", 1)}
    bias = wrong["0.bias", 1]
    assert bias.index == (3,)
    assert bias.analytic == pytest.approx(2 * bias.numeric, rel=1e-6)
    assert bias.absolute_difference == pytest.approx(abs(bias.analytic - bias.numeric))


def test_checking_leaves_the_parameters_as_they_were():
    x, y = pixels(10, 20)
    network = initialised(NETS["relu"](5), 20, range(2), dtype="float64")
    before = [network.weights(k) for k in range(2)]
    check(network, x, y, np.zeros(2), sample=20)
    for k, weights in enumerate(before):
        assert all(np.array_equal(weights[name], after) for name, after in network.weights(k).items())


def test_gradients_are_not_checked_in_float32():
    with pytest.raises(ValueError, match=r"gradients must be checked in float64, got 0\.weights of float32"):
        check(Network([Dense(2)], inputs=3), np.zeros((1, 3)), np.zeros(1, int), np.zeros(1))
