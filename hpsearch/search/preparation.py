"""Preparation of a study: samplers, sources and model are checked, and the data is split and standardised.

May import spec, data, storage and workers.
"""

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch import data, spec
from hpsearch.data import Dataset
from hpsearch.data.augmentation import Augmentation, check_augmentation
from hpsearch.errors import DataError
from hpsearch.metrics import Metric, MetricError, MetricFile, check_labels
from hpsearch.metrics import hash_of as hash_of_metric
from hpsearch.metrics import load as load_metric
from hpsearch.search.checks.model import check_model
from hpsearch.search.samplers.factory import check_sampler
from hpsearch.search.samplers.sampler_files import Classes
from hpsearch.search.stages.distinct import MARK
from hpsearch.search.stages.goal import goal_of
from hpsearch.search.stages.space import FINAL, known_of
from hpsearch.spec import Final, Stage, Study
from hpsearch.spec.messages import fail
from hpsearch.storage.database import open_to_read
from hpsearch.storage.records import LabelsRecord, NewStage, StudyRow
from hpsearch.storage.sqlite.workspace import workspace
from hpsearch.workers.models.plugin import Plugin, read_function, read_plugin
from hpsearch.workers.segments.measures import Measures, truth_of


def find_workspace(study: Study, path: Path) -> Path:
    """The folder from which the model file is found: the current one, that of the study file, the one above, or the
    workspace of the current folder.

    Of a study without a model file, that from which its data is.
    """
    needed = study.model.path
    if needed is None and isinstance(dataset := study.data.dataset, dict):
        needed = next((dataset[key] for key in ("path", "train", "samples") if isinstance(dataset.get(key), str)), None)
    candidates = [Path.cwd(), path.absolute().parent, path.absolute().parent.parent, workspace().resolve()]
    return next((folder for folder in candidates if needed and os.path.exists(folder / needed)), Path.cwd())


def known_workspace(row: StudyRow, study: Study) -> Path:
    """The folder from which a stored study's files are found: where it was launched, or near the study file."""
    known, file = Path(row.workspace), study.model.path
    there = os.path.isfile(known / file) if file else known.is_dir()
    return known if there else find_workspace(study, Path(row.path))


def model_of(study: Study, workspace: Path) -> Path | str:
    """The study's model as a worker gets it: the path of its file, or the name of an installed class."""
    return study.model.name if study.model.path is None else workspace / study.model.path


def trusted_workspace(row: StudyRow, study: Study, *, trusted: bool) -> Path:
    """The known workspace. Raises InputError where its files may be somebody else's, unless they are `trusted`."""
    workspace = known_workspace(row, study)
    if not trusted:
        spec.require_trust(row.name, study, row.workspace, workspace)
    return workspace


def checked_plugin(study: Study, workspace: Path) -> Plugin:
    """The study's model, which accepts the keys that the study sets."""
    if study.model.is_function:
        plugin = read_function(model_of(study, workspace))
        spec.check_model_keys(study, (), {})
        return plugin
    plugin = read_plugin(model_of(study, workspace))
    if (plugin.way == "estimator") != study.model.is_estimator:
        right, wrong = ("file", "estimator") if study.model.is_estimator else ("estimator", "file")
        rule = f'must be given as {right} = "{study.model.name}", since the file defines {plugin.way}'
        raise fail(study.place, ["model", wrong], rule)
    spec.check_model_keys(study, plugin.parameters, plugin.taken)
    return plugin


def check_steps(study: Study, plugin: Plugin) -> None:
    """Refuse a function that yields a number for each step where nothing says how many steps there are."""
    given = study.training.epochs is not None or all("epochs" in stage.training for stage in study.stages)
    if isgeneratorfunction(plugin.function) and not given:
        rule = "is missing; the function yields a number for each of its steps, of which this is the number"
        raise fail(study.place, ["training", "epochs"], rule)


def check(
    study: Study, plugin: Plugin, measures: Measures, dataset: Dataset, storage: str, samplers: Classes
) -> list[str]:
    """Check what depends on the model, the metrics, the samplers, the data, the installed packages and the database.

    Returns what is to be said of the samplers' options.
    """
    said: list[str] = []
    for i, stage in enumerate(study.stages):
        said += check_sampler(stage, study.place, i, len(goal_of(study).objectives), samplers)
    _check_sources(study, storage)
    spec.check_class_weight(study, dataset.classes)
    if plugin.kind != "function":
        check_model(study, plugin, measures, dataset)
    return said


def _check_sources(study: Study, storage: str) -> None:
    """Raise StorageError for a `from` that names no configurations."""
    stages = [stage for stage in study.stages if stage.source]
    if not stages:
        return
    engine = open_to_read(storage)
    try:
        with engine.connect() as connection:
            for stage in stages:
                known_of(connection, stage.source or "", stage.space, goal_of(study))
    finally:
        engine.dispose()


def measures_of(study: Study, workspace: Path) -> Measures:
    """What the study measures: its objective and the further metrics, those of one's own read from their files.

    Raises InputError for a file that defines none.
    """
    task = study.data.task
    found = []
    for given in (study.objective.parsed(task), *study.objective.others):
        metric = given
        if isinstance(given, MetricFile):
            direction = given.direction or "maximize"
            metric = load_metric(replace(given, direction=direction), workspace, task)
        assert isinstance(metric, Metric)
        found.append(metric)
    counted, several = study.objective.counted, study.several is not None
    return Measures(found[0], tuple(found[1:]), counted, several, study.objective.evidence)


