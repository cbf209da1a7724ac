"""The progress display in a notebook: a table with a bar for each stage. Imports IPython late.

It is HTML without widgets, so that it is still there when the notebook is opened again.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from html import escape
from typing import Any

from hpsearch.api.progress_text import duration, is_complete, summary
from hpsearch.search.progress import StageProgress, Watcher
from hpsearch.text import visible

REDRAW_SECONDS = 0.3
"""The least time between two drawings of the table."""

MESSAGES = 5
"""The number of messages shown, the last ones."""


def in_notebook() -> bool:
    """Whether this process is a kernel, which can show HTML."""
    ipython: Any = sys.modules.get("IPython")  # always imported in a kernel
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


@contextlib.contextmanager
def notebook_bars() -> Iterator["Table"]:
    """Yield a watcher that shows a table in the output of the running cell; its last state remains there."""
    table = Table()
    try:
        yield table
    finally:
        table.finished = True
        table.draw()


class Table(Watcher):
    """Shows a row per stage: a bar in epochs, the trials done, the best accuracy so far, the time left."""

    def __init__(self) -> None:
        self._stages: dict[str, StageProgress] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._messages: list[str] = []
        self._handle: Any = None
        self._drawn = 0.0
        self.finished = False

    def stage(self, progress: StageProgress) -> None:
        new = progress.name not in self._stages
        self._begun.setdefault(progress.name, (time.monotonic(), progress.epochs_done))
        self._stages[progress.name] = progress
        if new or is_complete(progress) or time.monotonic() - self._drawn > REDRAW_SECONDS:
            self.draw()

    def message(self, text: str) -> None:
        self._messages = [*self._messages, text][-MESSAGES:]
        self.draw()

    def draw(self) -> None:
        """Show the table, or replace the one that is shown."""
        if not self._stages and not self._messages:
            return
        from IPython.display import display

        self._drawn = time.monotonic()
        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        return "\n".join([*(f"{p.name}: {_percent(p)}, {summary(p)}" for p in self._stages.values()), *self._messages])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align: left'>{escape(p.name)}</th>"
            f"<td><progress max='{max(p.epochs, 1)}' value='{p.epochs_done}'></progress></td>"
            f"<td>{_percent(p)}</td><td style='text-align: left'>{escape(summary(p))}{self._left(p)}</td></tr>"
            for p in self._stages.values()
        )
        messages = "".join(f"<div>{escape(text)}</div>" for text in self._messages)
        return visible(f"<table>{rows}</table>{messages}")

    def _left(self, p: StageProgress) -> str:
        since, before = self._begun[p.name]
        done = p.epochs_done - before
        if not done or self.finished or is_complete(p):
            return ""
        return f", about {duration((time.monotonic() - since) / done * (p.epochs - p.epochs_done))} left"


def _percent(p: StageProgress) -> str:
    return f"{100 * p.epochs_done // max(p.epochs, 1)}%"
