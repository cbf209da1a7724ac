"""`status`: how studies stand, and why trials failed. May import storage and rich."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from hpsearch.errors import InputError, nearest
from hpsearch.spec.words import one_line
from hpsearch.storage import claims, reading, sqlite
from hpsearch.storage.database import open_to_read
from hpsearch.storage.records import FAILED, INTERRUPTED, PRUNED, RUNNING, StageRow, StudyRow, TrialRow

SHORT = 10
"""So many failed trials of a stage are listed unless all are asked for."""


def show_overview(storage: str) -> None:
    """Print a table of all studies and their stages."""
    with open_to_read(storage).connect() as connection:
        rows = reading.overview(connection)
    if rows:
        _print(rows, sqlite.path_of(storage))
    else:
        print(f"no studies in {storage}")


def show_study(name: str, storage: str, trial: str | None, *, failures: bool) -> None:
    """Print a study's stages, what ended them, and its failed trials; or one trial of it."""
    with open_to_read(storage).connect() as connection:
        study = reading.get_study(connection, name)
        if trial is not None:
            lines = _trial(connection, study, trial)
        else:
            rows = [row for row in reading.overview(connection) if row["study"] == name]
            _print(rows, sqlite.path_of(storage))
            lines = [*_remarks(rows), *_failures(connection, study, rows, whole=failures)]
    for line in lines:
        print(line)


_LEFT = ("study", "state", "stage")


def _print(rows: Sequence[dict[str, Any]], path: Path) -> None:
    pruned = ["pruned"] if any(row["pruned"] for row in rows) else []
    headings = [*_LEFT, "trials", *pruned, "failed", "epochs", "best", "test"]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _LEFT else "right")
    before = None
    for row in rows:
        cells = _cells(row) | {"study": row["study"], "state": _state(row, path)}
        if row["study"] == before:
            cells |= {"study": "", "state": ""}
        table.add_row(*(Text(cells[heading]) for heading in headings))
        before = row["study"]
    Console(width=None if sys.stdout.isatty() else 1000).print(table)  # `hpsearch status | grep` wants whole lines


def _state(row: dict[str, Any], path: Path) -> str:
    """The study's state; one whose coordinator was killed could not say that it is running no more."""
    killed = row["state"] == RUNNING and not claims.is_held(path, row["id"])
    return INTERRUPTED if killed else str(row["state"])


def _cells(row: dict[str, Any]) -> dict[str, str]:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.2f}%"

    if row["trials"] is None:
        return {"stage": row["stage"], "trials": row["stage_state"]} | dict.fromkeys(
            ("pruned", "failed", "epochs", "best", "test"), ""
        )
    ended = (row["done"] or 0) + (row["pruned"] or 0) + (row["failed"] or 0)
    return {
        "stage": row["stage"],
        "trials": f"{ended}/{row['trials']}",
        "pruned": str(row["pruned"] or ""),
        "failed": str(row["failed"] or ""),
        "epochs": f"{row['epochs_done'] or 0}/{row['epochs'] or 0}",
        "best": percent(row["best"]),
        "test": percent(row["test"]),
    }


def _remarks(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["ended"]:
            yield f"stage {row['stage']}: {row['ended']}"
        if row["stale"]:
            yield f"stage {row['stage']}: since an earlier stage has grown, it is looked at again"


def _failures(connection: Connection, study: StudyRow, rows: Sequence[dict[str, Any]], *, whole: bool) -> Iterator[str]:
    """A line for each failed trial, or, with `whole`, its traceback too."""
    many = {row["stage_id"]: row["failed"] for row in rows if row["failed"]}
    with_traceback = any(row["tracebacks"] for row in rows)
    for stage in reading.stages(connection, study.id):
        if stage.id not in many:
            continue
        failed = [trial for trial in reading.trials(connection, stage.id) if trial.state == FAILED]
        traces = reading.tracebacks(connection, stage.id) if whole else {}
        for trial in failed if whole else failed[:SHORT]:
            yield f"{stage.name}:{trial.number} failed: {one_line(str(trial.reason))}; {_setting(trial)}"
            yield from _indented(traces.get(trial.number))
        if not whole and len(failed) > SHORT:
            yield f"stage {stage.name}: {len(failed) - SHORT:,} more failed trials; --failures shows all"
    if with_traceback and not whole:
        yield "tracebacks: --failures, or --trial STAGE:NUMBER for one"


def _trial(connection: Connection, study: StudyRow, name: str) -> list[str]:
    """What there is to say about one trial."""
    stage_name, _, number = name.rpartition(":")
    stages = {stage.name: stage for stage in reading.stages(connection, study.id)}
    if stage_name not in stages:
        rule = "must be STAGE:NUMBER with a stage of the study"
        raise InputError(f"--trial {rule}, got {name!r}{nearest(stage_name, stages)}")
    stage = stages[stage_name]
    trials = {str(trial.number): trial for trial in reading.trials(connection, stage.id)}
    if number not in trials:
        has = f"has trials 0 to {len(trials) - 1}" if trials else "has no trials yet"
        raise InputError(f"--trial {name}: stage {stage_name!r} {has}, got {number!r}")
    trial = trials[number]
    trace = reading.tracebacks(connection, stage.id).get(trial.number) if trial.state == FAILED else None
    return [*_facts(stage, trial), *_indented(trace)]


def _facts(stage: StageRow, trial: TrialRow) -> Iterator[str]:
    reason = f": {one_line(trial.reason)}" if trial.reason else ""
    yield f"{stage.name}:{trial.number} is {trial.state}{reason}"
    yield f"setting {trial.point}, replicate {trial.replicate}: {_setting(trial)}"
    best = "" if trial.value is None else f", best validation accuracy {trial.value:.2%} in epoch {trial.best_epoch}"
    yield f"{trial.epochs_done} of {trial.epochs} epochs{best}"
    if trial.doomed is not None and trial.state != PRUNED:
        yield f"the pruner decided against it at epoch {trial.doomed}; it trains on to audit the pruner"


def _setting(trial: TrialRow) -> str:
    return ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in trial.params.items())


def _indented(trace: str | None) -> list[str]:
    return [f"    {one_line(line)}" for line in (trace or "").splitlines()]
