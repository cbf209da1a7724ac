"""`launch` and `resume`: run a study, show how it goes, write its report. May import api, search and reporting."""

import dataclasses
import os
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import click

from hpsearch.api.running import Run, carry_out
from hpsearch.api.watching import watching
from hpsearch.cli.looking import write_report
from hpsearch.cli.telling import tell_line
from hpsearch.search import launching
from hpsearch.search.progress import StageEvent, TrialEvent, Watcher


class Events(Watcher):
    """Prints a line of JSON for each event."""

    def stage_changed(self, event: StageEvent) -> None:
        tell_line("stage", **dataclasses.asdict(event))

    def trial_ended(self, event: TrialEvent) -> None:
        tell_line("trial", **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)})

    def message(self, text: str) -> None:
        tell_line("message", text=text)


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


def _run(run: Run, storage: str, *, reports: Path, quiet: bool, notify: str | None, as_json: bool, **given: Any) -> int:
    _stop_at_once()
    shown: AbstractContextManager[Watcher] = nullcontext(Events()) if as_json else watching(quiet=quiet)
    options = launching.Options(storage, **given)
    name, finished = carry_out(run, options, shown, notify_target=notify)
    if not finished:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C has nothing left to stop
        go_on = launching.how_to_resume(name, options)
        if as_json:
            tell_line("end", study=name, state="interrupted", report=None, next=go_on)
        print(f"hpsearch: stopped; go on with `{go_on}`", file=sys.stderr)
        return 130
    written = write_report(name, storage, reports)
    if as_json:
        tell_line("end", study=name, state="complete", report=written, next=None)
    elif not quiet:
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
