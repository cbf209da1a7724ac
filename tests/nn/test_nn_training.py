"""Epochs, and what is measured of them."""

import numpy as np

from hpsearch.nn import SGD, Dense, Dropout, Network, ReLU
from hpsearch.nn.schedules import constant
from hpsearch.nn.training import Tally, batch_rows, measure, train_epoch


def network(trials, layers=None, n=70, batch=20):
    layers = layers or [Dense(9), ReLU(), Dense(4)]
    made = Network(layers, inputs=12, trials=trials, rows=batch_rows(n, batch))
    for k in range(trials):
        made.initialise(k, np.random.default_rng(k))
    return made


def samples(n=70):
    rng = np.random.default_rng(5)
    return rng.standard_normal((n, 12), dtype=np.float32), rng.integers(0, 4, n)


def one_epoch(net, x, y, eta=0.05, epoch=1, **options):
    order, schedules, lam = np.arange(len(x))[::-1], [constant(eta)] * net.trials, np.zeros(net.trials)
    return train_epoch(net, SGD(), x, y, order, epoch=epoch, batch_size=20, schedules=schedules, lam=lam, **options)


def test_a_tally_holds_the_means_of_the_batches_as_they_were_met():
    x, y = samples()
    net, by_hand = network(3), network(3)
    tally, losses = Tally(net, 70), []
    one_epoch(net, x, y, tally=tally)
    for start in range(0, 70, 20):
        batch = np.arange(70)[::-1][start : start + 20]
        losses.append(by_hand.loss.losses(by_hand.forward(x[batch]), y[batch]))
        by_hand.backward(x[batch], y[batch])
        SGD().step(by_hand.params.values(), np.full(3, 0.05), np.zeros(3))
    found = [m.loss for m in tally.measured(np.zeros(3))]
    np.testing.assert_allclose(found, np.concatenate(losses, axis=1).mean(axis=1), rtol=1e-6)


def test_with_a_rate_of_zero_a_tally_is_what_is_measured():
    x, y = samples()
    net = network(2)
    tally = Tally(net, 70)
    one_epoch(net, x, y, eta=0.0, tally=tally)
    for met, measured in zip(tally.measured(np.ones(2)), measure(net, x, y, np.ones(2)), strict=True):
        np.testing.assert_allclose((met.loss, met.cost), (measured.loss, measured.cost), rtol=1e-6)
        assert met.accuracy == measured.accuracy


def test_keeping_a_tally_changes_no_weight():
    x, y = samples()
    plain, noted = network(3), network(3)
    one_epoch(plain, x, y)
    one_epoch(noted, x, y, tally=Tally(noted, 70))
    assert all(np.array_equal(plain.weights(1)[name], noted.weights(1)[name]) for name in plain.params)


def test_measuring_in_chunks_gives_what_one_pass_gives():
    x, y = samples(1200)
    net = network(2)
    found = measure(net, x, y, np.array([0.0, 0.5]))
    losses = net.loss.losses(net.forward(x), y)
    np.testing.assert_allclose([m.loss for m in found], losses.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found[1].cost - found[1].loss, 0.5 * net.squared_norm(1))
    assert found[0].cost == found[0].loss


def test_generators_given_for_an_epoch_reach_the_layers():
    x, y = samples()

    def trained(seed):
        net = network(1, [Dense(9), ReLU(), Dropout(0.5), Dense(4)])
        one_epoch(net, x, y, rngs=[np.random.default_rng(seed)])
        return net.weights(0)["0.weights"]

    assert np.array_equal(trained(0), trained(0))
    assert not np.array_equal(trained(0), trained(1))


def test_the_last_rate_of_an_epoch_is_returned_for_each_trial():
    x, y = samples()
    assert one_epoch(network(2), x, y, eta=0.25).tolist() == [0.25, 0.25]
