"""Recall of each class and reliability: against scikit-learn and SciPy."""

import re

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, recall_score
from test_reporting_confusion import confused_study, views

from hpsearch.data.sources.catalogue import load as load_dataset
from hpsearch.reporting import write_report
from hpsearch.reporting.sections.confusion import confusion, matrix
from hpsearch.reporting.sections.predictions.classes import recalls
from hpsearch.reporting.statistics.calibration import reliability
from hpsearch.storage import schema
from hpsearch.storage.damage.checksums import checksum


def drawn(samples=500, classes=4):
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, samples)
    scores = random.normal(size=(samples, classes)) + 1.5 * (np.arange(classes) == labels[:, None])
    return labels, softmax(2 * scores, axis=1)


def test_recall_is_scikit_learns_and_its_interval_scipys():
    labels, shares = drawn()
    found = recalls(matrix(labels, [shares.argmax(axis=1).astype(np.uint8)], 4), list("abcd"))
    expected = recall_score(labels, shares.argmax(axis=1), average=None)
    assert [each.recall for each in found] == [f"{100 * share:.1f}%" for share in sorted(expected)]
    worst = int(expected.argmin())
    number = int((labels == worst).sum())
    bounds = binomtest(round(expected[worst] * number), number).proportion_ci(0.95, method="wilson")
    assert found[0].interval == f"{100 * bounds.low:.1f}–{100 * bounds.high:.1f}"


def test_the_calibration_error_and_the_brier_score_are_scikit_learns():
    labels, shares = drawn()
    found = reliability(shares, labels)
    highest, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, highest, n_bins=10)
    assert found.accuracy == pytest.approx(accuracy)
    assert found.confidence == pytest.approx(confidence)
    weights = np.array(found.samples) / len(labels)
    assert found.ece == pytest.approx((weights * np.abs(accuracy - confidence)).sum())
    each = [brier_score_loss(labels == index, shares[:, index]) for index in range(4)]
    assert found.brier == pytest.approx(sum(each))


def test_the_page_has_recall_always_and_reliability_where_outputs_were_stored(engine, tmp_path):
    confused_study(engine, seeds=1)
    frames, stages = views(engine)
    found = confusion(frames, stages, examples=False)
    assert found.reliability is None
    assert found.recalls[0].name == "3"
    labels = load_dataset("digits").test_labels
    outputs = np.where(np.arange(10) == labels[:, None], 4.0, 0.0).astype(np.float32)
    with engine.begin() as connection:
        stored = {"outputs": outputs.tobytes(), "outputs_checksum": checksum(outputs.tobytes())}
        connection.execute(schema.predictions.update().where(schema.predictions.c.split == "test").values(stored))
    page = write_report(engine, "made", tmp_path).read_text()
    assert "Recall of each class" in page
    assert "the model is less sure than right" in page
    share = np.exp(4) / (np.exp(4) + 9)
    assert f"The expected calibration error is {100 * (1 - share):.1f} points" in re.sub("<[^>]*>", "", page)
