"""A trial's bits depend on itself alone: not on its cohort, nor on who leaves it, nor on where its training is cut."""

from functools import partial

import numpy as np
import pytest
from nn_cohorts import NETS, REGRESSION_NETS, differences, samples, train, values

from hpsearch.nn.losses import LOSSES, MulticlassHinge
from hpsearch.nn.optimisers import OPTIMISERS
from hpsearch.nn.products import Scheme
from hpsearch.nn.regression_losses import REGRESSION_LOSSES

INPUTS, UNITS = 64, 16
EPOCHS = 3


def separate(trials, rows, inputs, outputs, dtype):
    return Scheme(), Scheme().separate(trials, outputs)


def slow_but(names, kept):
    """The names, those that are not kept in the default run as slow ones."""
    return [pytest.param(name, marks=[] if name in kept else pytest.mark.slow) for name in names]


@pytest.mark.parametrize(
    ("products", "net"),
    [
        *(("wide where exact", net) for net in NETS),
        *(pytest.param("trial by trial", net, marks=[pytest.mark.slow] * (net != "batch norm")) for net in NETS),
    ],
)
def test_a_trial_in_a_cohort_has_the_bits_that_it_has_alone(net, products, monkeypatch):
    if products == "trial by trial":
        monkeypatch.setattr("hpsearch.nn.parameters.choose_layout", separate)
    x, y = samples(75, INPUTS)  # three batches of 20 and one of 15
    make = partial(NETS[net], UNITS)
    alone = {t: train(make, [t], x, y, epochs=EPOCHS)[t] for t in range(16)}
    for trials in (range(2), range(1, 4), range(8), range(16), (5, 0, 15)):
        together = train(make, trials, x, y, epochs=EPOCHS)
        assert {t: differences(alone[t], together[t]) for t in trials} == {t: [] for t in trials}


@pytest.mark.parametrize("net", NETS)
def test_cutting_into_segments_and_leaving_neighbours_change_no_bit(net):
    x, y = samples(75, INPUTS)
    make = partial(NETS[net], UNITS)
    whole = train(make, range(8), x, y, epochs=4)
    cut = train(make, range(8), x, y, epochs=4, cut=True)
    left = train(make, range(8), x, y, epochs=4, leaving={2: [0, 3], 3: [7], 4: [1, 2, 4, 6]})
    assert {t: differences(whole[t], cut[t]) for t in range(8)} == {t: [] for t in range(8)}
    assert differences(whole[5], left[5]) == []


@pytest.mark.parametrize("loss", slow_but(LOSSES, ["cross_entropy"]))
@pytest.mark.parametrize("net", ["softmax", "relu"])
def test_the_bits_are_the_same_for_samples_of_cifar_size(net, loss):
    x, y = samples(230, 3072)
    run = partial(train, partial(NETS[net], 50), x=x, y=y, epochs=1, batch_size=100, loss=LOSSES[loss])
    together = run(range(8))
    pair = run((6, 3))
    assert {t: differences(together[t], run([t])[t]) for t in (0, 3, 7)} == {0: [], 3: [], 7: []}
    assert [differences(together[t], pair[t]) for t in (6, 3)] == [[], []]


@pytest.mark.parametrize("clip", slow_but([None, 0.5], [0.5]))
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_gives_the_bits_of_a_trial_alone_however_it_is_cut(optimiser, clip):
    x, y = samples(75, INPUTS)
    make, optimiser = partial(NETS["batch norm"], UNITS), partial(OPTIMISERS[optimiser], clip=clip)
    run = partial(train, make, x=x, y=y, epochs=3, optimiser=optimiser)
    together = run(range(8))
    left = run(range(8), leaving={2: [0, 3], 3: [4, 7]})
    for other in (run(range(8), cut=True), run(range(16)), {t: run([t])[t] for t in range(8)}):
        assert {t: differences(together[t], other[t]) for t in range(8)} == {t: [] for t in range(8)}
    assert {t: differences(together[t], left[t]) for t in (1, 2, 5, 6)} == {1: [], 2: [], 5: [], 6: []}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("net", "units", "inputs", "n", "batch", "trials"),
    [
        ("relu", 16, 1000, 34, 12, 3),  # shapes at which OpenBLAS changes its kernel with the size of the product
        ("softmax", 0, 1000, 84, 15, 6),
        ("batch norm", 13, 784, 25, 7, 6),
        ("one unit", 1, 5, 196, 32, 5),  # NumPy adds a single column in another order than several
        ("three layers", 2, 17, 53, 31, 8),
        ("one unit", 1, 5, 123, 2, 8),  # sums of two numbers, often equal in another order
        ("batch norm", 41, 5, 116, 5, 15),
        ("tanh", 58, 64, 257, 256, 5),  # a last batch of one sample
        ("relu", 50, 64, 1437, 50, 8),  # the digits
    ],
)
def test_the_bits_are_the_same_for_odd_shapes(net, units, inputs, n, batch, trials):
    x, y = samples(n, inputs)
    run = partial(train, partial(NETS[net], units), x=x, y=y, epochs=2, batch_size=batch)
    together = run(range(trials))
    assert {t: differences(together[t], run([t])[t]) for t in range(trials)} == {t: [] for t in range(trials)}


