"""What is checked and made ready before a study runs: samplers, sources, the model's shapes, the divided images.

May import spec, data, storage and workers.
"""

from pathlib import Path

import numpy as np

from hpsearch import data, spec
from hpsearch.data import Dataset
from hpsearch.data.augmentation import Augmentation, check_augmentation
from hpsearch.search.plan import FINAL, known_of
from hpsearch.search.samplers.sampler import check_sampler
from hpsearch.spec import Final, Stage, Study
from hpsearch.storage.database import open_to_read
from hpsearch.storage.records import NewStage
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import make
from hpsearch.workers.models.plugin import Plugin, size


def check(study: Study, plugin: Plugin, dataset: Dataset, storage: str) -> None:
    """Check what only the model, the images, the installed packages and the database can tell."""
    for i, stage in enumerate(study.stages):
        check_sampler(stage, study.place, i)
    _check_sources(study, storage)
    _check_model(study, plugin, dataset)


def _check_sources(study: Study, storage: str) -> None:
    """Refuse a `from` that finds nothing."""
    stages = [stage for stage in study.stages if stage.source]
    if not stages:
        return
    engine = open_to_read(storage)
    try:
        with engine.connect() as connection:
            for stage in stages:
                known_of(connection, stage.source or "", tuple(stage.space))
    finally:
        engine.dispose()


def _check_model(study: Study, plugin: Plugin, dataset: Dataset) -> None:
    """Make the model once for each extreme of each space, so that nothing can fail for its shape later."""
    seen, some = set(), _some_of(dataset) if plugin.kind == "trainable" else None
    for stage in study.stages:
        for params in spec.probes(study, stage):
            for step in (stage, study.final) if study.final else (stage,):
                configuration = spec.resolve(study, step, params)
                if (shape := repr(configuration.parameters if plugin.kind == "layers" else configuration)) in seen:
                    continue
                seen.add(shape)
                if some is None:
                    size(plugin, dataset.samples.shape[1], len(dataset.classes), configuration.parameters)
                else:
                    make(plugin, some, study.seed, configuration)


SOME = 5_000
"""With at most so many images a trainable is made to see whether it takes a configuration."""


def _some_of(dataset: Dataset) -> Data:
    """Images of all classes, for a trainable to be made with, and never trained."""
    rows = np.arange(0, len(dataset.labels), -(-len(dataset.labels) // SOME))
    rows = np.union1d(rows, np.unique(dataset.labels, return_index=True)[1])
    samples = dataset.samples[rows].astype(np.float32)
    return Data(samples, dataset.labels[rows], len(dataset.classes), dataset.image_shape, 0)


def _steps(study: Study) -> list[tuple[str, Stage | Final]]:
    """Each stage and, last, the final, with its name."""
    steps: list[tuple[str, Stage | Final]] = [(stage.name, stage) for stage in study.stages]
    return [*steps, (FINAL, study.final)] if study.final else steps


def stages_of(study: Study, dataset: Dataset) -> list[NewStage]:
    stages = []
    for name, step in _steps(study):
        samples = spec.data_of(study, step)
        sizes = {"train": samples.train, "validation": samples.validation_samples, "test": len(dataset.test_labels)}
        if samples.folds:
            sizes["folds"] = samples.folds
        kind, test = (FINAL, True) if isinstance(step, Final) else (step.kind, step.test)
        stages.append(NewStage(name, kind, test, sizes))
    return stages


def prepare(study: Study, dataset: Dataset) -> dict[tuple[str, int], Path]:
    """The images of each step and replicate, divided and standardised; the folds of a cross-validation differ."""
    splits = {}
    for name, step in _steps(study):
        augmentation = Augmentation(**spec.augmentation_of(study, step).model_dump())
        check_augmentation(augmentation, dataset.name, dataset.image_shape)
        confirm = step.confirm if isinstance(step, Stage) else None
        for replicate in range(confirm.replicates if confirm else spec.replicates_of(study, step)):
            splits[name, replicate] = prepare_one(study, dataset, step, replicate)
    return splits


def prepare_one(study: Study, dataset: Dataset, step: Stage | Final, replicate: int) -> Path:
    """The images of one step and replicate, as `prepare` makes them."""
    samples = spec.data_of(study, step)
    return data.prepare(
        dataset,
        train=samples.train,
        validation=samples.validation_samples,
        seed=study.seed,
        fold=(replicate, samples.folds) if samples.folds else None,
        mirrored=spec.augmentation_of(study, step).flip,
    )
