"""Recall of each class with its interval, and reliability, on the test set. May import NumPy, frames, statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.predictions import reliability_figure
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.statistics.calibration import reliability
from hpsearch.reporting.statistics.intervals import wilson_interval

SHOWN = 50
"""At most so many classes, those with the lowest recall, have a row."""


@dataclass(frozen=True)
class Recall:
    """One class: how many of its samples are predicted as it, every cell a text."""

    name: str
    samples: str
    recall: str
    interval: str


def recalls(counts: NDArray[np.float64], classes: Sequence[str]) -> list[Recall]:
    """Return the classes by rising recall, from the confusion matrix (true classes, predicted classes)."""
    samples, right = counts.sum(axis=1), counts.diagonal()
    present = np.flatnonzero(samples)
    order = present[np.argsort(right[present] / samples[present], kind="stable")][:SHOWN]
    return [
        Recall(
            classes[index],
            f"{samples[index]:,.0f}",
            formatting.percent(right[index] / samples[index], 1),
            formatting.between(*wilson_interval(right[index], int(samples[index])), 1),
        )
        for index in order.tolist()
    ]


@dataclass(frozen=True)
class ReliabilityView:
    """A sentence with ECE and Brier score, and the diagram."""

    sentence: str
    figure: str


def view_reliability(frames: Frames, trials: Sequence[int], labels: NDArray[np.int64]) -> ReliabilityView | None:
    """Return it of the first of the trials that has stored outputs, None where none has, or with another loss.

    Only cross-entropy trains outputs that are probabilities after softmax.
    """
    chosen = frames.trials.set_index("id")["configuration"]
    for trial in trials:
        outputs = frames.outputs(trial, len(labels))
        loss = chosen[trial].get("training", {}).get("loss", "cross_entropy")
        if outputs is None or outputs.shape[1] < 2 or loss != "cross_entropy" or frames.trainable:
            continue
        if not np.isfinite(outputs).all():
            continue
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        found = reliability(powers / powers.sum(axis=1, keepdims=True), labels)
        mean = float(np.average(found.confidence, weights=found.samples))
        right = float(np.average(found.accuracy, weights=found.samples))
        sure = "more" if mean > right else "less"
        sentence = (
            f"The probability of the predicted class is {formatting.percent(mean, 1)} on average, and"
            f" {formatting.percent(right, 1)} of the predictions are right: the model is {sure} sure than right. The"
            f" expected calibration error is {100 * found.ece:.1f} points, the Brier score {found.brier:.3f}."
        )
        return ReliabilityView(sentence, reliability_figure(found))
    return None
