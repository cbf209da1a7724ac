"""Launch a study file and resume a stored study: everything is checked before anything is changed.

May import spec, data, storage and workers.
"""

import os
import platform
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from hpsearch import data, spec
from hpsearch.errors import DataError, InputError, ModelError, StudyBusyError
from hpsearch.search.cohorts import Pace
from hpsearch.search.growth import accept, grow, growth_of, growth_of_file, in_words
from hpsearch.search.interrupts import Interrupts
from hpsearch.search.preparation import check, prepare, stages_of
from hpsearch.search.progress import Watcher
from hpsearch.search.run import Runner
from hpsearch.search.stage_run import RunContext
from hpsearch.spec import Study
from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE, reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up
from hpsearch.storage.masking import shown
from hpsearch.storage.records import COMPLETE, NewStudy, StudyRow
from hpsearch.version import __version__
from hpsearch.workers.models.plugin import Plugin, read_plugin
from hpsearch.workers.pools import SCHEDULED, Pool, open_pool

_PACKAGES = ("numpy", "scipy", "optuna", "sqlalchemy", "joblib", "pydantic")


@dataclass(frozen=True)
class Options:
    """How to run, as against what: none of it changes a result."""

    storage: str
    workers: int | None = None
    """How many segments train at once [default: one a core, or all that the scheduler has room for]."""
    data_dir: Path | None = None
    backend: str = "loky"
    accept_changes: bool = False
    """Go on although the model file has changed: unfinished trials begin anew with it."""
    watcher: Watcher = field(default_factory=Watcher)
    scheduler: str | None = None
    """Where the backends dask and ray find their workers."""


def launch(path: Path, options: Options, *, or_resume: bool = False) -> tuple[str, bool]:
    """Check a study file, store it and run it. Returns the study's name and whether it ran to its end.

    With `or_resume`, a study that was launched from the same text, or from one that this one only adds to, goes on.

    Raises InputError, with nothing changed, for anything wrong in the file, the model, the data or the database.
    """
    return launch_text(spec.read_text(path), str(path), options, or_resume=or_resume)


def launch_text(text: str, place: str, options: Options, *, or_resume: bool = False) -> tuple[str, bool]:
    """Do what `launch` does for the text of a study file; `place` is where it is from, and opens its messages."""
    study = spec.parse(text, place)
    row = look_up(options.storage, study.name)
    if row is not None:
        growth_of(row, text, place)
        if or_resume:
            return study.name, resume(study.name, options, text)
        go_on = how_to_resume(study.name, options)
        raise InputError(f"study {study.name!r} exists already; go on with `{go_on}`, or give it a new name")
    workspace = _workspace(study.model.file, Path(place))
    plugin = _checked_plugin(study, workspace)
    dataset = data.load(study.data.dataset, data.data_directory(options.data_dir), workspace)
    check(study, plugin, dataset, options.storage)
    new = NewStudy(
        name=study.name,
        text=text,
        path=str(Path(place).absolute()),
        workspace=str(workspace),
        environment=environment(),
        data={
            "dataset": dataset.name,
            "fingerprint": dataset.fingerprint,
            "classes": list(dataset.classes),
            "image_shape": list(dataset.image_shape),
        },
        model={"file": study.model.file, "hash": plugin.hash, "text": plugin.text, "kind": plugin.kind},
    )
    with _workers(options) as workers:
        splits = prepare(study, dataset)
        with closing(Database(options.storage, create=True)) as database:
            with database.transaction() as connection:
                if reading.find_study(connection, study.name) is None:
                    writing.add_study(connection, database.optuna, new, stages_of(study, dataset))
                row = reading.get_study(connection, study.name)
            if row.text != text:
                raise StudyBusyError(f"study {row.name!r} was launched by another process just now; give it a new name")
            with closing(Coordinator(database, row.id, row.name)):
                return study.name, _run(database, row, study, plugin, dataset, splits, workers, options)