def metric_files(measures: Measures) -> dict[str, str]:
    """The hash of each metric's file, by its path as in the study file."""
    return {each.source.path: each.source.hash for each in measures.metrics if each.source}


def require_same_metrics(row: StudyRow, study: Study, workspace: Path) -> None:
    """Raise MetricError, before it is run, if a metric's file is not the one that the study was launched with."""
    known = row.data.get("metrics", {})
    for given in (study.objective.parsed(study.data.task), *study.objective.others):
        if not isinstance(given, MetricFile):
            continue
        path = given.path
        if known.get(path) != hash_of_metric(path, workspace):
            rule = f"the metric's file has changed since study {row.name!r} was launched"
            raise MetricError(f"{path}: {rule}; restore it, or launch under a new name")


def check_measures(study: Study, measures: Measures, splits: Mapping[tuple[str, int], Path]) -> None:
    """Refuse a metric that cannot be computed of the validation or the test samples, such as the AUC of one class."""
    for path in dict.fromkeys(splits.values()) if measures.computed else ():
        split = data.open_split(path)
        for part in ("validation", "test"):
            for metric in measures.computed:
                try:
                    check_labels(metric, truth_of(split, part), split.classes)
                except MetricError as error:
                    raise fail(study.place, ["objective"], f"{error} (in the {part} samples)") from None


def base_rate(splits: Mapping[tuple[str, int], Path]) -> dict[str, Any]:
    """The commonest class of the validation samples, and its share of them and of the test set; {} in a regression."""
    split = data.open_split(next(iter(splits.values())))
    if not split.classes:
        return {}
    commonest = int(np.bincount(split.validation_y).argmax())
    shares = {part: float(np.mean(truth_of(split, part) == commonest)) for part in ("validation", "test")}
    return {"base_rate": {"class": split.classes[commonest], **shares}}


def labels_of(study: Study, splits: Mapping[tuple[str, int], Path]) -> list[LabelsRecord]:
    """The true labels of what each stage's trials are evaluated on, by fold where there are folds."""
    found: list[LabelsRecord] = []
    for name, step in _steps(study) if not study.model.is_function else ():
        tested = isinstance(step, Final) or step.test
        for fold in range(spec.data_of(study, step).folds or 1):
            split = data.open_split(splits[name, fold])
            scale = None
            if split.target_mean is not None and split.target_deviation is not None:
                scale = np.stack([split.target_mean, split.target_deviation]).astype(np.float64).tobytes()
            for part in ("validation", "test") if tested else ("validation",):
                truth = truth_of(split, part)
                kind = np.float64 if scale else np.uint8 if len(split.classes) <= 256 else np.uint16
                content = np.ascontiguousarray(truth, kind).tobytes()
                found.append(LabelsRecord(name, part, fold, len(truth), content, scale))
    return found


def _steps(study: Study) -> list[tuple[str, Stage | Final]]:
    """Each stage and, last, the final, with their names."""
    steps: list[tuple[str, Stage | Final]] = [(stage.name, stage) for stage in study.stages]
    return [*steps, (FINAL, study.final)] if study.final else steps


def stages_of(study: Study, dataset: Dataset) -> list[NewStage]:
    """The stages and the final as they are stored before they begin."""
    stages, objective = [], spec.objective_of(study)
    for name, step in _steps(study):
        samples = spec.data_of(study, step)
        sizes: dict[str, Any] = {
            "train": samples.train,
            "validation": samples.validation_samples,
            "test": len(dataset.test_labels),
        }
        if study.model.is_function:
            sizes = {}
        if samples.folds:
            sizes["folds"] = samples.folds
        if objective:
            sizes["objective"] = objective
        if isinstance(step, Stage):
            sizes |= MARK
            if rungs := spec.chosen_rungs(study, step):
                sizes["rungs"] = list(rungs)
        kind, test = (FINAL, True) if isinstance(step, Final) else (step.kind, step.test)
        stages.append(NewStage(name, kind, test, sizes))
    return stages


_ATTEMPTS = 3


@dataclass(frozen=True)
class Prepared:
    """The split of each step and replicate, and what is stored of them."""

    splits: dict[tuple[str, int], Path]
    labels: list[LabelsRecord]
    base_rate: dict[str, Any]


def prepare_all(study: Study, dataset: Dataset, measures: Measures) -> Prepared:
    """Prepare the data, check what is measured, and read the labels; anew where the cache is deleted meanwhile."""
    for attempt in range(_ATTEMPTS):
        splits = prepare(study, dataset)
        try:
            check_measures(study, measures, splits)
            return Prepared(splits, labels_of(study, splits), base_rate(splits))
        except DataError:  # a split cannot be opened any more
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


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


def prepare_one(study: Study, dataset: Dataset, step: Stage | Final, replicate: int, *, whole: bool = False) -> Path:
    """The split of one step and replicate, as `prepare` makes it; with `whole`, all samples are to be trained on."""
    samples = spec.data_of(study, step)
    return data.prepare(
        dataset,
        train=samples.train,
        validation=samples.validation_samples,
        seed=study.seed,
        fold=(replicate, samples.folds) if samples.folds else None,
        mirrored=spec.augmentation_of(study, step).flip,
        whole=whole,
    )