@pytest.mark.parametrize("net", ["softmax", "relu", "batch norm"])
def test_a_neighbour_of_nan_changes_no_bit(net):
    x, y = samples(60, INPUTS)
    make = partial(NETS[net], UNITS)
    well = train(make, [1, 2, 3], x, y, epochs=2)
    steep = 10**40  # this trial's η is far outside float32
    with np.errstate(all="ignore"):
        broken = train(make, [1, steep, 3], x, y, epochs=2)
    assert not np.isfinite(broken[steep][1][-1].cost)
    assert [differences(well[t], broken[t]) for t in (1, 3)] == [[], []]


def test_hinge_trains_in_a_cohort_as_alone():
    x, y = samples(75, INPUTS)
    run = partial(train, partial(NETS["three layers"], UNITS), x=x, y=y, epochs=2, loss=MulticlassHinge)
    together = run(range(5))
    assert {t: differences(together[t], run([t])[t]) for t in range(5)} == {t: [] for t in range(5)}


@pytest.mark.parametrize("products", slow_but(["wide where exact", "trial by trial"], ["wide where exact"]))
@pytest.mark.parametrize("targets", slow_but([1, 3], [1]))
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize("net", slow_but(REGRESSION_NETS, ["linear", "dropout", "batch norm last"]))
def test_a_regression_in_a_cohort_has_the_bits_that_it_has_alone_however_it_is_cut(
    net, loss, targets, products, monkeypatch
):
    if products == "trial by trial":
        monkeypatch.setattr("hpsearch.nn.parameters.choose_layout", separate)
    x, y = values(75, INPUTS, targets)
    make = partial(REGRESSION_NETS[net], targets)
    run = partial(train, make, x=x, y=y, epochs=3, loss=REGRESSION_LOSSES[loss], optimiser=OPTIMISERS["adam"])
    together, cut = run(range(8)), run(range(8), cut=True)
    left = run(range(8), leaving={2: [0, 3], 3: [7]})
    for trial in (0, 3, 6):
        assert differences(together[trial], run([trial])[trial]) == []
    assert [trial for trial in range(8) if differences(together[trial], cut[trial])] == []
    assert [differences(together[trial], left[trial]) for trial in (1, 5)] == [[], []]


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize(
    ("net", "targets", "inputs", "n", "batch", "trials"),
    [
        ("linear", 1, 13, 404, 32, 8),  # a table of houses
        ("linear", 1, 5, 123, 2, 8),  # sums of two numbers, often equal in another order
        ("relu", 1, 1000, 34, 12, 3),
        ("relu", 1, 8, 1100, 500, 5),  # two chunks when it is measured
        ("batch norm last", 1, 17, 196, 65, 5),  # one column of outputs, a last batch of one sample
        ("dropout", 3, 64, 257, 256, 5),
        ("batch norm", 17, 10, 116, 25, 16),
    ],
)
def test_the_bits_of_a_regression_are_the_same_for_odd_shapes(optimiser, loss, net, targets, inputs, n, batch, trials):
    x, y = values(n, inputs, targets)
    options = {"loss": REGRESSION_LOSSES[loss], "optimiser": partial(OPTIMISERS[optimiser], clip=1.0)}
    run = partial(train, partial(REGRESSION_NETS[net], targets), x=x, y=y, epochs=2, batch_size=batch, **options)
    together = run(range(trials))
    chosen = (0, trials // 2, trials - 1)
    assert all(np.isfinite(together[t][1][-1].cost) for t in chosen)  # NaN would be different from NaN
    assert {t: differences(together[t], run([t])[t]) for t in chosen} == {t: [] for t in chosen}


@pytest.mark.parametrize("loss", slow_but(REGRESSION_LOSSES, ["squared_error"]))
@pytest.mark.parametrize("net", ["linear", "batch norm"])
def test_a_regression_beside_one_of_nan_keeps_its_bits(net, loss):
    x, y = values(60, INPUTS, 1)
    run = partial(train, partial(REGRESSION_NETS[net], 1), x=x / 8, y=y, epochs=2, loss=REGRESSION_LOSSES[loss])
    well = run([1, 2, 3])
    steep = 10**50  # gradients are bounded here, so η itself must be infinite in float32
    with np.errstate(all="ignore"):
        broken = run([1, steep, 3])
    assert not np.isfinite(broken[steep][1][-1].cost)
    assert [differences(well[t], broken[t]) for t in (1, 3)] == [[], []]
