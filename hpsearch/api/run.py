"""`hpsearch.launch`, `resume` and `load`, and `run_and_notify` for the command line. May import search and storage."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING

from hpsearch.api.callbacks import Callbacks, OnStage, OnTrial
from hpsearch.api.display import is_interactive, open_display
from hpsearch.api.notify import check_target, notify
from hpsearch.api.streams import flushable_streams
from hpsearch.api.study import PLACE, Study
from hpsearch.errors import InputError
from hpsearch.search import launch as search_launch
from hpsearch.search import resume as search_resume
from hpsearch.search.options import Options
from hpsearch.search.progress import Watcher
from hpsearch.storage import STORAGE_VARIABLE
from hpsearch.storage.damage.explained import explained
from hpsearch.storage.sqlite.workspace import default_url

if TYPE_CHECKING:
    from hpsearch.api.results import Results

MAX_WORKERS = 4096

RunStudy = Callable[[Options], tuple[str, bool]]
"""Launches or resumes a study with these options; returns its name and whether it is complete."""


def launch(
    study: Study | str | Path,
    *,
    storage: str | None = None,
    workers: int | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    data_dir: str | Path | None = None,
    on_trial: OnTrial | None = None,
    on_stage: OnStage | None = None,
    notify: str | None = None,
    progress: bool | None = None,
    or_resume: bool = False,
) -> "Results":
    """Check a study, run it, and return its results; the arguments are those of `hpsearch launch`.

    `study` is a `Study` or the path of a study file. `storage` defaults to $HPSEARCH_STORAGE or the database of the
    workspace, `workers` to one per core. `on_trial` is called with a `TrialEvent` when a trial ends, `on_stage` with a
    `StageEvent` when a stage begins or is complete; an exception that they raise stops the study. `notify` is a command
    or the URL of a web hook. `progress` shows the progress: always, never, or (None) in a terminal or a notebook.

    Raises InputError, with nothing changed, for an invalid argument; KeyboardInterrupt after Ctrl-C, CallbackError
    after an exception in a callback. `resume` continues the study after either.
    """
    options = _options(storage, workers, backend, scheduler, data_dir)
    _check_type("study", study, (Study, str, Path), "a Study, or the path of a study file")

    def run(chosen: Options) -> tuple[str, bool]:
        if isinstance(study, Study):
            return search_launch.launch_text(study.text, PLACE, chosen, or_resume=or_resume)
        return search_launch.launch(Path(study), chosen, or_resume=or_resume)

    return _results(run, options, on_trial, on_stage, notify, progress)


def resume(
    name: str,
    *,
    storage: str | None = None,
    workers: int | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    data_dir: str | Path | None = None,
    on_trial: OnTrial | None = None,
    on_stage: OnStage | None = None,
    notify: str | None = None,
    progress: bool | None = None,
    accept_changes: bool = False,
    trust_model: bool = False,
) -> "Results":
    """Continue a study where it was stopped, and return its results; the arguments are those of `launch`.

    With `accept_changes` it continues although its model file has changed: unfinished trials start again. With
    `trust_model` it runs the Python files that the database names, though it was launched in another workspace.
    """
    options = _options(storage, workers, backend, scheduler, data_dir)
    options = replace(options, accept_changes=accept_changes, trust_model=trust_model)
    _check_type("name", name, str, "a study's name")

    def run(chosen: Options) -> tuple[str, bool]:
        return name, search_resume.resume(name, chosen)

    return _results(run, options, on_trial, on_stage, notify, progress)


def load(
    name: str, storage: str | None = None, *, data_dir: str | Path | None = None, trust_model: bool = False
) -> "Results":
    """Return the results of a study, finished or not; a notebook shows them.

    `storage` defaults as in `launch`; `data_dir` is the directory of the datasets, which a classifier needs.
    A classifier also needs the model file; `trust_model` as in `resume`.

    >>> hpsearch.load("mlp").ranking  # doctest: +SKIP

    Raises StorageError for a database that cannot be read, or has no study of that name; DamagedError if it is damaged.
    """
    from hpsearch.api.results import load_results  # imports pandas

    _check_type("name", name, str, "a study's name")
    url = _storage(storage)
    with explained(url):
        return load_results(name, url, _folder(data_dir), trust_model=trust_model)


def _check_type(what: str, given: object, kinds: type | tuple[type, ...], rule: str) -> None:
    if not isinstance(given, kinds):
        raise InputError(f"{what} must be {rule}, got {given!r:.80}")


def _folder(given: str | Path | None) -> Path | None:
    _check_type("data_dir", given, (str, Path, NoneType), "a folder's path")
    return None if given is None else Path(given)


def _storage(given: str | None) -> str:
    _check_type("storage", given, (str, NoneType), "a database's URL, as 'sqlite:///studies/hpsearch.db'")
    return given or os.environ.get(STORAGE_VARIABLE) or default_url()


def run_and_notify(
    run: RunStudy,
    options: Options,
    display: AbstractContextManager[Watcher],
    on_trial: OnTrial | None = None,
    on_stage: OnStage | None = None,
    notify_target: str | None = None,
) -> tuple[str, bool]:
    """Run a study with a progress display; return its name and whether it is complete.

    The notification of a study that has begun is sent once the display is closed.
    """
    check_target(notify_target)
    callbacks = Callbacks(on_trial, on_stage)
    try:
        with flushable_streams(), display as callbacks.display:
            name, finished = run(replace(options, watcher=callbacks))
    except BaseException as error:
        if callbacks.study is not None and notify_target:
            notify(notify_target, callbacks.study, options.storage, error)
        raise
    if callbacks.study is not None and notify_target:
        notify(notify_target, name, options.storage, None)
    return name, finished


def _options(
    storage: str | None, workers: int | None, backend: str, scheduler: str | None, data_dir: str | Path | None
) -> Options:
    _check_type("backend", backend, str, "loky, dask, ray, threading or sequential")
    _check_type("scheduler", scheduler, (str, NoneType), "an address, as 'tcp://host:8786'")
    if workers is not None and not (isinstance(workers, Integral) and 1 <= workers <= MAX_WORKERS):
        raise InputError(f"workers must be a whole number from 1 to {MAX_WORKERS}, got {workers!r}")
    return Options(_storage(storage), workers=workers, backend=backend, scheduler=scheduler, data_dir=_folder(data_dir))


def _results(
    run: RunStudy,
    options: Options,
    on_trial: OnTrial | None,
    on_stage: OnStage | None,
    notify_target: str | None,
    progress: bool | None,
) -> "Results":
    for what, function in (("on_trial", on_trial), ("on_stage", on_stage)):
        if function is not None and not callable(function):
            raise InputError(f"{what} must be a function of one argument, got {function!r:.80}")
    quiet = not (is_interactive() if progress is None else progress)
    with explained(options.storage):
        name, finished = run_and_notify(run, options, open_display(quiet=quiet), on_trial, on_stage, notify_target)
    if not finished:
        raise KeyboardInterrupt(f"study {name!r} is stopped; go on with hpsearch.resume({name!r})")
    return load(name, options.storage, data_dir=options.data_dir, trust_model=options.trust_model)
