"""Launch a study file and resume a stored study: everything is checked before anything is changed.

May import spec, data, storage and workers.
"""

import platform
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from hpsearch import __version__, data, spec
from hpsearch.data.augmentation import Augmentation, check_augmentation
from hpsearch.errors import DataError, InputError, ModelError, StudyChangedError
from hpsearch.search.interrupts import Interrupts
from hpsearch.search.planning import FINAL
from hpsearch.search.progress import Watcher
from hpsearch.search.run import Runner
from hpsearch.spec import Final, Stage, Study
from hpsearch.storage import DEFAULT_URL, reading, writing
from hpsearch.storage.database import Database, look_up
from hpsearch.storage.locks import StudyLock
from hpsearch.storage.records import COMPLETE, NewStage, NewStudy, StudyRow
from hpsearch.workers.plugin import Plugin, read_plugin, size
from hpsearch.workers.pool import Pool

_PACKAGES = ("numpy", "scipy", "optuna", "sqlalchemy", "joblib", "pydantic")


@dataclass(frozen=True)
class Options:
    """How to run, as against what: none of it changes a result."""

    storage: str
    workers: int
    data_dir: Path | None = None
    backend: str = "loky"
    watcher: Watcher = field(default_factory=Watcher)


def launch(path: Path, options: Options, *, or_resume: bool = False) -> tuple[str, bool]:
    """Check a study file, store it and run it. Returns the study's name and whether it ran to its end.

    With `or_resume`, a study that was launched from the same text goes on instead.

    Raises InputError, with nothing changed, for anything wrong in the file, the model, the data or the database.
    """
    text = spec.read_text(path)
    study = spec.parse(text, str(path))
    row = look_up(options.storage, study.name)
    if row is not None:
        _refuse_changed(row, text, str(path))
        if or_resume:
            return study.name, resume(study.name, options)
        go_on = how_to_resume(study.name, options)
        raise InputError(f"study {study.name!r} exists already; go on with `{go_on}`, or give it a new name")
    workspace = _workspace(study.model.file, path)
    plugin = _checked_plugin(study, workspace)
    dataset = data.load(study.data.dataset, data.data_directory(options.data_dir), workspace)
    _check_model(study, plugin, dataset)
    new = NewStudy(
        name=study.name,
        text=text,
        path=str(path.absolute()),
        workspace=str(workspace),
        environment=environment(),
        data={
            "dataset": dataset.name,
            "fingerprint": dataset.fingerprint,
            "classes": list(dataset.classes),
            "image_shape": list(dataset.image_shape),
        },
        model={"file": study.model.file, "hash": plugin.hash, "text": plugin.text},
    )
    with _workers(options) as workers:
        splits = _prepare(study, dataset)
        with closing(Database(options.storage, create=True)) as database:
            with database.transaction() as connection:
                if reading.find_study(connection, study.name) is None:
                    writing.add_study(connection, database.optuna, new, _stages(study, dataset))
                row = reading.get_study(connection, study.name)
            return study.name, _run(database, row, study, plugin, dataset, splits, workers, options)


