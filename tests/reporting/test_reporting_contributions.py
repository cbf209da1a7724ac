"""What each sample contributes to a metric: scikit-learn's derivative by its weight, and the bootstrap's error."""

import numpy as np
import pytest

from hpsearch.metrics import evaluate, load, parse
from hpsearch.metrics.metric import MetricFile
from hpsearch.reporting.statistics.contributions import MEANS, contributions

CLASSES = {2: ("no", "yes"), 4: ("a", "b", "c", "d")}
CASES = [
    *((name, 0) for name in ("rmse", "mse", "mae", "r2", "mape", "pinball_0.9", "median_absolute_error")),
    *((name, 4) for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "cohen_kappa")),
    *((name, 4) for name in ("precision_macro", "precision_weighted", "recall_macro", "recall_weighted")),
    *((name, 4) for name in ("matthews_corrcoef", "top_2_accuracy", "log_loss", "brier")),
    *((name, classes) for name in ("roc_auc", "average_precision") for classes in (2, 4)),
    *((name, 2) for name in ("f1", "precision", "recall", "log_loss", "brier", "matthews_corrcoef")),
]
WITHOUT_DERIVATIVE = ("median_absolute_error",)


def made(metric, classes, n, seed=0):
    """Labels and what a mediocre model predicts for them, with ties among the scores."""
    random = np.random.default_rng(seed)
    if not classes:
        truth = np.exp(random.standard_normal((n, 1)) / 2) + 0.5
        return truth, truth + 0.5 * random.standard_normal((n, 1)) + 0.1
    truth = random.choice(classes, n, p=[0.7, 0.3] if classes == 2 else [0.4, 0.3, 0.2, 0.1])
    z = 1.4 * (truth[:, None] == np.arange(classes)) + random.standard_normal((n, classes))
    p = np.exp(z.round(2))
    p /= p.sum(axis=1, keepdims=True)
    return truth, p.argmax(axis=1) if metric.needs == "classes" else p


@pytest.mark.long
@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_contribution_is_the_derivative_of_scikit_learns_metric_by_the_samples_weight(name, classes):
    metric, n = parse(name), 300
    truth, prediction = made(metric, classes, n)
    names = CLASSES.get(classes, ())
    value, found = evaluate(metric, truth, prediction, classes=names), contributions(metric, truth, prediction, names)
    assert found.mean() == pytest.approx(value, rel=1e-9)
    if name in WITHOUT_DERIVATIVE:
        return
    for i in range(0, n, 29):
        sides = []
        for step in (1e-4, -1e-4):
            weight = np.ones(n)
            weight[i] += step * n
            sides.append(evaluate(metric, truth, prediction, classes=names, sample_weight=weight))
        assert found[i] - value == pytest.approx((sides[0] - sides[1]) / 2e-4, rel=5e-3, abs=5e-3 * found.std())


SMOOTH = [case for case in CASES if parse(case[0]).kind not in MEANS and case[0] not in WITHOUT_DERIVATIVE]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "classes"), SMOOTH)
def test_their_standard_error_is_that_of_the_bootstrap(name, classes):
    metric, n, random = parse(name), 3_000, np.random.default_rng(1)
    truth, prediction = made(metric, classes, n, seed=3)
    names = CLASSES.get(classes, ())
    found = contributions(metric, truth, prediction, names)
    drawn = []
    for _ in range(1_500):
        rows = random.integers(0, n, n)
        drawn.append(evaluate(metric, truth[rows], prediction[rows], classes=names))
    assert found.std(ddof=1) / np.sqrt(n) == pytest.approx(np.std(drawn, ddof=1), rel=0.05)


def test_a_metric_of_ones_own_has_them_from_groups_that_are_left_out(tmp_path):
    (tmp_path / "own.py").write_text(
        'direction = "minimize"\n\n\ndef metric(labels, predictions):\n'
        "    return float(((labels - predictions) ** 2).mean() ** 0.5)\n"
    )
    own = load(MetricFile("own", "own.py", "minimize"), tmp_path, "regression")
    rmse = parse("rmse")
    truth, prediction = made(rmse, 0, 5_000)
    found, exact = contributions(own, truth, prediction), contributions(rmse, truth, prediction)
    assert found.mean() == pytest.approx(exact.mean())
    assert found.std() == pytest.approx(exact.std(), rel=0.25)  # of 50 groups a deviation is known to 10%


def test_the_standard_error_of_a_median_is_its_deviation_over_samples():
    metric = parse("median_absolute_error")
    found = [contributions(metric, *made(metric, 0, 1_000, seed)) for seed in range(400)]
    true = np.std([each.mean() for each in found], ddof=1)
    assert np.mean([each.std(ddof=1) for each in found]) / np.sqrt(1_000) == pytest.approx(true, rel=0.08)
