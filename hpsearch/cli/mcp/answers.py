"""`mcp`: what the tools answer, from the database and from reporting, which has the tests. May import both.

A ranking goes out with its intervals, its differences from the best and the caption that says which test they are of,
so that nobody is led to call a difference real that may be chance.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hpsearch import reporting, spec
from hpsearch.cli.detached import start_detached
from hpsearch.cli.outcome import outcome
from hpsearch.cli.output import json_value
from hpsearch.cli.status.values import study_facts
from hpsearch.errors import InputError, nearest
from hpsearch.reporting.files import folder_name
from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.ranking.stage import StageView, view_stages
from hpsearch.storage import claims, reading
from hpsearch.storage.database import open_to_read, opened_to_read
from hpsearch.storage.records import INTERRUPTED, RUNNING

MOST = 200
"""So many configurations of a ranking at most."""


class Answers:
    """Answers the tools' questions about the studies of one database; every method raises HpsearchError in one line."""

    def __init__(self, storage: str, reports: Path) -> None:
        self._storage, self._reports = storage, reports

    def studies(self) -> list[dict[str, Any]]:
        """All studies with their stages, their progress, and the best configuration so far."""
        with opened_to_read(self._storage) as connection:
            rows = reading.overview(connection)
            for row in rows:
                if row["state"] == RUNNING and not claims.is_held(self._storage, row["id"]):
                    row["state"] = INTERRUPTED  # it was killed
        return [json_value(each) for each in study_facts(rows)]

    def best(self, study: str) -> dict[str, Any]:
        """The best configuration of a study in a sentence and as values."""
        found = outcome(study, self._storage)
        sentence = found.sentence or "no trial has finished yet"
        return {"study": study, "says": sentence, "best": json_value(found.facts)}

    def ranking(self, study: str, stage: str | None = None, limit: int = 10) -> dict[str, Any]:
        """A stage's configurations, best first; without `stage` the last one with results."""
        if not 1 <= limit <= MOST:
            raise InputError(f"limit must be from 1 to {MOST}, got {limit}")
        engine = open_to_read(self._storage)
        try:
            views = {view.name: view for view in view_stages(load(engine, study))}
        finally:
            engine.dispose()
        if stage is not None and stage not in views:
            raise InputError(f"stage {stage!r} does not exist in study {study!r}{nearest(stage, views)}")
        begun = [view for view in views.values() if view.ranked]
        if stage is None and not begun:
            raise InputError(f"study {study!r} has no finished trial yet")
        view = views[stage] if stage is not None else begun[-1]
        return {
            "study": study,
            "stage": view.name,
            "state": view.state,
            "metric": view.goal.measured,
            "direction": view.goal.direction,
            "how_to_read": view.caption,
            "configurations": [_row(view, index) for index in range(min(limit, len(view.rows)))],
            "of": len(view.rows),
        }

    def compare(self, studies: Sequence[str]) -> str:
        """Studies compared with each other, as Markdown with the tests."""
        return self._written(
            lambda engine, folder: reporting.compare_studies(engine, studies, folder).with_name("comparison.md")
        )

    def report(self, study: str) -> str:
        """The whole report of a study as Markdown, as it is now."""
        return self._written(lambda engine, folder: reporting.write_report(engine, study, folder, ["md"]))

    def _written(self, write: Any) -> str:
        engine: Engine = open_to_read(self._storage)
        try:
            with tempfile.TemporaryDirectory() as folder:
                return str(write(engine, Path(folder)).read_text("utf-8"))
        finally:
            engine.dispose()

    def launch(self, study_file: str) -> dict[str, Any]:
        """Launch a study file, or resume its study, as a process of its own."""
        path = Path(study_file)
        study = spec.parse(spec.read_text(path), study_file)  # an error in it costs one line now
        log = self._reports / folder_name(study.name) / "launch.log"
        arguments = ["launch", "--or-resume", "--reports", str(self._reports), "--", str(path)]
        try:
            process = start_detached(arguments, self._storage, log)
        except OSError as error:
            raise InputError(f"{log}: cannot be written ({error.strerror or error})") from error
        return {"study": study.name, "process": process.pid, "log": str(log)}


def _row(view: StageView, index: int) -> dict[str, Any]:
    row = view.rows[index]
    return {
        "rank": row.rank,
        "trial": row.trial,
        "configuration": dict(zip(view.labels, row.values, strict=True)),
        "state": row.state,
        "value": row.objective,
        "interval_95": row.interval,
        "replicates": row.replicates,
        "compared_with_the_best": row.remark,
        "test_set": row.test_objective,
    }
