"""Every optimiser: its textbook formula in float64, a trial alone and in a cohort, segments, clipping."""

import numpy as np
import pytest

from hpsearch.nn import Dense, Network, ReLU
from hpsearch.nn.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, clip_by_global_norm
from hpsearch.nn.parameters import Parameter, Weights
from hpsearch.nn.random import generator
from hpsearch.nn.schedules import constant
from hpsearch.nn.training import train_epoch

MAKERS = {
    **OPTIMISERS,
    "clipped sgd": lambda: SGD(clip=0.5),
    "clipped momentum": lambda: Momentum(clip=0.5),
    "clipped adam": lambda: Adam(clip=0.5),
    "clipped adamw": lambda: AdamW(clip=0.5),
}


def quadratic(dtype="float64", trials=2):
    """A weight matrix (5, 4) per trial with the input of one unit batch, so that dLoss/dW is what `delta` says."""
    weights = Weights(trials, 5, 4, dtype)
    weights.x = np.repeat(np.eye(5, dtype=dtype)[None], trials, axis=0)
    rng = np.random.default_rng(0)
    for k in range(trials):
        weights.load(k, {"": rng.standard_normal((5, 4)).astype(dtype)})
    return weights


def textbook(name, w, gradient, eta, lam, updates):
    """Textbook updates in float64: w after each; gradient(w, t) is that of the loss."""
    v, m, s = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    path = []
    for t in range(1, updates + 1):
        g = gradient(w, t) + (0 if name == "adamw" else 2 * lam * w)
        if name == "sgd":
            w = w - eta * g
        elif name in ("momentum", "nesterov"):
            v = 0.9 * v + g
            w = w - eta * (g + 0.9 * v if name == "nesterov" else v)
        else:
            if name == "adamw":
                w = w - eta * lam * w
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
            w = w - eta * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        path.append(w)
    return path


def gradient_of(k):
    return lambda w, t: np.sin(3 * w + t) + (k + 1) * w**3


