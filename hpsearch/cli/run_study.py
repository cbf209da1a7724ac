"""`launch` and `resume`: run a study, show how it goes, write its report. May import api, search and reporting."""

import dataclasses
import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from hpsearch.api.display import watching
from hpsearch.api.run import Run, carry_out
from hpsearch.cli.folders import nearest_there
from hpsearch.cli.output import print_json_line, stop_at_once
from hpsearch.cli.report.write import write_report
from hpsearch.errors import HpsearchError, InputError
from hpsearch.search import launch
from hpsearch.search.progress import StageEvent, TrialEvent, Watcher


class Events(Watcher):
    """Prints a line of JSON for each event."""

    def stage_changed(self, event: StageEvent) -> None:
        print_json_line("stage", **dataclasses.asdict(event))

    def trial_ended(self, event: TrialEvent) -> None:
        print_json_line("trial", **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)})

    def message(self, text: str) -> None:
        print_json_line("message", text=text)


def run_launch(study_file: Path, *, or_resume: bool, storage: str, **given: Any) -> int:
    """Launch a study file, or, with `or_resume`, go on with it if its name is known."""

    def run(options: launch.Options) -> tuple[str, bool]:
        return launch.launch(study_file, options, or_resume=or_resume)

    return _run(run, storage, **given)


def run_resume(name: str, *, storage: str, **given: Any) -> int:
    """Go on with a study."""

    def run(options: launch.Options) -> tuple[str, bool]:
        return name, launch.resume(name, options)

    return _run(run, storage, **given)


def _run(run: Run, storage: str, *, reports: Path, quiet: bool, notify: str | None, as_json: bool, **given: Any) -> int:
    stop_at_once()
    _refuse_no_folder(reports)
    shown: AbstractContextManager[Watcher] = nullcontext(Events()) if as_json else watching(quiet=quiet)
    options = launch.Options(storage, **given)
    name, finished = carry_out(run, options, shown, notify_target=notify)
    if not finished:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C has nothing left to stop
        elsewhere = () if reports == Path("reports") else ("--reports", str(reports))
        go_on = launch.how_to_resume(name, options, *elsewhere)
        if as_json:
            print_json_line("end", study=name, state="interrupted", report=None, next=go_on)
        print(f"hpsearch: stopped; go on with `{go_on}`", file=sys.stderr)
        return 130
    try:
        written = write_report(name, storage, reports)
    except InputError as error:  # the study was none the worse for it
        raise HpsearchError(f"study {name!r} is complete, but {error}") from error
    if as_json:
        print_json_line("end", study=name, state="complete", report=written, next=None)
    elif not quiet:
        click.echo(f"study {name!r} is complete; its report: {written}")
    return 0


def _refuse_no_folder(reports: Path) -> None:
    """Refuse, before anything is trained, a place where no report could be written."""
    there = nearest_there(reports, f"--reports {reports}")
    if not there.is_dir():
        raise InputError(f"--reports {reports}: must be a folder, or a name for a new one; {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--reports {reports}: {there} must be writable")
