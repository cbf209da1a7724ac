"""A trial's bits depend on itself alone: not on its cohort, nor on who leaves it, nor on where its training is cut."""

from functools import partial

import numpy as np
import pytest
from nn_cohorts import NETS, differences, images, train

from hpsearch.nn.losses import LOSSES, MulticlassHinge

INPUTS, UNITS = 64, 16
EPOCHS = 3


@pytest.fixture(params=["wide where exact", "trial by trial"])
def _products(request, monkeypatch):
    if request.param == "trial by trial":
        monkeypatch.setattr("hpsearch.nn.layers.wide_is_exact", lambda *shape, **direction: False)


@pytest.mark.usefixtures("_products")
@pytest.mark.parametrize("net", NETS)
def test_a_trial_in_a_cohort_has_the_bits_that_it_has_alone(net):
    x, y = images(75, INPUTS)  # three batches of 20 and one of 15
    make = partial(NETS[net], UNITS)
    alone = {t: train(make, [t], x, y, epochs=EPOCHS)[t] for t in range(16)}
    for trials in (range(2), range(1, 4), range(8), range(16), (5, 0, 15)):
        together = train(make, trials, x, y, epochs=EPOCHS)
        assert {t: differences(alone[t], together[t]) for t in trials} == {t: [] for t in trials}


@pytest.mark.parametrize("net", NETS)
def test_cutting_into_segments_and_leaving_neighbours_change_no_bit(net):
    x, y = images(75, INPUTS)
    make = partial(NETS[net], UNITS)
    whole = train(make, range(8), x, y, epochs=4)
    cut = train(make, range(8), x, y, epochs=4, cut=True)
    left = train(make, range(8), x, y, epochs=4, leaving={2: [0, 3], 3: [7], 4: [1, 2, 4, 6]})
    assert {t: differences(whole[t], cut[t]) for t in range(8)} == {t: [] for t in range(8)}
    assert differences(whole[5], left[5]) == []


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("net", ["softmax", "relu"])
def test_the_bits_are_the_same_for_images_of_cifar_size(net, loss):
    x, y = images(230, 3072)
    run = partial(train, partial(NETS[net], 50), x=x, y=y, epochs=1, batch_size=100, loss=LOSSES[loss])
    together = run(range(8))
    pair = run((6, 3))
    assert {t: differences(together[t], run([t])[t]) for t in (0, 3, 7)} == {0: [], 3: [], 7: []}
    assert [differences(together[t], pair[t]) for t in (6, 3)] == [[], []]


@pytest.mark.parametrize("net", ["softmax", "relu", "batch norm"])
def test_a_neighbour_of_nan_changes_no_bit(net):
    x, y = images(60, INPUTS)
    make = partial(NETS[net], UNITS)
    well = train(make, [1, 2, 3], x, y, epochs=2)
    steep = 10**40  # this trial's η is far outside float32
    with np.errstate(all="ignore"):
        broken = train(make, [1, steep, 3], x, y, epochs=2)
    assert not np.isfinite(broken[steep][1][-1].cost)
    assert [differences(well[t], broken[t]) for t in (1, 3)] == [[], []]


def test_hinge_trains_in_a_cohort_as_alone():
    x, y = images(75, INPUTS)
    run = partial(train, partial(NETS["three layers"], UNITS), x=x, y=y, epochs=2, loss=MulticlassHinge)
    together = run(range(5))
    assert {t: differences(together[t], run([t])[t]) for t in range(5)} == {t: [] for t in range(5)}
