"""`status`, `report` and `dashboard`: look at studies without changing them. May import storage and reporting."""

import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.storage import locks, reading, sqlite
from hpsearch.storage.database import Database, open_to_read
from hpsearch.storage.records import INTERRUPTED, RUNNING

WATCH_SECONDS = 5.0
"""`report --watch` waits so long between two reports, and at least four times as long as the last one took."""


def write_report(
    name: str, storage: str, reports: Path, formats: str = "html,md,csv", trials: str | None = None, **given: Any
) -> Path:
    """Write the report of a study in a comma list of formats; return the path to open. `given` as in `reporting`."""
    from hpsearch import reporting
    from hpsearch.reporting import asked, forms

    chosen = forms.chosen(formats)
    given["trials"] = asked.chosen_trials(trials) if trials is not None else ()
    engine = open_to_read(storage)
    with engine.connect() as connection:
        reading.get_study(connection, name)
    return reporting.write_report(engine, name, reports, chosen, **given)


def watch_report(name: str, storage: str, reports: Path, **given: Any) -> Path:
    """Write the report again and again until no process runs the study any more; return the path to open."""
    path, first = sqlite.path_of(storage), True
    stopped = _note_ctrl_c()
    while not stopped:
        with open_to_read(storage).connect() as connection:
            study = reading.get_study(connection, name)
        running = study.state == RUNNING and locks.is_held(path, study.id)
        before = time.monotonic()
        written = write_report(name, storage, reports, **given)
        if not running:
            return written
        if first:
            print(f"{written} is written again while the study runs; end with Ctrl-C", file=sys.stderr, flush=True)
        first = False
        _wait(max(WATCH_SECONDS, 4 * (time.monotonic() - before)), stopped)
    raise KeyboardInterrupt


def _note_ctrl_c() -> list[int]:
    """Return a list that the first Ctrl-C fills; a second one ends at once.

    Python raises KeyboardInterrupt anywhere, and loses it inside a callback of its garbage collector, where a report,
    which makes and drops thousands of objects, spends much of its time.
    """
    pressed: list[int] = []

    def note(number: int, _frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    return pressed


def _wait(seconds: float, stopped: Sequence[int]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stopped:
        time.sleep(0.1)


def write_comparison(names: Sequence[str], storage: str, reports: Path) -> Path:
    """Write the comparison of several studies; return the path of its index.html."""
    from hpsearch import reporting

    engine = open_to_read(storage)
    with engine.connect() as connection:
        for name in names:
            reading.get_study(connection, name)
    return reporting.compare_studies(engine, names, reports)


def show_status(name: str | None, storage: str) -> None:
    """Print a table of all studies, or of one study's stages."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    with open_to_read(storage).connect() as connection:
        if name is not None:
            reading.get_study(connection, name)
        rows = [row for row in reading.overview(connection) if name in (None, row["study"])]
    path = sqlite.path_of(storage)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("study", "state", "stage", "trials", "failed", "epochs", "best", "test"):
        table.add_column(heading, justify="left" if heading in ("study", "state", "stage") else "right")
    before = None
    for row in rows:
        head = ("", "") if row["study"] == before else (row["study"], _state(row, path))
        table.add_row(*(Text(cell) for cell in (*head, *_cells(row))))
        before = row["study"]
    if rows:
        Console(width=None if sys.stdout.isatty() else 1000).print(table)  # `hpsearch status | grep` wants whole lines
    else:
        print(f"no studies in {storage}")


def _state(row: dict[str, Any], path: Path) -> str:
    """The study's state; one whose coordinator was killed could not say that it is running no more."""
    killed = row["state"] == RUNNING and not locks.is_held(path, row["id"])
    return INTERRUPTED if killed else str(row["state"])


def _cells(row: dict[str, Any]) -> list[str]:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.2f}%"

    if row["trials"] is None:
        return [row["stage"], row["stage_state"], "", "", "", ""]
    return [
        row["stage"],
        f"{row['done']}/{row['trials']}",
        str(row["failed"] or ""),
        f"{row['epochs_done']}/{row['epochs']}",
        percent(row["best"]),
        percent(row["test"]),
    ]


def serve_dashboard(storage: str, host: str, port: int) -> None:
    """Serve optuna-dashboard over the database until Ctrl-C."""
    from optuna.storages import RDBStorage
    from optuna_dashboard import run_server

    path = sqlite.path_of(storage)
    Database(storage, create=False).close()  # the checks that a writer makes, and their one line
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HpsearchError(
                f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port"
            ) from error
    run_server(RDBStorage("sqlite://", engine_kwargs=sqlite.dashboard_options(path)), host=host, port=port)