def resume(name: str, options: Options) -> bool:
    """Go on with a stored study. Returns whether it ran to its end; True at once if it had.

    Raises StudyChangedError if its file says something else now, DataError or ModelError if data or model changed.
    """
    with closing(Database(options.storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        _refuse_changed_file(row)
        if row.state == COMPLETE:
            return True
        study = spec.parse(row.text, row.path)
        workspace = _known_workspace(row, study)
        plugin = _checked_plugin(study, workspace)
        if plugin.hash != row.model["hash"]:
            raise ModelError(
                f"{plugin.path}: the model file has changed since study {name!r} was launched; restore it, or launch "
                "under a new name"
            )
        dataset = data.load(study.data.dataset, data.data_directory(options.data_dir), workspace)
        if dataset.fingerprint != row.data["fingerprint"]:
            raise DataError(
                f"{dataset.name}: the images are not those that study {name!r} was launched with; name the directory "
                "of those with --data-dir, or launch under a new name"
            )
        with _workers(options) as workers:
            splits = _prepare(study, dataset)
            return _run(database, row, study, plugin, dataset, splits, workers, options, resumed=True)


def delete(name: str, storage: str) -> None:
    """Delete a study and all its results. Raises StorageError if it does not exist, StudyBusyError if it runs."""
    with closing(Database(storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        with closing(StudyLock(database.path, row.id, name)), database.transaction() as connection:
            writing.delete_study(connection, database.optuna, row.id)


@contextmanager
def _workers(options: Options) -> Iterator[tuple[Pool, Interrupts]]:
    """Start the workers, which import what they need while the images are prepared; from here on Ctrl-C is counted."""
    with Interrupts() as interrupts, closing(Pool(options.workers, options.backend)) as pool:
        pool.warm()
        yield pool, interrupts


def _run(
    database: Database,
    row: StudyRow,
    study: Study,
    plugin: Plugin,
    dataset: data.Dataset,
    splits: dict[tuple[str, int], Path],
    workers: tuple[Pool, Interrupts],
    options: Options,
    *,
    resumed: bool = False,
) -> bool:
    pool, interrupts = workers
    with closing(StudyLock(database.path, row.id, row.name)):
        if resumed:
            with database.transaction() as connection:
                writing.count_launch(connection, row.id, environment())
        runner = Runner(
            database=database,
            row=row,
            study=study,
            plugin=plugin,
            classes=len(dataset.classes),
            inputs=dataset.images.shape[1],
            splits=splits,
            pool=pool,
            watcher=options.watcher,
            interrupts=interrupts,
        )
        return runner.run()


def how_to_resume(name: str, options: Options) -> str:
    """The command that goes on with a study, to be pasted into a shell."""
    words = ["hpsearch", "resume", *(["--"] if name.startswith("-") else []), name]
    if options.storage != DEFAULT_URL:
        words[2:2] = ["--storage", options.storage]
    if options.data_dir is not None:
        words[2:2] = ["--data-dir", str(options.data_dir)]
    return shlex.join(words)


def _refuse_changed_file(row: StudyRow) -> None:
    """Refuse if the file that was launched says something else of this study now; without it the stored text counts."""
    try:
        text = spec.read_text(Path(row.path))
        renamed = any(change.startswith("name:") for change in spec.difference(row.text, text))
    except InputError:  # gone, or no study file any more
        return
    if not renamed:
        _refuse_changed(row, text, row.path)


def _refuse_changed(row: StudyRow, text: str, place: str) -> None:
    changes = spec.difference(row.text, text)
    if not changes:
        return
    shown = "; ".join(changes[:5]) + (f"; and {len(changes) - 5} more" if len(changes) > 5 else "")
    rule = f"study {row.name!r} was launched with another text ({shown})"
    raise StudyChangedError(f"{place}: {rule}; undo that, or give it a new name")


def _workspace(model: str, path: Path) -> Path:
    """Where model files are found from: here, or the folder of the study file, or the one above it."""
    candidates = [Path.cwd(), path.absolute().parent, path.absolute().parent.parent]
    return next((folder for folder in candidates if (folder / model).is_file()), Path.cwd())


def _known_workspace(row: StudyRow, study: Study) -> Path:
    known = Path(row.workspace)
    return known if (known / study.model.file).is_file() else _workspace(study.model.file, Path(row.path))


def _checked_plugin(study: Study, workspace: Path) -> Plugin:
    plugin = read_plugin(workspace / study.model.file)
    spec.check_model_keys(study, plugin.parameters)
    return plugin


def _check_model(study: Study, plugin: Plugin, dataset: data.Dataset) -> None:
    """Build the model once for each extreme of each space, so that nothing can fail for its shape later."""
    seen = set()
    for stage in study.stages:
        for params in spec.probes(study, stage):
            for step in (stage, study.final) if study.final else (stage,):
                parameters = spec.resolve(study, step, params).parameters
                if repr(parameters) not in seen:
                    seen.add(repr(parameters))
                    size(plugin, dataset.images.shape[1], len(dataset.classes), parameters)


def _steps(study: Study) -> list[tuple[str, Stage | Final]]:
    """Each stage and, last, the final, with its name."""
    steps: list[tuple[str, Stage | Final]] = [(stage.name, stage) for stage in study.stages]
    return [*steps, (FINAL, study.final)] if study.final else steps


def _stages(study: Study, dataset: data.Dataset) -> list[NewStage]:
    stages = []
    for name, step in _steps(study):
        images = spec.data_of(study, step)
        sizes = {"train": images.train, "validation": images.validation_images, "test": len(dataset.test_labels)}
        if images.folds:
            sizes["folds"] = images.folds
        kind, test = (FINAL, True) if isinstance(step, Final) else (step.kind, step.test)
        stages.append(NewStage(name, kind, test, sizes))
    return stages


def _prepare(study: Study, dataset: data.Dataset) -> dict[tuple[str, int], Path]:
    """The images of each step and replicate, divided and standardised; the folds of a cross-validation differ."""
    splits = {}
    for name, step in _steps(study):
        images = spec.data_of(study, step)
        augmentation = Augmentation(**spec.augmentation_of(study, step).model_dump())
        check_augmentation(augmentation, dataset.name, dataset.image_shape)
        for replicate in range(spec.replicates_of(study, step)):
            splits[name, replicate] = data.prepare(
                dataset,
                train=images.train,
                validation=images.validation_images,
                seed=study.seed,
                fold=(replicate, images.folds) if images.folds else None,
                mirrored=augmentation.flip,
            )
    return splits


def environment() -> dict[str, Any]:
    """What a result was computed with; bits are promised per machine type and BLAS kernels."""
    kernels = {f"{i['internal_api']} {i.get('architecture', '')}".strip() for i in threadpool_info()}
    return {
        "hpsearch": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "blas": ", ".join(sorted(kernels)),
    }
