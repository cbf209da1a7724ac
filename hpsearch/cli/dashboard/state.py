"""`dashboard`: what its pages show of the studies, as the database has it. May import storage and SQLAlchemy.

Nothing here writes. A study's `version` changes whenever its results do, so that its report is written again only then.
"""

import threading
import time
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, func, select

from hpsearch.cli.top import frame as frames
from hpsearch.cli.top.frame import Frame, StageFacts
from hpsearch.storage import claims, reading, schema
from hpsearch.storage.records import INTERRUPTED, RUNNING, Goal

RATE_SECONDS = 60.0
"""The window over which the rate is computed."""


@dataclass(frozen=True)
class Summary:
    """A study in the list of all: its stages; when it was launched; epochs per second, None where that is not known."""

    name: str
    state: str
    created_at: str
    stages: Sequence[StageFacts]
    rate: float | None

    @property
    def goal(self) -> Goal:
        """That of all stages."""
        return self.stages[0].goal

    @property
    def epochs(self) -> int:
        """Of all stages, as far as is known."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def epochs_done(self) -> int:
        """Of all stages."""
        return sum(min(stage.epochs_done, stage.epochs) for stage in self.stages)

    @property
    def best(self) -> StageFacts | None:
        """The last stage that has a best configuration, but for the final where a search has one."""
        found = [stage for stage in self.stages if stage.params is not None]
        searched = [stage for stage in found if not stage.is_final]
        return (searched or found)[-1] if found else None

    @property
    def test(self) -> StageFacts | None:
        """The stage with a value on the test set."""
        return next((stage for stage in reversed(self.stages) if stage.test is not None), None)


@dataclass(frozen=True)
class Detail:
    """One study: what `top` shows of it, and more."""

    frame: Frame
    summary: Summary
    description: str
    stopping: bool


class Rates:
    """How many epochs of each study are done per second, from one request to the next."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}
        self._lock = threading.Lock()

    def note(self, name: str, epochs: int) -> float | None:
        """Note how many are done now; return the rate, None where it is not known yet."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.setdefault(name, deque())
            if not seen or epochs != seen[-1][1] or now - seen[-1][0] > 1.0:
                seen.append((now, epochs))
            while now - seen[0][0] > RATE_SECONDS:
                seen.popleft()
            (before, then), (after, done) = seen[0], seen[-1]
        return (done - then) / (after - before) if after - before > 2.0 and done > then else None


def summaries(connection: Connection, storage: str, rates: Rates) -> list[Summary]:
    """Every study, those that run first, then the newest."""
    rows = reading.overview(connection)
    facts = iter(frames.stages_of(connection, rows))
    found = []
    for _, group in groupby(rows, key=itemgetter("id")):
        stages = list(group)
        found.append(_summary(stages, [next(facts) for _ in stages], storage, rates))
    found.reverse()
    return sorted(found, key=lambda each: each.state != RUNNING)


def _summary(rows: Sequence[Mapping[str, Any]], stages: Sequence[StageFacts], storage: str, rates: Rates) -> Summary:
    first = rows[0]
    state = first["state"]
    if state == RUNNING and not claims.is_held(storage, first["id"]):
        state = INTERRUPTED  # it was killed, and could not store that
    rate = rates.note(first["study"], sum(stage.epochs_done for stage in stages)) if state == RUNNING else None
    return Summary(first["study"], state, str(first["created_at"]), stages, rate)


def detail(connection: Connection, storage: str, name: str, rates: Rates, stopping: bool) -> Detail:
    """One study. Raises StorageError if there is none of that name."""
    frame = frames.frame(connection, storage, name)
    study = reading.get_study(connection, name)
    created = connection.execute(
        select(schema.studies.c.created_at).where(schema.studies.c.id == study.id)
    ).scalar_one()
    rate = rates.note(name, frame.epochs_done) if frame.state == RUNNING else None
    summary = Summary(name, frame.state, str(created), frame.stages, rate)
    return Detail(frame, summary, _description(study.text), stopping and frame.state == RUNNING)


def _description(text: str) -> str:
    try:
        found = tomllib.loads(text).get("description", "")
    except (tomllib.TOMLDecodeError, RecursionError):  # the page is about the results, not about the file
        return ""
    return found if isinstance(found, str) else ""


def version(connection: Connection, name: str) -> tuple[Any, ...]:
    """What differs between two moments at which a study's report differs."""
    study = reading.get_study(connection, name)
    stage, trial = schema.stages, schema.trials.c
    query = (
        select(
            stage.c.id,
            stage.c.state,
            stage.c.ended,
            stage.c.stale,
            trial.state.label("trial_state"),
            func.count(trial.id).label("trials"),
            func.sum(trial.epochs_done).label("epochs"),
            func.max(trial.id).label("last"),
        )
        .select_from(stage.outerjoin(schema.trials))
        .where(stage.c.study_id == study.id)
        .group_by(stage.c.id, trial.state)
        .order_by(stage.c.id, trial.state)
    )
    rows = tuple(tuple(row) for row in connection.execute(query))
    return study.id, study.state, study.launches, study.text, rows
