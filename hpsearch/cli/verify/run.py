"""`verify`: run the checks of a study, and print them. May import storage and search."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from sqlalchemy import Connection

from hpsearch.cli.output import print_json, symbol
from hpsearch.errors import InputError
from hpsearch.platform import cores
from hpsearch.search.verify import retraining
from hpsearch.search.verify.checks import Check, verify
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import StudyRow


def run_verify(
    name: str,
    storage: str,
    *,
    trial: str | None,
    everything: bool,
    seed: int | None,
    data_dir: Path | None,
    trust_model: bool,
    as_json: bool,
) -> int:
    """Print a line for each check; return 1 if anything differs."""
    if trial is not None and everything:
        raise InputError("--trial and --all: give one of them")
    checks = []
    with opened_to_read(storage) as connection:
        row = reading.get_study(connection, name)
        retrainer = retraining.Retraining(row, data_dir, trusted=trust_model)
        for check in _checks(connection, row, retrainer, trial, everything, seed):
            checks.append({"text": check.text, "ok": not check.problems, "problems": check.problems})
            if not as_json:
                _print_check(check)
    passed = all(check["ok"] for check in checks)
    if as_json:
        print_json({"study": name, "ok": passed, "checks": checks})
    return 0 if passed else 1


def _print_check(check: Check) -> None:
    click.echo(f"{_mark(not check.problems)} {check.text}")
    for problem in check.problems:
        click.echo(f"    {problem}")


def _mark(passed: bool) -> str:
    return symbol("✓", "ok   ") if passed else symbol("✗", "FAILS")


def _checks(
    connection: Connection,
    row: StudyRow,
    retrainer: retraining.Retraining,
    trial: str | None,
    everything: bool,
    seed: int | None,
) -> Iterator[Check]:
    candidates = retraining.trained(connection, row)
    draw = ""
    if trial is not None:
        candidates = [retraining.chosen(candidates, trial)]
    elif not everything and candidates:
        seed = secrets.randbelow(2**32) if seed is None else seed
        candidates = [candidates[int(np.random.default_rng(seed).integers(len(candidates)))]]
        draw = f" (drawn with --seed {seed})"
    yield from verify(connection, row, trusted=True)  # the retrainer has asked
    yield Check.of("the stored labels are those of the data", retrainer.label_differences(connection))
    for stored, problems in retrainer.differences(connection, candidates, min(cores(), max(1, len(candidates)))):
        epochs = f"{stored.epochs} epoch{'s' * (stored.epochs != 1)}"
        yield Check(f"trial {stored.name}, trained again for {epochs}, is the same, bit for bit{draw}", problems)
