"""What is measured of each epoch beside cost, loss and accuracy. May import data, metrics, nn and spec."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hpsearch.data import Split
from hpsearch.metrics import Metric, evaluate
from hpsearch.metrics import parse as parse_metric
from hpsearch.nn.losses import probabilities
from hpsearch.nn.training import Measured
from hpsearch.spec import EVIDENCE
from hpsearch.workers.segments.results import Predictions

Array = npt.NDArray[Any]

MEASURED = ("cost", "loss", "accuracy")
"""Metrics that every epoch has anyway."""

ACCURACY = cast(Metric, parse_metric("accuracy"))


@dataclass(frozen=True)
class Measures:
    """The objective of a study (of several the main one), and the further metrics that it records."""

    objective: Metric = ACCURACY
    also: tuple[Metric, ...] = ()
    counted: tuple[str, ...] = ()  # costs among several objectives
    several: bool = False  # whether `also` has further objectives
    evidence: int = EVIDENCE
    """For how many kB of a trial's predictions for the validation samples are kept."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All of them, the objective first."""
        return (self.objective, *self.also)

    @property
    def computed(self) -> tuple[Metric, ...]:
        """Those that are computed from predictions, or returned by the model."""
        return tuple(metric for metric in self.metrics if metric.name not in MEASURED)

    @property
    def outputs(self) -> bool:
        """Whether one of them needs a classifier's outputs, and not only its classes."""
        return any(metric.needs in ("probabilities", "scores") for metric in self.computed)

    @property
    def classes(self) -> bool:
        """Whether one of them needs the predicted classes, and not only which are correct."""
        return any(metric.needs == "classes" for metric in self.computed)

    def of(self, found: Measured, part: str, rows: slice, split: Split) -> dict[str, float]:
        """The computed metrics of some rows of a part of the split, by name; in a regression in the targets' unit."""
        if not self.computed:
            return {}
        if found.returned is not None:
            return {metric.name: found.returned[metric.name] for metric in self.computed}
        truth = truth_of(split, part)[rows]
        return {metric.name: self._one(metric, found, truth, split) for metric in self.computed}

    def _one(self, metric: Metric, found: Measured, truth: Array, split: Split) -> float:
        if metric.needs == "values":
            prediction = split.in_units(found.predicted)
        elif metric.needs == "classes":
            prediction = found.predicted
        else:
            assert found.outputs is not None
            prediction = probabilities(found.outputs)  # as scores too: of two classes their order is that of z₁ − z₀
        return evaluate(metric, truth, prediction, classes=split.classes)

    def value(self, found: Measured, computed: Mapping[str, float]) -> float:
        """The objective."""
        name = self.objective.name
        return float(getattr(found, name)) if name in MEASURED else computed[name]


def truth_of(split: Split, part: str) -> Array:
    """The true classes (n,), or values (n, T) in their own unit, of the training, validation or test samples."""
    labels: Array = getattr(split, f"{part}_targets" if split.task == "regression" else f"{part}_y")
    return labels


def predictions_of(found: Measured, labels: Array, measures: Measures, *, classes: bool) -> Predictions:
    """What is stored of the predictions for samples with these labels.

    classes: whether to store the predicted classes of a classification; scores are stored where a metric needs them.
    """
    if found.returned is not None:
        return Predictions(len(labels), b"")
    values = found.predicted.dtype.kind == "f"
    outputs = found.predicted if values else found.outputs if measures.outputs else None
    return Predictions(
        samples=len(labels),
        correct=b"" if values else np.packbits(found.predicted == labels).tobytes(),
        predicted=found.predicted.tobytes() if classes and not values else None,
        outputs=None if outputs is None else np.ascontiguousarray(outputs, np.float32).tobytes(),
    )
