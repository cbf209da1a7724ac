"""How much the columns of a table matter to a study's winner: permutation importance. May import data and workers.

A column's values are exchanged at random among validation samples, together with all features that encode it, and the
model predicts again (Breiman 2001). This runs the model's file, as every prediction does, where that is one's own.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hpsearch import data
from hpsearch.data.directories import importance_directory
from hpsearch.errors import HpsearchError
from hpsearch.exporting.predictions.outputs import Outputs
from hpsearch.exporting.predictions.truth import metric_of
from hpsearch.exporting.trained_model import TrainedModel, first_finished, load_model
from hpsearch.files import write_atomically
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

_FORMAT = 1
"""To be raised whenever the same model would have another result."""

_AT_ONCE = 2**24
"""So many numbers are predicted at once, or one repeat: an estimator's call may take longer than its work."""

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
    """Compute it, once for each model: it is kept in the user's cache."""
    assert frames.written is not None
    kept = importance_directory() / f"{_key(frames, model)}.json"
    try:
        return FeatureImportance.from_json(json.loads(kept.read_text()))
    except (OSError, ValueError, KeyError, TypeError):  # there is none yet, or a damaged one
        with threadpool_limits(1):  # threads would wait for each other longer than they work
            found = _computed(frames, model)
    if found.missing:  # the machine may have been busy
        return found
    with contextlib.suppress(OSError):  # it is computed again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, json.dumps(asdict(found)))
    return found


def _key(frames: Frames, model: TrainedModel) -> str:
    """A hash of all that the result follows from: the model with its weights, the samples and the metric."""
    assert frames.written is not None
    digest = hashlib.sha256()
    said = (_FORMAT, model.model_hash, model.configuration.to_json(), model.split.name, frames.written.seed)
    digest.update(repr((*said, model.trial, model.replicate, frames.goal, model.classes, model.targets)).encode())
    for name, array in sorted(model.weights.items()):
        digest.update(repr((name, array.dtype.str, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _computed(frames: Frames, model: TrainedModel) -> FeatureImportance:
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
    at_once = min(REPEATS, max(1, _AT_ONCE // max(1, samples.size)))
    measure = _measure(model, made, metric, truth[chosen])
    (value,) = measure(samples)  # what is compiled or allocated once does not count
    begin = time.perf_counter()
    measure(np.tile(samples, (at_once, 1)))
    seconds = (time.perf_counter() - begin) / at_once
    groups = model.columns.spans if model.columns else tuple(slice(i, i + 1) for i in range(samples.shape[1]))
    names = model.feature_names or tuple(f"feature {i}" for i in range(len(groups)))
    repeats = min(REPEATS, int(SECONDS / max(1e-9, seconds * min(COLUMNS, len(groups)))))
    if repeats < FEWEST:
        each = f"predicting {len(samples):,} samples takes {seconds:.2g} s"
        return FeatureImportance(missing=f"{each}, and {FEWEST} times {len(groups):,} columns were to be predicted")
    sign = 1.0 if metric.direction == "maximize" else -1.0
    found = []
    for number, (name, group) in enumerate(zip(names[:COLUMNS], groups, strict=False)):
        worse = []
        for first in range(0, repeats, at_once):
            several = np.tile(samples, (min(at_once, repeats - first), 1, 1))
            for repeat, permuted in enumerate(several, first):
                order = generator(frames.written.seed, "feature importance", number, repeat).permutation(len(samples))
                permuted[:, group] = samples[order, group]
            worse += [sign * (value - each) for each in measure(several.reshape(-1, samples.shape[1]))]
        found.append(ColumnImportance(name, float(np.mean(worse)), float(np.std(worse, ddof=1))))
    goal = Goal(metric.name, metric.direction, metric.share)
    further = max(0, len(groups) - COLUMNS)
    return FeatureImportance(model.trial, goal, value, len(samples), repeats, tuple(found), further)


def _chosen(samples: int, seed: int) -> npt.NDArray[np.int64]:
    if samples <= SAMPLES:
        return np.arange(samples)
    return np.sort(generator(seed, "feature importance samples").permutation(samples)[:SAMPLES])


def _measure(model: TrainedModel, made: Outputs, metric: Metric, truth: Array) -> Callable[[Samples], list[float]]:
    """Return the metrics of what the model predicts for the standardised samples, one or several times over."""

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
        unknown = np.zeros((len(samples), *truth.shape[1:]), np.float32 if model.targets else np.int64)
        values = made.predicted(samples, unknown)
        return model.in_units(values) if model.targets else values.astype(np.int64)

    def measured(samples: Samples) -> list[float]:
        parts = np.split(predicted(samples), len(samples) // len(truth))
        return [evaluate(metric, truth, part, classes=model.classes) for part in parts]

    return measured