def resume(name: str, options: Options, text: str | None = None) -> bool:
    """Go on with a stored study. Returns whether it ran to its end; True at once if it had.

    Where its file, or `text`, only adds trials, stages or longer budgets, the study grows. Raises StudyChangedError if
    it says anything else, DataError or ModelError if data or model changed.
    """
    with closing(Database(options.storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        grown = growth_of(row, text, row.path) if text is not None else growth_of_file(row)
        if row.state == COMPLETE and grown is None:
            return True
        study = spec.parse(grown.text if grown else row.text, row.path)
        workspace = known_workspace(row, study)
        plugin = _checked_plugin(study, workspace)
        if plugin.hash != row.model["hash"] and not options.accept_changes:
            raise ModelError(
                f"{plugin.path}: the model file has changed since study {name!r} was launched; restore it, launch "
                "under a new name, or begin its unfinished trials anew with --accept-changes"
            )
        dataset = data.load(study.data.dataset, data.data_directory(options.data_dir), workspace)
        if dataset.fingerprint != row.data["fingerprint"]:
            raise DataError(
                f"{dataset.name}: the images are not those that study {name!r} was launched with; name the directory "
                "of those with --data-dir, or launch under a new name"
            )
        check(study, plugin, dataset, options.storage)
        with closing(Coordinator(database, row.id, name)), _workers(options) as workers:
            splits = prepare(study, dataset)
            if grown:
                options.watcher.message(in_words(row, study, grown))
            with database.transaction() as connection:
                now = reading.get_study(connection, name)
                if (now.id, now.text, now.model["hash"]) != (row.id, row.text, row.model["hash"]):
                    raise StudyBusyError(f"study {name!r} was changed by another process just now; resume it again")
                if grown:
                    grow(connection, database, row, study, grown, dataset)
                if plugin.hash != row.model["hash"]:
                    accept(connection, row, plugin)
                writing.count_launch(connection, row.id, environment())
            return _run(database, row, study, plugin, dataset, splits, workers, options)


def delete(name: str, storage: str) -> None:
    """Delete a study and all its results. Raises StorageError if it does not exist, StudyBusyError if it runs."""
    with closing(Database(storage, create=False)) as database:
        with database.transaction() as connection:
            row = reading.get_study(connection, name)
        with closing(Coordinator(database, row.id, name)), database.transaction() as connection:
            writing.delete_study(connection, row.id)


@contextmanager
def _workers(options: Options) -> Iterator[tuple[Pool, Interrupts]]:
    """Start the workers, which import what they need while the images are prepared; from here on Ctrl-C is counted."""
    with Interrupts() as interrupts:
        say = options.watcher.message
        with closing(open_pool(options.backend, options.workers, options.scheduler, say)) as pool:
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
) -> bool:
    pool, interrupts = workers
    shared = RunContext(
        database=database,
        plugin=plugin,
        classes=len(dataset.classes),
        inputs=dataset.samples.shape[1],
        splits=splits,
        pool=pool,
        watcher=options.watcher,
        interrupts=interrupts,
        pace=Pace(),
    )
    return Runner(row, study, shared).run()


def how_to_resume(name: str, options: Options, *more: str) -> str:
    """The command that goes on with a study, with `more` words for it, to be pasted into a shell."""
    words = ["hpsearch", "resume", *(["--"] if name.startswith("-") else []), name]
    if options.storage != os.environ.get(STORAGE_VARIABLE, DEFAULT_URL):
        words[2:2] = ["--storage", shown(options.storage)]
    if options.data_dir is not None:
        words[2:2] = ["--data-dir", str(options.data_dir)]
    if options.backend in SCHEDULED:
        words[2:2] = ["--backend", options.backend, *(["--scheduler", options.scheduler] if options.scheduler else [])]
    words[2:2] = more
    return shlex.join(words)


def _workspace(model: str, path: Path) -> Path:
    """Where model files are found from: here, or the folder of the study file, or the one above it."""
    candidates = [Path.cwd(), path.absolute().parent, path.absolute().parent.parent]
    return next((folder for folder in candidates if (folder / model).is_file()), Path.cwd())


def known_workspace(row: StudyRow, study: Study) -> Path:
    """Where the model file of a stored study is found from: where it was launched, or near its file."""
    known = Path(row.workspace)
    return known if (known / study.model.file).is_file() else _workspace(study.model.file, Path(row.path))


def _checked_plugin(study: Study, workspace: Path) -> Plugin:
    plugin = read_plugin(workspace / study.model.file)
    spec.check_model_keys(study, plugin.parameters, plugin.taken)
    return plugin


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
