"""A study's model with the bounds and choices of each space, made before the search. May import spec, data, workers."""

import numpy as np

from hpsearch import spec
from hpsearch.data import Dataset
from hpsearch.spec import Study
from hpsearch.spec.messages import fail
from hpsearch.trainables import Data
from hpsearch.workers.models.built_layers import size
from hpsearch.workers.models.checked_trainable import CheckedTrainable, make, squeezed
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.module import module_of

SAMPLE_ROWS = 5_000
"""A trainable is made with about so many samples to check that it accepts a configuration."""


def _sample_of(dataset: Dataset) -> Data:
    """Samples of all classes, with which a trainable is made, but not trained."""
    labels = dataset.labels
    rows = np.arange(0, len(labels), -(-len(labels) // SAMPLE_ROWS))
    if dataset.targets:
        deviation = labels[rows].std(axis=0)
        labels = ((labels - labels[rows].mean(axis=0)) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    else:
        rows = np.union1d(rows, np.unique(labels, return_index=True)[1])
    samples, names = dataset.samples[rows].astype(np.float64), (dataset.classes, dataset.targets)
    if dataset.columns:
        samples = dataset.columns.learned_from(samples).encode(samples)
    return Data(
        samples.astype(np.float32), squeezed(labels[rows]), len(dataset.classes), dataset.image_shape, 0, *names
    )


def check_model(study: Study, plugin: Plugin, measures: Measures, dataset: Dataset) -> None:
    """Make the model with the bounds and choices of each space, so that an invalid shape is found before the search."""
    of_network = plugin.kind in ("layers", "module")
    if of_network and dataset.columns and dataset.columns.keep_missing:
        what = "layers" if plugin.kind == "layers" else "a module of PyTorch"
        rule = f"must not be 'keep' for {study.model.name}, which makes {what}: a missing value is no number"
        raise fail(study.place, ["data", "dataset", "missing"], rule)
    seen, sample = set(), _sample_of(dataset) if plugin.kind != "layers" else None
    if of_network and (unknown := [each.name for each in measures.metrics if each.kind == "returned"]):
        rule = f"{unknown[0]} must be returned by a trainable, but {study.model.name} makes no trainable"
        raise fail(study.place, ["objective"], rule)
    if plugin.kind == "module" and "flops" in study.objective.counted:
        rule = f"must not be 'flops', which are counted of layers; {study.model.name} makes a module of PyTorch"
        raise fail(study.place, study.objective.place("flops"), rule)
    for stage in study.stages:
        for params in spec.probes(study, stage):
            for step in (stage, study.final) if study.final else (stage,):
                configuration = spec.resolve(study, step, params)
                if (shape := repr(configuration if plugin.kind == "trainable" else configuration.parameters)) in seen:
                    continue
                seen.add(shape)
                if sample is None:
                    size(plugin, dataset.features, dataset.outputs, configuration.parameters)
                elif plugin.kind == "module":
                    module_of(plugin, sample, study.seed, ("", 0), 0, configuration)
                else:
                    _check_predictions(study, make(plugin, sample, study.seed, configuration), measures)


def _check_predictions(study: Study, made: CheckedTrainable, measures: Measures) -> None:
    """Refuse metrics of what the trainable does not predict."""
    for name in study.objective.counted:
        if name != "epochs":
            rule = f"must not be {name!r}, which are counted of a model's layers; {study.model.name} is a trainable"
            raise fail(study.place, study.objective.place(name), rule)
    for metric in measures.metrics:
        where = study.objective.place(metric.name)
        if metric.kind == "returned" and "evaluate" not in made.evaluations:
            rule = f"{metric.name} must be returned by evaluate, which {study.model.name} does not define"
            raise fail(study.place, where, rule)
        if metric.needs in ("probabilities", "scores") and not made.gives(metric.needs):
            methods = "predict_proba" if metric.needs == "probabilities" else "predict_proba, or predict for scores"
            rule = f"{metric.name} needs {metric.needs}, which {study.model.name} does not give; define {methods}"
            raise fail(study.place, where, rule)
