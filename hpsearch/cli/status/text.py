"""`status`: print the state of studies, and why trials failed. May import storage and rich."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from hpsearch.api.console import SafeConsole
from hpsearch.cli.hints import command
from hpsearch.cli.output import print_json
from hpsearch.cli.status.values import study_facts, trial_facts
from hpsearch.errors import InputError, nearest
from hpsearch.storage import claims, reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.objectives import text_of
from hpsearch.storage.places import place_of
from hpsearch.storage.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    PRUNED,
    RUNNING,
    Params,
    StageRow,
    StudyRow,
    TrialRow,
)
from hpsearch.text import visible_line

MAX_FAILURES = 10
"""The failed trials of a stage that are listed without `--failures`."""


FRONT = 5
"""So many configurations of a front are shown; the JSON has all."""


def show_overview(storage: str, *, as_json: bool) -> None:
    """Print a table of all studies and their stages."""
    with opened_to_read(storage) as connection:
        rows = _with_true_states(reading.overview(connection), storage)
    if as_json:
        print_json({"studies": study_facts(rows)})
    elif rows:
        _print(rows)
    else:
        print(f"no studies in {place_of(storage).shown}; `hpsearch launch STUDY_FILE` makes one")


def show_study(name: str, storage: str, trial: str | None, *, failures: bool, as_json: bool) -> None:
    """Print the stages of a study, what ended them, and its failed trials; or one of its trials."""
    with opened_to_read(storage) as connection:
        study = reading.get_study(connection, name)
        if trial is not None:
            stage, row, trace = _trial(connection, study, trial)
            if as_json:
                return print_json(trial_facts(stage, row, trace))
            lines = [*_facts(stage, row), *_indented(trace)]
        else:
            rows = _with_true_states(reading.overview(connection, name), storage)
            if as_json:
                return print_json(study_facts(rows)[0] | {"failures": _failure_facts(connection, study)})
            _print(rows)
            lines = [*_remarks(rows), *_failures(connection, study, rows, tracebacks=failures), *_next(rows, storage)]
    for line in lines:
        print(line)
    return None


_LEFT_ALIGNED = ("study", "state", "stage")


def _print(rows: Sequence[dict[str, Any]]) -> None:
    pruned = ["pruned"] if any(row["pruned"] for row in rows) else []
    units = {row["goal"].unit for row in rows}
    unit = "steps" if units == {"step"} else "epochs"
    headings = [*_LEFT_ALIGNED, "trials", *pruned, "failed", unit, "best", "test"]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _LEFT_ALIGNED else "right")
    before = None
    for row in rows:
        cells = _cells(row) | {"study": row["study"], "state": row["state"]}
        cells[unit] = cells["done"] + " steps" * bool(cells["done"] and unit == "epochs" and row["goal"].of_function)
        if row["study"] == before:
            cells |= {"study": "", "state": ""}
        table.add_row(*(Text(cells[heading]) for heading in headings))
        before = row["study"]
    width = None if sys.stdout.isatty() else 1000  # `hpsearch status | grep` needs unbroken lines
    SafeConsole(width=width).print(table)


def _with_true_states(rows: Sequence[dict[str, Any]], storage: str) -> list[dict[str, Any]]:
    """The rows with the true states of their studies: a coordinator that was killed could not store that it stopped."""
    running = {row["id"] for row in rows if row["state"] == RUNNING}
    killed = {study_id for study_id in running if not claims.is_held(storage, study_id)}
    return [row | {"state": INTERRUPTED} if row["id"] in killed else row for row in rows]


def _cells(row: dict[str, Any]) -> dict[str, str]:
    def shown(value: float | None) -> str:
        return "" if value is None else row["goal"].named(value)

    if row["trials"] is None:
        return {"stage": row["stage"], "trials": row["stage_state"]} | dict.fromkeys(
            ("pruned", "failed", "done", "best", "test"), ""
        )
    ended = (row["done"] or 0) + (row["pruned"] or 0) + (row["failed"] or 0)
    return {
        "stage": row["stage"],
        "trials": f"{ended}/{row['trials']}",
        "pruned": str(row["pruned"] or ""),
        "failed": str(row["failed"] or ""),
        "done": f"{row['epochs_done'] or 0}/{row['epochs'] or 0}",
        "best": shown(row["best"]),
        "test": shown(row["test"]),
    }


def _remarks(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["params"] and not row["front"]:
            found = row["goal"].named(row["best"])
            so_far = "" if row["stage_state"] == COMPLETE else " so far"
            trial, params = f"{row['stage']}:{row['number']}", _pairs(_short(row["params"]))
            yield f"stage {row['stage']}: best{so_far} {trial}, {found}; {params}"
        if row["front"]:
            shown = "; ".join(
                f"{row['stage']}:{leader.number} ({text_of(row['goal'], leader.values)})"
                for leader in row["front"][:FRONT]
            )
            more = f"; and {len(row['front']) - FRONT} more" if len(row["front"]) > FRONT else ""
            yield f"stage {row['stage']}: {len(row['front'])} on the front: {shown}{more}"
        if row["ended"]:
            yield f"stage {row['stage']}: {row['ended']}"
        if row["stale"]:
            yield f"stage {row['stage']}: an earlier stage has grown, so it is checked again"


def _next(rows: Sequence[dict[str, Any]], storage: str) -> Iterator[str]:
    verb = {RUNNING: "top", INTERRUPTED: "resume"}.get(rows[0]["state"])
    if verb is not None:
        yield f"next: {command(verb, rows[0]['study'], storage)}"


def _failures(
    connection: Connection, study: StudyRow, rows: Sequence[dict[str, Any]], *, tracebacks: bool
) -> Iterator[str]:
    """A line for each failed trial, or, with `tracebacks`, its traceback too."""
    failures = {row["stage_id"]: row["failed"] for row in rows if row["failed"]}
    has_tracebacks = any(row["tracebacks"] for row in rows)
    for stage in reading.stages(connection, study.id):
        if stage.id not in failures:
            continue
        failed = [trial for trial in reading.trials(connection, stage.id) if trial.state == FAILED]
        traces = reading.tracebacks(connection, stage.id) if tracebacks else {}
        for trial in failed if tracebacks else failed[:MAX_FAILURES]:
            yield f"{stage.name}:{trial.number} failed: {visible_line(str(trial.reason))}; {_configuration(trial)}"
            yield from _indented(traces.get(trial.number))
        if not tracebacks and len(failed) > MAX_FAILURES:
            yield f"stage {stage.name}: {len(failed) - MAX_FAILURES:,} more failed trials; --failures shows all"
    if has_tracebacks and not tracebacks:
        yield "tracebacks: --failures, or --trial STAGE:NUMBER for one"


def _failure_facts(connection: Connection, study: StudyRow) -> list[dict[str, Any]]:
    """All failed trials, with their tracebacks."""
    found = []
    for stage in reading.stages(connection, study.id):
        traces = reading.tracebacks(connection, stage.id)
        failed = [trial for trial in reading.trials(connection, stage.id) if trial.state == FAILED]
        found += [trial_facts(stage, trial, traces.get(trial.number)) for trial in failed]
    return found


def _trial(connection: Connection, study: StudyRow, name: str) -> tuple[StageRow, TrialRow, str | None]:
    """One trial, its stage, and its traceback if it failed."""
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
    return stage, trial, trace


def _facts(stage: StageRow, trial: TrialRow) -> Iterator[str]:
    reason = f": {visible_line(trial.reason)}" if trial.reason else ""
    yield f"{stage.name}:{trial.number} is {trial.state}{reason}"
    yield f"configuration {trial.point}, replicate {trial.replicate}: {_configuration(trial)}"
    goal, best = trial.goal, ""
    if trial.value is not None:
        what = text_of(goal, trial.values) if goal.objectives else f"{goal.metric} {goal.text(trial.value)}"
        best = f", best {'validation ' * (not goal.of_function)}{what} in {goal.unit} {trial.best_epoch}"
    yield f"{trial.epochs_done} of {trial.epochs} {goal.unit}s{best}"
    if trial.pruned_at is not None and trial.state != PRUNED:
        yield f"it would have been pruned at {goal.unit} {trial.pruned_at}; it trains on to audit the pruner"


def _configuration(trial: TrialRow) -> str:
    return _pairs(trial.params)


def _pairs(params: Params) -> str:
    return ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in params.items())


def _short(params: Params) -> Params:
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in params.items()}


def _indented(trace: str | None) -> list[str]:
    return [f"    {visible_line(line)}" for line in (trace or "").splitlines()]
