"""Every layer and loss against central differences in float64, by the reports' criteria and at their sizes."""

import numpy as np
import pytest
from nn_cohorts import NETS, initialised, perturbed, samples

from hpsearch.nn import Dense, Network, Parameter, ReLU, Tanh
from hpsearch.nn.gradcheck import check
from hpsearch.nn.losses import LOSSES

LAMBDAS = np.array([0.0, 0.1, 1.0])


def pixels(n, inputs):
    """Images as the reports had them: numbers in [0, 1]."""
    x, y = samples(n, inputs, "float64")
    return (x + 1) / 2, y


def gradient(p):
    """Of the loss alone, as a copy (K, …)."""
    return p.grad.copy() if isinstance(p, Parameter) else p.gradient()


def checked(layers, x, y, loss="cross_entropy", **options):
    network = initialised(layers, x.shape[1], range(3), rows=(len(x),), dtype="float64", loss=LOSSES[loss]())
    return check(perturbed(network), x, y, LAMBDAS, **options)


@pytest.mark.long
@pytest.mark.parametrize("loss", ["cross_entropy", pytest.param("hinge", marks=pytest.mark.slow)])
def test_softmax_gradients_hold_for_100_samples_of_cifar_size(loss):
    found = checked(NETS["softmax"](0), *pixels(100, 3072), loss=loss, sample=100)
    assert [(c.name, c.trial, c.entries) for c in found[:4]] == [
        *(("0.weights", k, 100) for k in range(3)),
        ("0.bias", 0, 10),
    ]
    assert max(c.relative_error for c in found) <= 1e-6
    assert max(c.absolute_difference for c in found) <= 1e-7


@pytest.mark.long
@pytest.mark.parametrize("entries", [40, pytest.param(150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", NETS)
def test_all_gradients_hold_for_20_features_of_10_samples(net, loss, entries):
    found = checked(NETS[net](50), *pixels(10, 20), loss=loss, sample=entries)
    assert {c.name: c.relative_error for c in found if not c.relative_error <= 1e-6} == {}


@pytest.mark.long
def test_every_entry_of_the_reports_two_layer_net_is_checked():
    found = checked([Dense(50), ReLU(), Dense(10)], *pixels(10, 20))
    assert [c.entries for c in found] == [1000] * 3 + [50] * 3 + [500] * 3 + [10] * 3
    assert max(c.relative_error for c in found) <= 1e-6
    assert max(c.absolute_difference for c in found) <= 1e-7


@pytest.mark.parametrize("trials", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 16))])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", ["softmax", "relu", "three layers", "batch norm"])
def test_gradients_in_float32_are_those_in_float64_however_the_products_are_made(net, loss, trials):
    x, y = samples(100, 3072)
    gradients = {}
    for dtype in ("float32", "float64"):
        options = {"rows": (100,), "dtype": dtype, "loss": LOSSES[loss]()}
        network = initialised(NETS[net](50), 3072, range(trials), **options)
        network.backward(x.astype(dtype), y)
        gradients[dtype] = {name: gradient(p) for name, p in network.params.items()}
    for name, expected in gradients["float64"].items():
        error = np.abs(gradients["float32"][name] - expected).max(axis=tuple(range(1, expected.ndim)))
        # where a margin of the hinge is 0 to float32's precision, a sample may count in one and not in the other
        assert (error <= (1e-5 if loss == "cross_entropy" else 1e-2) * max(1, np.abs(expected).max())).all(), name


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
