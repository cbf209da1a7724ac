"""Preparation of a study: samplers, sources and model are checked, and the data is split and standardised.

May import spec, data, storage and workers.
"""

from pathlib import Path

import numpy as np

from hpsearch import data, spec
from hpsearch.data import Dataset
from hpsearch.data.augmentation import Augmentation, check_augmentation
from hpsearch.search.samplers.factory import check_sampler
from hpsearch.search.stages.space import FINAL, known_of
from hpsearch.spec import Final, Stage, Study
from hpsearch.storage.database import open_to_read
from hpsearch.storage.records import NewStage, StudyRow
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import make
from hpsearch.workers.models.plugin import Plugin, read_plugin, size


def find_workspace(model: str, path: Path) -> Path:
    """The folder from which the model file is found: the current one, that of the study file, or the one above."""
    candidates = [Path.cwd(), path.absolute().parent, path.absolute().parent.parent]
    return next((folder for folder in candidates if (folder / model).is_file()), Path.cwd())


def known_workspace(row: StudyRow, study: Study) -> Path:
    """The folder from which a stored study's model file is found: where it was launched, or near the study file."""
    known = Path(row.workspace)
    return known if (known / study.model.file).is_file() else find_workspace(study.model.file, Path(row.path))


def checked_plugin(study: Study, workspace: Path) -> Plugin:
    """The study's model file, which accepts the keys that the study sets."""
    plugin = read_plugin(workspace / study.model.file)
    spec.check_model_keys(study, plugin.parameters, plugin.taken)
    return plugin


def check(study: Study, plugin: Plugin, dataset: Dataset, storage: str) -> None:
    """Check what depends on the model, the data, the installed packages and the database."""
    for i, stage in enumerate(study.stages):
        check_sampler(stage, study.place, i)
    _check_sources(study, storage)
    _check_model(study, plugin, dataset)


def _check_sources(study: Study, storage: str) -> None:
    """Raise StorageError for a `from` that names no configurations."""
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
    """Make the model with the bounds and choices of each space, so that an invalid shape is found before the search."""
    seen, sample = set(), _sample_of(dataset) if plugin.kind == "trainable" else None
    for stage in study.stages:
        for params in spec.probes(study, stage):
            for step in (stage, study.final) if study.final else (stage,):
                configuration = spec.resolve(study, step, params)
                if (shape := repr(configuration.parameters if plugin.kind == "layers" else configuration)) in seen:
                    continue
                seen.add(shape)
                if sample is None:
                    size(plugin, dataset.samples.shape[1], len(dataset.classes), configuration.parameters)
                else:
                    make(plugin, sample, study.seed, configuration)


SAMPLE_ROWS = 5_000
"""A trainable is made with about so many samples to check that it accepts a configuration."""


def _sample_of(dataset: Dataset) -> Data:
    """Samples of all classes, with which a trainable is made, but not trained."""
    rows = np.arange(0, len(dataset.labels), -(-len(dataset.labels) // SAMPLE_ROWS))
    rows = np.union1d(rows, np.unique(dataset.labels, return_index=True)[1])
    samples = dataset.samples[rows].astype(np.float32)
    return Data(samples, dataset.labels[rows], len(dataset.classes), dataset.image_shape, 0)


def _steps(study: Study) -> list[tuple[str, Stage | Final]]:
    """Each stage and, last, the final, with their names."""
    steps: list[tuple[str, Stage | Final]] = [(stage.name, stage) for stage in study.stages]
    return [*steps, (FINAL, study.final)] if study.final else steps


def stages_of(study: Study, dataset: Dataset) -> list[NewStage]:
    """The stages and the final as they are stored before they begin."""
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
    """Split and standardise the data of each step and replicate; the folds of a cross-validation differ."""
    splits = {}
    for name, step in _steps(study):
        augmentation = Augmentation(**spec.augmentation_of(study, step).model_dump())
        check_augmentation(augmentation, dataset.name, dataset.image_shape)
        confirm = step.confirm if isinstance(step, Stage) else None
        for replicate in range(confirm.replicates if confirm else spec.replicates_of(study, step)):
            splits[name, replicate] = prepare_one(study, dataset, step, replicate)
    return splits


def prepare_one(study: Study, dataset: Dataset, step: Stage | Final, replicate: int) -> Path:
    """The split of one step and replicate, as `prepare` makes it."""
    samples = spec.data_of(study, step)
    return data.prepare(
        dataset,
        train=samples.train,
        validation=samples.validation_samples,
        seed=study.seed,
        fold=(replicate, samples.folds) if samples.folds else None,
        mirrored=spec.augmentation_of(study, step).flip,
    )
