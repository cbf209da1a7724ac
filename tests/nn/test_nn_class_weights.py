"""Weights of classes: against central differences, PyTorch and scikit-learn; alone as in a cohort."""

from functools import partial

import numpy as np
import pytest
from nn_cohorts import CLASSES, NETS, differences, initialised, perturbed, samples, train
from sklearn.utils.class_weight import compute_class_weight

from hpsearch.data import class_weights
from hpsearch.nn.gradcheck import check
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.training import measure

WEIGHTS = np.linspace(0.2, 7, CLASSES)


def weighted(n, loss="cross_entropy", dtype="float64", net="relu"):
    x, y = samples(n, 20, dtype)
    options = {"rows": (n,), "dtype": dtype, "loss": LOSSES[loss](), "class_weight": WEIGHTS}
    return perturbed(initialised(NETS[net](16), 20, range(3), **options)), x, y


@pytest.mark.long
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", ["relu", "batch norm"])
def test_gradients_with_weights_hold(net, loss):
    network, x, y = weighted(10, loss, net=net)
    found = check(network, x, y, np.array([0.0, 0.1, 1.0]), sample=150)
    # A bias below batch normalisation has no gradient but rounding, whose size is the kernel's.
    assert {c.name: c.relative_error for c in found if not c.relative_error <= 1e-5} == {}


@pytest.mark.long
def test_the_gradient_is_pytorch_s_of_the_weighted_losses_over_the_number_of_samples():
    torch = pytest.importorskip("torch")
    network, x, y = weighted(30, net="softmax")
    network.backward(x, y)
    for k in range(3):
        weights, bias = (
            torch.tensor(network.weights(k)[f"0.{name}"], requires_grad=True) for name in ("weights", "bias")
        )
        loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS), reduction="sum")
        (loss(torch.tensor(x) @ weights + bias, torch.tensor(y)) / len(y)).backward()
        assert np.abs(network.params["0.weights"].gradient()[k] - weights.grad.numpy()).max() <= 1e-12
        assert np.abs(network.params["0.bias"].grad[k] - bias.grad.numpy()).max() <= 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", ["softmax", "relu", "dropout"])
def test_a_trial_with_weights_has_the_bits_in_a_cohort_that_it_has_alone(net, loss):
    x, y = samples(75, 64)
    run = partial(train, partial(NETS[net], 16), x=x, y=y, epochs=2, loss=LOSSES[loss], class_weight=WEIGHTS)
    together = run(range(8), cut=True)
    assert {t: differences(run([t])[t], together[t]) for t in range(8)} == {t: [] for t in range(8)}


def test_weights_of_1_change_no_bit_and_others_do():
    x, y = samples(75, 64)
    run = partial(train, partial(NETS["relu"], 16), [0, 1], x, y, epochs=2)
    without = run()
    assert differences(without[1], run(class_weight=np.ones(CLASSES))[1]) == []
    assert differences(without[1], run(class_weight=WEIGHTS)[1]) != []


def test_what_is_measured_has_no_weights():
    network, x, y = weighted(40)
    found = measure(network, x, y, np.zeros(3))
    network.class_weight = None
    assert [each.loss for each in found] == [each.loss for each in measure(network, x, y, np.zeros(3))]


def test_balanced_weights_are_scikit_learn_s():
    labels = np.repeat(np.arange(3), [960, 35, 5])
    found = class_weights("balanced", labels, ("a", "b", "c"))
    assert found == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=labels), rel=1e-15)
    assert class_weights({"c": 4.5}, labels, ("a", "b", "c")).tolist() == [1, 1, 4.5]
