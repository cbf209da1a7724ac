"""The progress display of a running study: bars in a terminal or a notebook, lines elsewhere, nothing with `quiet`.

May import rich, and IPython where it is already imported.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from hpsearch.api.console import SafeConsole
from hpsearch.api.notebook import in_notebook, notebook_bars
from hpsearch.api.progress_text import is_complete, shorten, summary
from hpsearch.api.streams import safe
from hpsearch.search.progress import StageProgress, Watcher

LINE_SECONDS = 10.0
"""Without a terminal, the least time between two lines of a running stage."""


@contextlib.contextmanager
def open_display(*, quiet: bool) -> Iterator[Watcher]:
    """Yield the watcher that suits standard output: a notebook, a terminal, a file."""
    if quiet:
        yield Watcher()
    elif in_notebook():
        with notebook_bars() as table:
            yield table
    elif safe(sys.stdout).isatty():
        with Bars() as bars:
            yield bars
    else:
        yield Lines()


def is_interactive() -> bool:
    """Whether standard output is a terminal or a notebook."""
    return in_notebook() or safe(sys.stdout).isatty()


class Lines(Watcher):
    """Prints a line when a stage begins and ends, and from time to time in between."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, StageProgress]] = {}
        self._stream = safe(sys.stdout)

    def stage(self, progress: StageProgress) -> None:
        now = time.monotonic()
        then, before = self._last.get(progress.name, (0.0, None))
        due = before is None or is_complete(progress) or now - then > LINE_SECONDS
        if not due or progress == before:
            return
        self._last[progress.name] = now, progress
        share = 100 * progress.epochs_done // max(progress.epochs, 1)
        where = f"stage {progress.position + 1}/{progress.stages} {progress.name}"
        done = f"{share:3d}% of {progress.epochs:,} {progress.goal.unit}s"
        print(f"{where}: {done}, {summary(progress)}", file=self._stream, flush=True)

    def activity(self, text: str, *, checked: bool = False) -> None:
        if checked:
            self.message(text)

    def message(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class _Percent(TextColumn):
    """How much is done, where that is known."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total is not None else Text()


class Bars(Watcher):
    """Shows a bar per stage, in epochs, with the trials done, the best accuracy so far and the time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(bar_width=28),
            _Percent("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[summary]}", markup=False),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=SafeConsole(),
        )
        self._bars: dict[str, TaskID] = {}
        self._activity: TaskID | None = None

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_activity()
        self._progress.stop()

    def _end_activity(self) -> None:
        if self._activity is not None:
            self._progress.remove_task(self._activity)
            self._activity = None

    def stage(self, progress: StageProgress) -> None:
        self._end_activity()
        if progress.name not in self._bars:
            self._bars[progress.name] = self._progress.add_task(
                "", total=progress.epochs, completed=progress.epochs_done, name=shorten(progress.name), summary=""
            )
        bar = self._bars[progress.name]
        self._progress.update(
            bar, total=progress.epochs, completed=progress.epochs_done, summary=summary(progress)
        )  # the total shrinks as trials are pruned, and the time left with it

    def activity(self, text: str, *, checked: bool = False) -> None:
        """A line in the place of the first bar, which disappears when that comes."""
        if self._activity is None:
            self._activity = self._progress.add_task("", total=None, name=text, summary="")
        self._progress.update(self._activity, name=text)

    def message(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)
