"""`hpsearch.launch`, `resume` and `load`; the command line has `carry_out`. May import search and storage."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING

from hpsearch.api.callbacks import Calling, OnStage, OnTrial
from hpsearch.api.display import somebody_looks, watching
from hpsearch.api.notify import check_target, notify
from hpsearch.api.study import PLACE, Study
from hpsearch.errors import InputError
from hpsearch.search import launch as launching
from hpsearch.search.progress import Watcher
from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE

if TYPE_CHECKING:
    from hpsearch.api.results import Results

MOST_WORKERS = 4096

Run = Callable[[launching.Options], tuple[str, bool]]
"""Launches or resumes with these options; returns the study's name and whether it ran to its end."""


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
    """Check a study, run it, and return what came of it; the arguments are those of `hpsearch launch`.

    `study` is a `Study` or the path of a study file. `storage` is $HPSEARCH_STORAGE, or the workspace's database, if it
    is None; `workers` is one a core. `on_trial` is called with a `TrialEvent` whenever a trial has ended, `on_stage`
    with a `StageEvent` whenever a stage begins or is complete; what they raise stops the study. `notify` is a command,
    or the address of a web hook. `progress` shows how it goes: where a terminal or a notebook shows it (None), always,
    or never.

    Raises InputError, with nothing changed, for anything wrong in what is given; KeyboardInterrupt where it was stopped
    by Ctrl-C, CallbackError where by a callback: then `resume` goes on with it.
    """
    options = _options(storage, workers, backend, scheduler, data_dir)
    _refuse_unless("study", study, (Study, str, Path), "a Study, or the path of a study file")

    def run(chosen: launching.Options) -> tuple[str, bool]:
        if isinstance(study, Study):
            return launching.launch_text(study.text, PLACE, chosen, or_resume=or_resume)
        return launching.launch(Path(study), chosen, or_resume=or_resume)

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
) -> "Results":
    """Go on with a study where it was stopped, and return what came of it; the arguments are those of `launch`.

    With `accept_changes` it goes on although its model file has changed: unfinished trials begin anew.
    """
    options = replace(_options(storage, workers, backend, scheduler, data_dir), accept_changes=accept_changes)
    _refuse_unless("name", name, str, "a study's name")

    def run(chosen: launching.Options) -> tuple[str, bool]:
        return name, launching.resume(name, chosen)

    return _results(run, options, on_trial, on_stage, notify, progress)


def load(name: str, storage: str | None = None, *, data_dir: str | Path | None = None) -> "Results":
    """Return a study's results, finished or not; a notebook shows them.

    `storage` is the database, that of the workspace if it is None; `data_dir` is where datasets are, which a classifier
    needs.

    >>> hpsearch.load("mlp").ranking  # doctest: +SKIP

    Raises StorageError for a database that cannot be read, or a name that it does not hold.
    """
    from hpsearch.api.results import load_results  # pandas: only where somebody looks

    _refuse_unless("name", name, str, "a study's name")
    return load_results(name, _storage(storage), _folder(data_dir))


def _refuse_unless(what: str, given: object, kinds: type | tuple[type, ...], rule: str) -> None:
    if not isinstance(given, kinds):
        raise InputError(f"{what} must be {rule}, got {given!r:.80}")


def _folder(given: str | Path | None) -> Path | None:
    _refuse_unless("data_dir", given, (str, Path, NoneType), "a folder's path")
    return None if given is None else Path(given)


def _storage(given: str | None) -> str:
    _refuse_unless("storage", given, (str, NoneType), "a database's URL, as 'sqlite:///studies/hpsearch.db'")
    return given or os.environ.get(STORAGE_VARIABLE) or DEFAULT_URL


def carry_out(
    run: Run,
    options: launching.Options,
    shown: AbstractContextManager[Watcher],
    on_trial: OnTrial | None = None,
    on_stage: OnStage | None = None,
    notify_target: str | None = None,
) -> tuple[str, bool]:
    """Run a study, show how it goes, and return its name and whether it ran to its end.

    Whoever is to be told of the end is told once nothing is shown any more, of a study that has begun.
    """
    check_target(notify_target)
    told = Calling(on_trial, on_stage)
    try:
        with shown as told.shown:
            name, finished = run(replace(options, watcher=told))
    except BaseException as error:
        if told.study is not None and notify_target:
            notify(notify_target, told.study, options.storage, error)
        raise
    if told.study is not None and notify_target:
        notify(notify_target, name, options.storage, None)
    return name, finished


def _options(
    storage: str | None, workers: int | None, backend: str, scheduler: str | None, data_dir: str | Path | None
) -> launching.Options:
    _refuse_unless("backend", backend, str, "loky, dask, ray, threading or sequential")
    _refuse_unless("scheduler", scheduler, (str, NoneType), "an address, as 'tcp://host:8786'")
    if workers is not None and not (isinstance(workers, Integral) and 1 <= workers <= MOST_WORKERS):
        raise InputError(f"workers must be a whole number from 1 to {MOST_WORKERS}, got {workers!r}")
    return launching.Options(
        _storage(storage), workers=workers, backend=backend, scheduler=scheduler, data_dir=_folder(data_dir)
    )


def _results(
    run: Run,
    options: launching.Options,
    on_trial: OnTrial | None,
    on_stage: OnStage | None,
    notify_target: str | None,
    progress: bool | None,
) -> "Results":
    for what, function in (("on_trial", on_trial), ("on_stage", on_stage)):
        if function is not None and not callable(function):
            raise InputError(f"{what} must be a function of one argument, got {function!r:.80}")
    quiet = not (somebody_looks() if progress is None else progress)
    name, finished = carry_out(run, options, watching(quiet=quiet), on_trial, on_stage, notify_target)
    if not finished:
        raise KeyboardInterrupt(f"study {name!r} is stopped; go on with hpsearch.resume({name!r})")
    return load(name, options.storage, data_dir=options.data_dir)
