"""What holds for every metric and all data: the order of samples, and that nothing beats the perfect prediction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_data import CLASSIFICATION, REGRESSION, labelled, names, one_of, perfect_for, prediction_for, valued

from hpsearch.metrics import evaluate

SEEDS, SIZES = st.integers(0, 2**32 - 1), st.integers(12, 60)


def sampled(kind, seed, n, classes):
    """A metric, its class names, truth, prediction and weights; every class is there."""
    metric = one_of(kind)
    if kind in REGRESSION:
        truth, prediction, weight = valued(None if classes == 3 else classes, n, seed)
        return metric, (), truth, prediction, weight
    y, c, p, weight = labelled(classes, n, seed)
    y[:classes] = np.arange(classes)
    return metric, names(classes), y, prediction_for(metric, c, p), weight


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*CLASSIFICATION, *REGRESSION])
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, n=SIZES, classes=st.integers(3, 6), weighted=st.booleans())
def test_the_order_of_samples_changes_nothing(kind, seed, n, classes, weighted):
    metric, known, truth, prediction, weight = sampled(kind, seed, n, classes)
    order = np.random.default_rng(seed).permutation(n)
    before = evaluate(metric, truth, prediction, classes=known, sample_weight=weight if weighted else None)
    after = evaluate(
        metric, truth[order], prediction[order], classes=known, sample_weight=weight[order] if weighted else None
    )
    assert after == pytest.approx(before, rel=1e-9, abs=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("kind", [*CLASSIFICATION, *REGRESSION])
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, n=SIZES, classes=st.integers(2, 6), weighted=st.booleans())
def test_no_prediction_beats_the_perfect_one(kind, seed, n, classes, weighted):
    classes = max(classes, 3 if kind == "top_k_accuracy" else 2)
    metric, known, truth, prediction, weight = sampled(kind, seed, n, classes)
    given_weight = weight if weighted else None
    perfect = evaluate(metric, truth, perfect_for(metric, truth, classes), classes=known, sample_weight=given_weight)
    found = evaluate(metric, truth, prediction, classes=known, sample_weight=given_weight)
    assert metric.sign * perfect >= metric.sign * found - 1e-12
    assert perfect == pytest.approx(1 if metric.direction == "maximize" else 0, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*CLASSIFICATION, *REGRESSION])
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, n=SIZES)
def test_equal_weights_are_no_weights(kind, seed, n):
    metric, known, truth, prediction, _ = sampled(kind, seed, n, 3)
    alone = evaluate(metric, truth, prediction, classes=known)
    found = evaluate(metric, truth, prediction, classes=known, sample_weight=np.full(n, 0.5))
    assert found == pytest.approx(alone, rel=1e-9, abs=1e-12)
