"""What layers draw, keep and refuse."""

import numpy as np
import pytest
from nn_cohorts import initialised, samples
from scipy import stats

from hpsearch.nn import BatchNorm, Dense, Dropout, LeakyReLU, Network, ReLU, Sizes, Tanh
from hpsearch.nn.initialisation import INITIALISATIONS
from hpsearch.nn.random import generator


def sizes(inputs, trials=1):
    return Sizes(trials, inputs, (), shared=False, dtype="float64")


@pytest.mark.parametrize(("name", "deviation"), [("he", np.sqrt(2 / 300)), ("gaussian", 0.01)])
def test_first_weights_are_normal_with_the_stated_deviation(name, deviation):
    drawn = INITIALISATIONS[name](np.random.default_rng(5), 300, 40)
    assert drawn.shape == (300, 40)
    assert drawn.dtype == np.float32
    assert stats.kstest(drawn.ravel() / deviation, "norm").pvalue > 0.01


def test_a_trial_draws_its_first_parameters_from_its_own_generator():
    pair = initialised([Dense(8), ReLU(), Dense(10)], 6, [3, 4])
    alone = initialised([Dense(8), ReLU(), Dense(10)], 6, [4])
    assert all(np.array_equal(alone.weights(0)[name], drawn) for name, drawn in pair.weights(1).items())
    assert not np.array_equal(pair.weights(0)["0.weights"], pair.weights(1)["0.weights"])
    assert not pair.weights(0)["0.bias"].any()


def test_generators_of_different_keys_differ():
    keys = [(0, "order", 1), (0, "order", 2), (0, "initial", 1), (1, "order", 1), (0, "order", "1")]
    assert len({generator(*key).integers(2**62) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(ReLU(), [0, 0, 2]), (LeakyReLU(0.1), [-0.3, 0, 2]), (Tanh(), np.tanh([-3, 0, 2]))],
)
def test_an_activation_has_its_values_and_works_in_place(layer, expected):
    layer.bind(sizes(3))
    x = np.array([[[-3.0, 0.0, 2.0]]])
    assert layer.forward(x, training=True) is x
    assert x[0, 0] == pytest.approx(expected)


def test_dropout_drops_its_share_and_keeps_the_mean():
    layer = Dropout(0.3)
    layer.bind(sizes(400))
    layer.begin_epoch(0, np.random.default_rng(2))
    out = layer.forward(np.ones((1, 250, 400)), training=True)
    dropped = np.mean(out == 0)
    assert dropped == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / out.size))
    assert out[out != 0] == pytest.approx(1 / 0.7, rel=1e-12)
    assert np.array_equal(layer.backward(np.ones_like(out)), out)


def test_dropout_draws_a_new_mask_for_each_batch_and_none_for_evaluation():
    layer = Dropout(0.5)
    layer.bind(sizes(50))
    layer.begin_epoch(0, np.random.default_rng(2))
    masks = [layer.forward(np.ones((1, 20, 50)), training=True).copy() for _ in range(2)]
    assert not np.array_equal(*masks)
    assert (layer.forward(np.ones((1, 20, 50)), training=False) == 1).all()


def test_training_with_dropout_needs_generators():
    network = initialised([Dense(4), Dropout(0.5), Dense(10)], 6)
    with pytest.raises(RuntimeError, match=r"call Network\.begin_epoch before training"):
        network.backward(*samples(5, 6))


def test_batch_norm_standardises_each_column_of_each_trial():
    layer = BatchNorm()
    layer.bind(sizes(7, trials=2))
    x = 3 + 5 * np.random.default_rng(0).standard_normal((2, 200, 7))
    out = layer.forward(x, training=True)
    assert out.mean(axis=1) == pytest.approx(np.zeros((2, 7)), abs=1e-12)
    assert out.std(axis=1) == pytest.approx(np.ones((2, 7)), rel=1e-6)


def test_batch_norm_evaluates_with_its_running_statistics():
    layer = BatchNorm(momentum=0.25)
    layer.bind(sizes(3))
    rng = np.random.default_rng(0)
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(4):
        batch = 1 + 2 * rng.standard_normal((1, 20, 3))
        mean = 0.75 * mean + 0.25 * batch[0].mean(axis=0)
        variance = 0.75 * variance + 0.25 * batch[0].var(axis=0, ddof=1)
        layer.forward(batch, training=True)
    x = rng.standard_normal((1, 5, 3))
    expected = (x - mean) / np.sqrt(variance + 1e-5)
    assert layer.forward(x, training=False) == pytest.approx(expected, rel=1e-12)


def test_running_statistics_are_part_of_state_and_weights():
    make = [Dense(4), BatchNorm(), Dense(10)]
    network = initialised(make, 6, rows=(20,))
    x, y = samples(20, 6)
    network.backward(x, y)
    scores = network.forward(x).copy()
    for kept in (network.state(0), network.weights(0)):
        assert {"1.mean", "1.variance", "1.gamma", "1.beta"} <= set(kept)
        other = Network([Dense(4), BatchNorm(), Dense(10)], inputs=6)
        other.load(0, kept)
        assert np.array_equal(other.forward(x), scores)


def test_a_batch_of_one_sample_leaves_batch_norm_finite():
    layer = BatchNorm()
    layer.bind(sizes(3))
    assert np.isfinite(layer.forward(np.ones((1, 1, 3)), training=True)).all()
    assert np.isfinite(layer.variance).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout(1.0), "dropout must be at least 0 and below 1, got 1.0"),
        (lambda: Dropout(-0.1), "dropout must be at least 0 and below 1, got -0.1"),
        (lambda: Dropout(float("nan")), "dropout must be at least 0 and below 1, got nan"),
        (lambda: LeakyReLU(1.5), "slope must be at least 0 and below 1, got 1.5"),
        (lambda: BatchNorm(momentum=0.0), "momentum must be above 0 and at most 1, got 0.0"),
        (lambda: Dense(0), "outputs must be at least 1, got 0"),
        (lambda: Dense(3, "uniform"), "init must be one of he, gaussian, got 'uniform'"),
        (lambda: Network([ReLU(), Dense(2)], inputs=4), "the first layer must be Dense, got ReLU"),
        (lambda: Network([BatchNorm(), Dense(2)], inputs=4), "the first layer must be Dense, got BatchNorm"),
        (lambda: Network([Dropout(0.1), Dense(2)], inputs=4), "the first layer must be Dense, got Dropout"),
        (lambda: Network([], inputs=4), "the layers must have parameters, got 0 without any"),
    ],
)
def test_what_does_not_fit_is_refused_with_rule_and_value(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
