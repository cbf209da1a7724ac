"""How much the columns of a table matter to a study's winner: permutation importance. May import data and workers.

A column's values are exchanged at random among validation samples, together with all features that encode it, and the
model predicts again (Breiman 2001). This runs the model's file, as every prediction does, where that is one's own.
"""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpsearch import data
from hpsearch.errors import HpsearchError
from hpsearch.exporting.predictions.outputs import Outputs
from hpsearch.exporting.predictions.truth import metric_of
from hpsearch.exporting.trained_model import TrainedModel, first_finished, load_model
from hpsearch.metrics import Metric, evaluate
from hpsearch.nn.losses import probabilities
from hpsearch.nn.random import generator
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.predictions.features import ColumnImportance, FeatureImportance
from hpsearch.storage.records import Goal

COLUMNS, SAMPLES, REPEATS = 60, 2_000, 10
"""At most so many columns, the first ones, and samples; so many repeats, or fewer of a slow model."""

SECONDS, FEWEST = 5.0, 3
"""Repeats are left out that would make it take longer than this; if so few would, there is none."""

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]


def feature_importance(frames: Frames) -> FeatureImportance | None:
    """Return the importance of columns to the first replicate of the final, else to the best of the last search.

    None where samples are images, or the study is of a function; where it cannot be computed, the result says why.
    """
    if frames.images or frames.goal.of_function or frames.written is None or frames.returned:
        return None
    try:
        return _importance(frames, load_model(frames, first_finished(frames)))
    except HpsearchError as error:
        return FeatureImportance(missing=str(error).rstrip("."))


def _importance(frames: Frames, model: TrainedModel) -> FeatureImportance:
    assert frames.written is not None
    split, made = data.open_split(model.split), model.made()
    objective = frames.written.objective.parsed(frames.written.data.task)
    known = made.has_probabilities or (
        made.network is not None and model.configuration.training.loss == "cross_entropy"
    )
    metric = metric_of(objective, regression=bool(model.targets), probabilities=known)
    chosen = _chosen(len(split.validation_x), frames.written.seed)
    samples = np.array(split.validation_x[chosen])
    truth = split.validation_targets if split.validation_targets is not None else split.validation_y
    measure = _measure(model, made, metric, truth[chosen])
    measure(samples)  # what is compiled or allocated once does not count
    begin = time.perf_counter()
    value = measure(samples)
    seconds = time.perf_counter() - begin
    groups = model.columns.spans if model.columns else tuple(slice(i, i + 1) for i in range(samples.shape[1]))
    names = model.feature_names or tuple(f"feature {i}" for i in range(len(groups)))
    repeats = min(REPEATS, int(SECONDS / max(1e-9, seconds * min(COLUMNS, len(groups)))))
    if repeats < FEWEST:
        each = f"predicting {len(samples):,} samples takes {seconds:.2g} s"
        return FeatureImportance(missing=f"{each}, and {FEWEST} times {len(groups):,} columns were to be predicted")
    sign = 1.0 if metric.direction == "maximize" else -1.0
    found = []
    for number, (name, group) in enumerate(zip(names[:COLUMNS], groups, strict=False)):
        own = samples[:, group].copy()
        worse = []
        for repeat in range(repeats):
            order = generator(frames.written.seed, "feature importance", number, repeat).permutation(len(samples))
            samples[:, group] = own[order]
            worse.append(sign * (value - measure(samples)))
        samples[:, group] = own
        found.append(ColumnImportance(name, float(np.mean(worse)), float(np.std(worse, ddof=1))))
    goal = Goal(metric.name, metric.direction, metric.share)
    further = max(0, len(groups) - COLUMNS)
    return FeatureImportance(model.trial, goal, value, len(samples), repeats, tuple(found), further)


def _chosen(samples: int, seed: int) -> npt.NDArray[np.int64]:
    if samples <= SAMPLES:
        return np.arange(samples)
    return np.sort(generator(seed, "feature importance samples").permutation(samples)[:SAMPLES])


def _measure(model: TrainedModel, made: Outputs, metric: Metric, truth: Array) -> Callable[[Samples], float]:
    """Return the metric of what the model predicts for standardised samples."""

    def predicted(samples: Samples) -> npt.NDArray[np.generic]:
        if made.network is not None:
            scores = made.scores(samples)
            if model.targets:
                return model.in_units(scores)
            if metric.needs == "classes":
                return np.asarray(scores.argmax(axis=1))
            return probabilities(scores) if metric.needs == "probabilities" else scores
        if metric.needs in ("probabilities", "scores"):
            return np.asarray(made.probabilities(samples))
        values = made.predicted(samples, np.zeros_like(truth, np.float32 if model.targets else np.int64))
        return model.in_units(values) if model.targets else values.astype(np.int64)

    return lambda samples: evaluate(metric, truth, predicted(samples), classes=model.classes)
