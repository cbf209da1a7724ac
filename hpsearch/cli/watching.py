"""How a running study shows itself: bars in a terminal, lines elsewhere, nothing if asked. May import rich."""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hpsearch.search.progress import StageProgress, Watcher

LINE_SECONDS = 10.0
"""Without a terminal, a running stage prints a line at most so often."""


@contextlib.contextmanager
def watching(*, quiet: bool) -> Iterator[Watcher]:
    """Give the watcher that fits where standard output goes."""
    if quiet:
        yield Watcher()
    elif sys.stdout.isatty():
        with Bars() as bars:
            yield bars
    else:
        yield Lines()


def _words(p: StageProgress) -> str:
    pruned = f", {p.trials_pruned:,} pruned" if p.trials_pruned else ""
    failed = f", {p.trials_failed:,} failed" if p.trials_failed else ""
    best = "" if p.best is None else f", best {100 * p.best:.2f}%"
    left = "" if p.seconds_left is None or _over(p) else f", {_duration(p.seconds_left)} of its budget left"
    return f"{p.trials_done:,}/{p.trials:,} trials{pruned}{failed}{best}{left}"


def _over(p: StageProgress) -> bool:
    return p.trials_done == p.trials


def _duration(seconds: float) -> str:
    """Seconds as a reader counts them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _short(name: str) -> str:
    """A stage's name, no longer than leaves room for its bar."""
    return name if len(name) <= 24 else name[:23] + "…"


class Lines(Watcher):
    """A line when a stage begins and ends, and now and then between."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, StageProgress]] = {}

    def stage(self, progress: StageProgress) -> None:
        now = time.monotonic()
        then, before = self._last.get(progress.name, (0.0, None))
        due = before is None or _over(progress) or now - then > LINE_SECONDS
        if not due or progress == before:
            return
        self._last[progress.name] = now, progress
        share = 100 * progress.epochs_done // max(progress.epochs, 1)
        where = f"stage {progress.position + 1}/{progress.stages} {progress.name}"
        print(f"{where}: {share:3d}% of {progress.epochs:,} epochs, {_words(progress)}", flush=True)

    def message(self, text: str) -> None:
        print(text, flush=True)


class Bars(Watcher):
    """A bar per stage, in epochs: trials done, best so far, time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[words]}", markup=False),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(),
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage(self, progress: StageProgress) -> None:
        if progress.name not in self._bars:
            self._bars[progress.name] = self._progress.add_task(
                "", total=progress.epochs, completed=progress.epochs_done, name=_short(progress.name), words=""
            )
        bar = self._bars[progress.name]
        self._progress.update(
            bar, total=progress.epochs, completed=progress.epochs_done, words=_words(progress)
        )  # the total shrinks as trials are pruned, so that the time left is that of what will be trained

    def message(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)
