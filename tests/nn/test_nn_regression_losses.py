"""Losses of values against scikit-learn, SciPy, PyTorch and their definitions, at any size of number."""

import numpy as np
import pytest
from scipy.special import huber
from sklearn.metrics import mean_absolute_error, mean_squared_error

from hpsearch.nn.losses import LOSSES
from hpsearch.nn.regression_losses import REGRESSION_LOSSES, Huber

BY_HAND = {
    "squared_error": lambda r: r**2,
    "absolute_error": abs,
    "huber": lambda r: 0.5 * r**2 if abs(r) <= 1 else abs(r) - 0.5,
}


def outputs(trials=3, rows=40, targets=3, dtype="float64"):
    """Outputs z (K, N, T) and targets y (N, T)."""
    rng = np.random.default_rng(1)
    z, y = 2 * rng.standard_normal((trials, rows, targets)), rng.standard_normal((rows, targets))
    return z.astype(dtype), y.astype(dtype)


def rows_first(z):
    """The same numbers, (N, K, T) in memory."""
    return np.ascontiguousarray(z.transpose(1, 0, 2)).transpose(1, 0, 2)


def targets_first(z):
    """The same numbers, (T, N, K) in memory."""
    return np.asfortranarray(z)


LAYOUTS = [np.copy, rows_first, targets_first]


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_a_loss_is_the_mean_of_its_definition_over_the_targets(loss, targets):
    z, y = outputs(targets=targets)
    found = REGRESSION_LOSSES[loss]().losses(z, y)
    assert found.shape == (3, 40)
    for k, n in np.ndindex(3, 40):
        by_hand = np.mean([BY_HAND[loss](z[k, n, t] - y[n, t]) for t in range(targets)])
        assert found[k, n] == pytest.approx(by_hand, rel=1e-12)


def test_the_mean_losses_are_those_of_scikit_learn_and_scipy():
    z, y = outputs()
    for k in range(3):
        squared, absolute = (REGRESSION_LOSSES[name]().losses(z, y) for name in ("squared_error", "absolute_error"))
        assert squared[k].mean() == pytest.approx(mean_squared_error(y, z[k]), rel=1e-12)
        assert absolute[k].mean() == pytest.approx(mean_absolute_error(y, z[k]), rel=1e-12)
        for delta in (0.1, 1.0, 10.0):
            assert Huber(delta).losses(z, y)[k].mean() == pytest.approx(huber(delta, z[k] - y).mean(), rel=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_losses_and_gradients_are_those_of_pytorch_at_the_kinks_too(loss, layout):
    torch = pytest.importorskip("torch")
    z, y = outputs()
    z[0, 0], z[1, 1], z[2, 2] = y[0], 1.0, -1.0
    y[1:3] = 0.0  # residuals of 0, where |r| has its kink, and of 1 and −1, where Huber's changes
    theirs = {"squared_error": "mse_loss", "absolute_error": "l1_loss", "huber": "huber_loss"}[loss]
    tensor, target = torch.tensor(z, requires_grad=True), torch.tensor(y).expand(z.shape)
    each = getattr(torch.nn.functional, theirs)(tensor, target, reduction="none").mean(dim=2)
    each.mean(dim=1).sum().backward()
    ours = REGRESSION_LOSSES[loss]()
    np.testing.assert_allclose(ours.losses(layout(z), y), each.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.gradient(layout(z), y), tensor.grad.numpy(), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("delta", [0.1, 1.0, 10.0])
def test_hubers_slope_is_the_residual_up_to_delta(delta):
    z, y = outputs(trials=1)
    expected = np.clip(z - y, -delta, delta) / z[0].size
    assert Huber(delta).gradient(z, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("targets", [1, 3, 20])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_a_trial_has_its_bits_in_any_cohort_and_memory_order(loss, layout, targets):
    z, y = outputs(trials=5, targets=targets, dtype="float32")
    loss = REGRESSION_LOSSES[loss]()
    losses, gradient = loss.losses(layout(z), y), loss.gradient(layout(z), y)
    for k in range(5):
        alone = z[k : k + 1].copy()
        assert losses[k].tobytes() == loss.losses(alone, y)[0].tobytes()
        assert gradient[k].tobytes() == loss.gradient(alone, y)[0].tobytes()


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_losses_leaves_the_outputs_and_gradient_overwrites_them_and_neither_changes_the_targets(loss):
    z, y = outputs()
    before = z.copy(), y.copy()
    REGRESSION_LOSSES[loss]().losses(z, y)
    assert np.array_equal(z, before[0])
    assert REGRESSION_LOSSES[loss]().gradient(z, y) is z
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_an_output_that_is_no_number_gives_such_a_loss_to_its_own_sample_alone(loss, value):
    z, y = outputs(dtype="float32")
    well = REGRESSION_LOSSES[loss]().losses(z, y)
    z[1, 7, 2] = value
    losses = REGRESSION_LOSSES[loss]().losses(z, y)  # warnings are errors in our tests
    assert np.argwhere(~np.isfinite(losses)).tolist() == [[1, 7]]
    assert np.isfinite(losses).sum() == well.size - 1
    REGRESSION_LOSSES[loss]().gradient(z, y)


@pytest.mark.parametrize(("loss", "expected"), [("squared_error", np.inf), ("absolute_error", 1e30), ("huber", 1e30)])
def test_huge_targets_give_huge_losses_without_a_warning(loss, expected):
    z, y = np.ones((2, 4, 3), np.float32), np.full((4, 3), 1e30, np.float32)
    assert REGRESSION_LOSSES[loss]().losses(z, y) == pytest.approx(np.full((2, 4), expected))
    REGRESSION_LOSSES[loss]().gradient(z, y)


def test_each_loss_says_what_it_is_for():
    assert {loss().task for loss in LOSSES.values()} == {"classification"}
    assert {loss().task for loss in REGRESSION_LOSSES.values()} == {"regression"}


@pytest.mark.parametrize("delta", [0.0, -1.0, np.inf, np.nan])
def test_hubers_delta_must_be_a_positive_number(delta):
    with pytest.raises(ValueError, match="delta must be above 0 and finite, got"):
        REGRESSION_LOSSES["huber"](delta=delta)
