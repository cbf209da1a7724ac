"""A running study in a notebook: a table with a bar for each stage, in the output of its cell. Imports IPython late.

No widgets: what is shown is HTML, so that it is there when the notebook is opened again.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from html import escape
from typing import Any

from hpsearch.api.progress_text import duration, is_over, words
from hpsearch.search.progress import StageProgress, Watcher

REDRAW_SECONDS = 0.3
"""The table is drawn at most so often."""

MESSAGES = 5
"""So many messages are shown, the last ones."""


def in_notebook() -> bool:
    """Whether this is a kernel, which shows HTML."""
    ipython: Any = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


@contextlib.contextmanager
def notebook_bars() -> Iterator["Table"]:
    """Give a watcher that shows itself in the cell that runs, and is left there as it was last."""
    table = Table()
    try:
        yield table
    finally:
        table.over = True
        table.draw()


class Table(Watcher):
    """A row per stage: its bar in epochs, trials done, best so far, time left."""

    def __init__(self) -> None:
        self._stages: dict[str, StageProgress] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._messages: list[str] = []
        self._handle: Any = None
        self._drawn = 0.0
        self.over = False

    def stage(self, progress: StageProgress) -> None:
        new = progress.name not in self._stages
        self._begun.setdefault(progress.name, (time.monotonic(), progress.epochs_done))
        self._stages[progress.name] = progress
        if new or is_over(progress) or time.monotonic() - self._drawn > REDRAW_SECONDS:
            self.draw()

    def message(self, text: str) -> None:
        self._messages = [*self._messages, text][-MESSAGES:]
        self.draw()

    def draw(self) -> None:
        """Show the table, or what it is now in its place."""
        if not self._stages and not self._messages:
            return
        from IPython.display import display

        self._drawn = time.monotonic()
        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        return "\n".join([*(f"{p.name}: {_percent(p)}, {words(p)}" for p in self._stages.values()), *self._messages])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align: left'>{escape(p.name)}</th>"
            f"<td><progress max='{max(p.epochs, 1)}' value='{p.epochs_done}'></progress></td>"
            f"<td>{_percent(p)}</td><td style='text-align: left'>{escape(words(p))}{self._left(p)}</td></tr>"
            for p in self._stages.values()
        )
        said = "".join(f"<div>{escape(text)}</div>" for text in self._messages)
        return f"<table>{rows}</table>{said}"

    def _left(self, p: StageProgress) -> str:
        since, before = self._begun[p.name]
        done = p.epochs_done - before
        if not done or self.over or is_over(p):
            return ""
        return f", about {duration((time.monotonic() - since) / done * (p.epochs - p.epochs_done))} left"


def _percent(p: StageProgress) -> str:
    return f"{100 * p.epochs_done // max(p.epochs, 1)}%"
