"""`report`: write the report of a study once, or again and again. May import storage and reporting."""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch import version
from hpsearch.reporting.files import folder_name
from hpsearch.storage import claims, reading
from hpsearch.storage.database import open_to_read, opened_to_read
from hpsearch.storage.records import RUNNING

if TYPE_CHECKING:
    from hpsearch.reporting.frames import Frames
    from hpsearch.reporting.sections.predictions.features import FeatureImportance

WATCH_SECONDS = 5.0
"""The pause of `report --watch` between two reports; at least four times as long as the last one took."""


def write_report(
    name: str, storage: str, reports: Path, formats: str = "html,md,csv", trials: str | None = None, **given: Any
) -> Path:
    """Write the report of a study in a comma list of formats; return the path to open. `given` as in `reporting`."""
    from hpsearch import reporting
    from hpsearch.reporting import options
    from hpsearch.reporting.formats.registry import parse_formats

    chosen = parse_formats(formats)
    given["trials"] = options.chosen_trials(trials) if trials is not None else ()
    engine = open_to_read(storage)
    with engine.connect() as connection:
        reading.get_study(connection, name)
    return reporting.write_report(engine, name, reports, chosen, features=_features, **given)


def _features(frames: "Frames") -> "FeatureImportance | None":
    """Compute the importance of a table's columns; what predicts is imported for tables alone."""
    if frames.images or frames.goal.of_function:
        return None
    from hpsearch.exporting.feature_importance import feature_importance

    return feature_importance(frames)


def current_report(name: str, storage: str, reports: Path) -> Path | None:
    """The report of a complete study, where it was written after the study's end, and by this version of hpsearch."""
    written = reports / folder_name(name) / "index.html"
    with opened_to_read(storage) as connection:
        finished = reading.finished_at(connection, reading.get_study(connection, name).id)
    if finished is None or not written.is_file():
        return None
    before = max(finished.timestamp(), Path(version.__file__).stat().st_mtime)
    return written if written.stat().st_mtime > before else None


def default_facts(name: str, storage: str) -> dict[str, Any]:
    """Return how the best compares with the default configuration, {} where the study names none."""
    from hpsearch import spec
    from hpsearch.reporting.results import results

    with opened_to_read(storage) as connection:
        study = reading.get_study(connection, name)
    if spec.parse(study.text, study.path).stages[0].default is None:
        return {}
    found = results(open_to_read(storage), name).default
    return {"default": found.facts() if found else None}


def watch_report(name: str, storage: str, reports: Path, **given: Any) -> Path:
    """Write the report again and again while a process runs the study; return the path to open."""
    first = True
    stopped = _catch_ctrl_c()
    while not stopped:
        with opened_to_read(storage) as connection:
            study = reading.get_study(connection, name)
        running = study.state == RUNNING and claims.is_held(storage, study.id)
        before = time.monotonic()
        written = write_report(name, storage, reports, **given)
        if not running:
            return written
        if first:
            print(f"{written} is written again while the study runs; end with Ctrl-C", file=sys.stderr, flush=True)
        first = False
        _wait(max(WATCH_SECONDS, 4 * (time.monotonic() - before)), stopped)
    raise KeyboardInterrupt


def _catch_ctrl_c() -> list[int]:
    """Return a list that the first Ctrl-C is appended to; a second one raises KeyboardInterrupt.

    A KeyboardInterrupt that Python raises inside a callback of the garbage collector is lost, and a report, which
    creates and drops thousands of objects, spends much of its time there.
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
