"""`digest` and `verify`: whether studies are the same, whether one is what it says. May import storage and search."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from sqlalchemy import Connection

from hpsearch.cli.output import sign, tell
from hpsearch.errors import InputError
from hpsearch.search.verify import retraining
from hpsearch.search.verify.checks import Check, verify
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import StudyRow
from hpsearch.workers.pools.backends import cores


def run_verify(
    name: str,
    storage: str,
    *,
    trial: str | None,
    everything: bool,
    seed: int | None,
    data_dir: Path | None,
    as_json: bool,
) -> int:
    """Print a line for each check; return 1 if anything differs."""
    if trial is not None and everything:
        raise InputError("--trial and --all: give one of them")
    checks = []
    with opened_to_read(storage) as connection:
        row = reading.get_study(connection, name)
        again = retraining.Retraining(row, data_dir)
        for check in _checks(connection, row, again, trial, everything, seed):
            checks.append({"text": check.text, "ok": not check.problems, "problems": check.problems})
            if not as_json:
                _show(check)
    well = all(check["ok"] for check in checks)
    if as_json:
        tell({"study": name, "ok": well, "checks": checks})
    return 0 if well else 1


def _show(check: Check) -> None:
    click.echo(f"{_mark(not check.problems)} {check.text}")
    for problem in check.problems:
        click.echo(f"    {problem}")


def _mark(well: bool) -> str:
    return sign("✓", "ok   ") if well else sign("✗", "FAILS")


def _checks(
    connection: Connection,
    row: StudyRow,
    again: retraining.Retraining,
    trial: str | None,
    everything: bool,
    seed: int | None,
) -> Iterator[Check]:
    candidates = retraining.trained(connection, row)
    drawn = ""
    if trial is not None:
        candidates = [retraining.chosen(candidates, trial)]
    elif not everything and candidates:
        seed = secrets.randbelow(2**32) if seed is None else seed
        candidates = [candidates[int(np.random.default_rng(seed).integers(len(candidates)))]]
        drawn = f" (drawn with --seed {seed})"
    yield from verify(connection, row)
    for stored, problems in again.differences(connection, candidates, min(cores(), max(1, len(candidates)))):
        epochs = f"{stored.epochs} epoch{'s' * (stored.epochs != 1)}"
        yield Check(f"trial {stored.name}, trained again for {epochs}, is the same, bit for bit{drawn}", problems)
