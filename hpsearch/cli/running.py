"""`launch` and `resume`: run a study, show how it goes, write its report. May import search and reporting."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from hpsearch import spec
from hpsearch.cli.commands import DEFAULT_STORAGE
from hpsearch.cli.looking import write_report
from hpsearch.cli.watching import watching
from hpsearch.search import launching
from hpsearch.search.progress import Watcher
from hpsearch.storage import reading, sqlite
from hpsearch.storage.database import open_to_read


def run_launch(study_file: Path, *, or_resume: bool, storage: str, **given: Any) -> int:
    """Launch a study file, or, with `or_resume`, go on with it if its name is known."""
    if or_resume:
        name = spec.read(study_file).name
        if _exists(name, storage):
            return run_resume(name, storage=storage, **given)

    def run(watcher: Watcher) -> tuple[str, bool]:
        return launching.launch(study_file, _options(storage, watcher, given))

    return _run(run, storage, **given)


def run_resume(name: str, *, storage: str, **given: Any) -> int:
    """Go on with a study."""

    def run(watcher: Watcher) -> tuple[str, bool]:
        return name, launching.resume(name, _options(storage, watcher, given))

    return _run(run, storage, **given)


def _exists(name: str, storage: str) -> bool:
    if not sqlite.path_of(storage).is_file():
        return False
    with open_to_read(storage).connect() as connection:
        return reading.find_study(connection, name) is not None


def _options(storage: str, watcher: Watcher, given: dict[str, Any]) -> launching.Options:
    workers = given["workers"] or _cores()
    return launching.Options(storage, workers, given["data_dir"], given["backend"], watcher)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(run: Any, storage: str, *, reports: Path, quiet: bool, **_: Any) -> int:
    with watching(quiet=quiet) as watcher:
        name, finished = run(watcher)
    if not finished:
        option = "" if storage == DEFAULT_STORAGE else f" --storage {storage}"
        print(f"hpsearch: stopped; go on with `hpsearch resume {_quoted(name)}{option}`", file=sys.stderr)
        return 130
    written = write_report(name, storage, reports)
    if not quiet:
        click.echo(f"study {name!r} is complete; its report: {written}")
    return 0


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
