"""`launch` and `resume`: run a study, show how it goes, write its report. May import search and reporting."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from hpsearch.cli.looking import write_report
from hpsearch.cli.watching import watching
from hpsearch.search import launching


def run_launch(study_file: Path, *, or_resume: bool, storage: str, **given: Any) -> int:
    """Launch a study file, or, with `or_resume`, go on with it if its name is known."""

    def run(options: launching.Options) -> tuple[str, bool]:
        return launching.launch(study_file, options, or_resume=or_resume)

    return _run(run, storage, **given)


def run_resume(name: str, *, storage: str, **given: Any) -> int:
    """Go on with a study."""

    def run(options: launching.Options) -> tuple[str, bool]:
        return name, launching.resume(name, options)

    return _run(run, storage, **given)


def _run(
    run: Callable[[launching.Options], tuple[str, bool]],
    storage: str,
    *,
    workers: int | None,
    backend: str,
    data_dir: Path | None,
    reports: Path,
    quiet: bool,
    accept_changes: bool = False,
) -> int:
    _stop_at_once()
    with watching(quiet=quiet) as watcher:
        options = launching.Options(storage, workers or cores(), data_dir, backend, accept_changes, watcher)
        name, finished = run(options)
    if not finished:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C has nothing left to stop
        print(f"hpsearch: stopped; go on with `{launching.how_to_resume(name, options)}`", file=sys.stderr)
        return 130
    written = write_report(name, storage, reports)
    if not quiet:
        click.echo(f"study {name!r} is complete; its report: {written}")
    return 0


def _stop_at_once() -> None:
    """Outside the search, which counts signals, any of them ends the program: nothing is under way that could be lost.

    Python's own KeyboardInterrupt could surface, and vanish, inside any library's callback.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    os.write(2, b"hpsearch: stopped\n")
    os._exit(130)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
