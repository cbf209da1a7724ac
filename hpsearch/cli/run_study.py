"""`launch` and `resume`: run a study, show its progress, write its report. May import api, search and reporting."""

import dataclasses
import os
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpsearch.api.display import open_display
from hpsearch.api.run import RunStudy, run_and_notify
from hpsearch.cli.folders import nearest_existing
from hpsearch.cli.output import exit_on_signal, print_json_line
from hpsearch.cli.report.write import current_report, write_report
from hpsearch.errors import HpsearchError, InputError
from hpsearch.search import launch, resume
from hpsearch.search.options import Options, how_to_resume
from hpsearch.search.progress import StageEvent, TrialEvent, Watcher
from hpsearch.storage.sqlite.workspace import default_reports
from hpsearch.workers.pools import ENDING

if TYPE_CHECKING:
    from hpsearch.cli.outcome import Outcome


class JsonEvents(Watcher):
    """Prints each event as one line of JSON."""

    def stage_changed(self, event: StageEvent) -> None:
        print_json_line("stage", **dataclasses.asdict(event))

    def trial_ended(self, event: TrialEvent) -> None:
        print_json_line("trial", **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)})

    def message(self, text: str) -> None:
        print_json_line("message", text=text)


class ReportAhead:
    """Prepares the report in a thread while the last stage trains and this process only waits."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def begin(self, event: StageEvent) -> None:
        """Begin with the last stage; the report does without it where the system has no thread left."""
        if event.position == event.stages - 1 and self._thread is None:
            with suppress(RuntimeError):
                self._thread = threading.Thread(target=_prepare_report)
                self._thread.start()

    def join(self) -> None:
        """Wait for it, since two threads that import the same modules may see them half-made."""
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()


def _prepare_report() -> None:
    from hpsearch import reporting

    with suppress(Exception):  # the report says what is missing
        reporting.prepare()


def run_launch(study_file: Path, *, or_resume: bool, storage: str, **given: Any) -> int:
    """Launch a study file, or, with `or_resume`, resume its study if that was launched before."""

    def run(options: Options) -> tuple[str, bool]:
        return launch.launch(study_file, options, or_resume=or_resume)

    return _run(run, storage, **given)


def run_resume(name: str, *, storage: str, **given: Any) -> int:
    """Resume a study."""

    def run(options: Options) -> tuple[str, bool]:
        return name, resume.resume(name, options)

    return _run(run, storage, **given)


def _run(
    run: RunStudy, storage: str, *, reports: Path, quiet: bool, notify: str | None, as_json: bool, **given: Any
) -> int:
    exit_on_signal()
    _check_folder(reports)
    display: AbstractContextManager[Watcher] = nullcontext(JsonEvents()) if as_json else open_display(quiet=quiet)
    options, report = Options(storage, **given), ReportAhead()
    # A model that runs in this process may fork, and what a thread imports at that moment, the fork waits for for ever.
    begin = report.begin if options.backend in ENDING else None
    name, finished = run_and_notify(run, options, display, on_stage=begin, notify_target=notify)
    report.join()
    try:
        return _end(name, options, reports, finished=finished, quiet=quiet, as_json=as_json)
    except InputError as error:  # the server is lost, for example; the study itself has changed
        raise HpsearchError(f"study {name!r} is {'complete' if finished else 'stopped'}, but {error}") from error


def _end(name: str, options: Options, reports: Path, *, finished: bool, quiet: bool, as_json: bool) -> int:
    """Say what has become of a study, and write the report of a complete one; return the exit status."""
    storage = options.storage
    if not finished:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C has nothing left to stop
        reports_option = () if reports == default_reports() else ("--reports", str(reports))
        next_command = how_to_resume(name, options, *reports_option)
        if as_json:
            best = _outcome(name, storage).facts
            print_json_line("end", study=name, state="interrupted", best=best, report=None, next=next_command)
        print(f"hpsearch: stopped; go on with `{next_command}`", file=sys.stderr)
        return 130
    if not as_json and (there := current_report(name, storage, reports)):
        if not quiet:
            click.echo(f"study {name!r} is complete, and nothing was left to do; its report: {there}")
        return 0
    written = write_report(name, storage, reports)
    if as_json:
        print_json_line(
            "end", study=name, state="complete", best=_outcome(name, storage).facts, report=written, next=None
        )
    elif not quiet:
        if found := _outcome(name, storage).sentence:
            click.echo(found)
        click.echo(f"study {name!r} is complete; its report: {written}")
    return 0


def _outcome(name: str, storage: str) -> "Outcome":
    """What the study has found; its module imports pandas, which a study without anything left to do needs not."""
    from hpsearch.cli.outcome import outcome

    return outcome(name, storage)


def _check_folder(reports: Path) -> None:
    """Raise InputError, before anything is trained, for a folder that no report could be written to."""
    existing = nearest_existing(reports, f"--reports {reports}")
    if not existing.is_dir():
        raise InputError(f"--reports {reports}: must be a folder, or a name for a new one; {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--reports {reports}: {existing} must be writable")
