"""`top`: show a running study live in the terminal, until it ends or q is pressed. May import storage and rich."""

import sys
import time
from collections import deque

import click
from rich.console import Console
from rich.live import Live
from sqlalchemy import Engine

from hpsearch.api.console import SafeConsole
from hpsearch.cli.hints import command
from hpsearch.cli.output import print_json
from hpsearch.cli.top import frame as frames
from hpsearch.cli.top import keys, view
from hpsearch.cli.top.frame import Frame
from hpsearch.storage.database import open_to_read, snapshot
from hpsearch.storage.records import COMPLETE, RUNNING

FRAME_SECONDS = 1.0
"""The time from one frame to the next; at least ten times as long as the last one took to read."""
RATE_SECONDS = 30.0
"""The window over which the rate is computed."""


def top(name: str | None, storage: str, *, once: bool, as_json: bool) -> None:
    """Show a study until it ends: the one that is named, else the one that runs, else the newest."""
    engine = open_to_read(storage)
    try:
        with snapshot(engine) as connection:
            running = [] if name is not None else frames.running_studies(connection, storage)
            name = name or (running[0] if running else frames.newest_study(connection))
        frame = _read(engine, storage, name)
        if as_json:
            return print_json(frame)
        console: Console = SafeConsole()
        if once or not (console.is_terminal and sys.stdin is not None and sys.stdin.isatty()):
            width = console.width if console.is_terminal else 120
            console = SafeConsole(width=width)
            return console.print(view.draw(frame, console, rate=None, height=None, live=False))
        frame = _watch(engine, storage, frame, console)
        console.print(view.draw(frame, console, rate=None, height=None, live=False))
        return click.echo(_next_step(frame, storage), err=True)
    finally:
        engine.dispose()


def _read(engine: Engine, storage: str, name: str) -> Frame:
    with snapshot(engine) as connection:
        return frames.frame(connection, storage, name)


def _watch(engine: Engine, storage: str, frame: Frame, console: Console) -> Frame:
    """Draw frame after frame until the study ends or the user quits; return the last."""
    seen: deque[tuple[float, int]] = deque()
    with keys.watched() as stopped, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            seen.append((time.monotonic(), frame.epochs_done))
            while seen[-1][0] - seen[0][0] > RATE_SECONDS:
                seen.popleft()
            rate = _rate(seen)
            live.update(view.draw(frame, console, rate=rate, height=console.height, live=True), refresh=True)
            if frame.state != RUNNING:
                return frame
            before = time.monotonic()
            if keys.pressed(stopped, max(FRAME_SECONDS, 10 * (before - seen[-1][0]))):
                return frame
            frame = _read(engine, storage, frame.study)


def _rate(seen: "deque[tuple[float, int]]") -> float | None:
    """Epochs per second over the frames seen; None where they are too few."""
    (before, then), (after, now) = seen[0], seen[-1]
    return (now - then) / (after - before) if after - before > 2.0 and now > then else None


def _next_step(frame: Frame, storage: str) -> str:
    if frame.state == RUNNING:
        return f"the study goes on; show it again with: {command('top', frame.study, storage)}"
    return f"next: {command('report' if frame.state == COMPLETE else 'resume', frame.study, storage)}"