@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_step_is_the_textbooks_for_each_trials_own_rates(name):
    weights, optimiser = quadratic(), OPTIMISERS[name]()
    eta, lam = np.array([0.01, 0.03]), np.array([0.1, 0.0])
    expected = [textbook(name, weights.materialise(k), gradient_of(k), eta[k], lam[k], 30) for k in range(2)]
    for t in range(1, 31):
        weights.delta = np.stack([gradient_of(k)(weights.materialise(k), t) for k in range(2)])
        optimiser.step([weights], eta, lam, t - 1)
        for k in range(2):
            np.testing.assert_allclose(weights.materialise(k), expected[k][t - 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_bias_takes_the_same_steps_without_lambda(name):
    bias, optimiser = Parameter(np.ones((2, 3)), np.zeros((2, 3))), OPTIMISERS[name]()
    eta, lam = np.array([0.01, 0.03]), np.array([0.1, 0.2])
    expected = [textbook(name, np.ones(3), gradient_of(k), eta[k], 0.0, 10)[-1] for k in range(2)]
    for t in range(1, 11):
        bias.grad[...] = [gradient_of(k)(bias.value[k], t) for k in range(2)]
        optimiser.step([bias], eta, lam, t - 1)
    np.testing.assert_allclose(bias.value, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_quadratic_converges(name):
    weights, optimiser = quadratic(), OPTIMISERS[name]()
    eta, lam = np.full(2, 0.05), np.zeros(2)
    for t in range(600):
        weights.delta = np.stack([weights.materialise(k) - 1 for k in range(2)])
        optimiser.step([weights], eta, lam, t)
    np.testing.assert_allclose(weights.materialise(1), 1.0, atol=1e-3)


def trained(make, trials, cut=False, inputs=300, outputs=(20, 5)):
    """Three epochs of a small network; with `cut`, each in a network loaded from the last one's states."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, inputs), dtype=np.float32), rng.integers(0, outputs[-1], 90)
    states = None
    for epoch in (1, 2, 3):
        if states is None or cut:
            layers = [Dense(outputs[0]), ReLU(), Dense(outputs[1])]
            network = Network(layers, inputs=inputs, trials=len(trials), rows=(40, 10))
            for k, t in enumerate(trials):
                if states is None:
                    network.initialise(k, generator(0, "initial", t))
                else:
                    network.load(k, states[k])
        schedules, lam = [constant(0.01 * (1 + t)) for t in trials], np.array([0.01 * t for t in trials])
        order = generator(0, "order", epoch).permutation(90)
        train_epoch(network, make(), x, y, order, epoch=epoch, batch_size=40, schedules=schedules, lam=lam)
        states = [network.state(k) for k in range(len(trials))]
    return dict(zip(trials, states, strict=True))


def same(one, other):
    return one.keys() == other.keys() and all(one[n].tobytes() == other[n].tobytes() for n in one)


@pytest.mark.parametrize("name", MAKERS)
def test_a_trial_in_a_cohort_or_cut_in_segments_has_the_bits_that_it_has_alone(name):
    alone = {t: trained(MAKERS[name], [t])[t] for t in (0, 3, 7)}
    for cohort in ((3, 0), (7, 3, 5), range(8), range(16)):
        together = trained(MAKERS[name], list(cohort))
        assert all(same(together[t], alone[t]) for t in set(cohort) & set(alone))
    assert same(trained(MAKERS[name], [3, 4], cut=True)[3], alone[3])


@pytest.mark.parametrize("name", ["momentum", "adam", "clipped sgd"])
def test_bits_are_the_same_for_samples_of_cifar_size(name):
    sizes = {"inputs": 3072, "outputs": (50, 10)}
    together = trained(MAKERS[name], list(range(8)), **sizes)
    assert all(same(together[t], trained(MAKERS[name], [t], **sizes)[t]) for t in (1, 6))


def test_clipping_scales_the_whole_gradient_to_the_norm():
    weights, bias = quadratic(), Parameter(np.ones((2, 3)), np.array([[3.0, 0, 0], [1e-3, 0, 0]]))
    weights.delta = np.stack([np.full((5, 4), 2.0), np.full((5, 4), 1e-3)])
    expected = [np.sqrt(9 + 20 * 4), np.sqrt(1e-6 + 20e-6)]
    norms = clip_by_global_norm([weights, bias], np.zeros(2), 1.0)
    np.testing.assert_allclose(norms, expected)
    gradient = weights.gradient()
    np.testing.assert_allclose(gradient[0], 2 / expected[0])
    np.testing.assert_allclose(gradient[1], 1e-3)
    np.testing.assert_allclose(bias.grad[:, 0], [3 / expected[0], 1e-3])


def test_the_norm_that_is_clipped_holds_the_regularisation():
    weights = quadratic()
    weights.delta = np.zeros((2, 5, 4))
    norms = clip_by_global_norm([weights], np.array([0.2, 0.0]), 100.0)
    np.testing.assert_allclose(norms, [0.2 * np.linalg.norm(weights.materialise(0)), 0.0])


def test_loading_weights_only_resets_the_state_of_the_optimiser():
    weights, optimiser = quadratic(), Momentum()
    weights.delta = np.ones((2, 5, 4))
    optimiser.step([weights], np.full(2, 0.1), np.zeros(2), 0)
    assert weights.state(0)[".velocity"].all()
    weights.load(0, {"": np.ones((5, 4))})
    assert not weights.state(0)[".velocity"].any()
    assert weights.state(1)[".velocity"].all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(1.0), "momentum must be at least 0 and below 1, got 1.0"),
        (lambda: Nesterov(-0.1), "momentum must be at least 0 and below 1, got -0.1"),
        (lambda: Adam(beta2=1.5), "beta2 must be at least 0 and below 1, got 1.5"),
        (lambda: Adam(epsilon=0), "epsilon must be above 0, got 0"),
        (lambda: SGD(clip=0.0), "clip must be above 0, got 0.0"),
    ],
)
def test_impossible_configurations_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("clip", [None, 0.7])
def test_steps_are_pytorchs(name, clip):
    torch = pytest.importorskip("torch")
    eta, lam = 0.01, 0.05
    weights, optimiser = quadratic(trials=1), OPTIMISERS[name](clip=clip)
    theirs = torch.tensor(weights.materialise(0), requires_grad=True)
    decay = lam if name == "adamw" else 0.0  # the others' λ goes through the gradient, where it is clipped as well
    nesterov = {"momentum": 0.9, "nesterov": name == "nesterov"}
    other = {
        "sgd": lambda: torch.optim.SGD([theirs], eta),
        "adam": lambda: torch.optim.Adam([theirs], eta),
        "adamw": lambda: torch.optim.AdamW([theirs], eta, weight_decay=decay),
    }.get(name, lambda: torch.optim.SGD([theirs], eta, **nesterov))()
    for t in range(1, 51):
        g = gradient_of(0)(weights.materialise(0), t)
        weights.delta = g[None].copy()
        theirs.grad = torch.tensor(g) + (0 if name == "adamw" else 2 * lam) * theirs.detach()
        if clip:
            norm = theirs.grad.norm()
            theirs.grad *= torch.clamp(clip / norm, max=1.0)
        other.step()
        optimiser.step([weights], np.array([eta]), np.array([lam]), t - 1)
        np.testing.assert_allclose(weights.materialise(0), theirs.detach().numpy(), rtol=0, atol=1e-10)
