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
from hpsearch.search.stages.whole import ON_ALL
from hpsearch.search.verify import retraining
from hpsearch.search.verify.checks import Check, verify
from hpsearch.search.verify.whole import StoredWhole, stored_whole, whole_differences
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import StageRow, StudyRow, TrialRow


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
    candidates, whole = retraining.trained(connection, row), stored_whole(connection, row)
    draw = ""
    if trial is not None:
        candidates, whole = _chosen(candidates, whole, trial)
    elif not everything and candidates:
        seed = secrets.randbelow(2**32) if seed is None else seed
        drawn = int(np.random.default_rng(seed).integers(len(candidates) + (whole is not None)))
        candidates, whole = candidates[drawn : drawn + 1], whole if drawn == len(candidates) else None
        draw = f" (drawn with --seed {seed})"
    yield from verify(connection, row, trusted=True)  # the retrainer has asked
    yield Check.of("the stored labels are those of the data", retrainer.label_differences(connection))
    for stored, problems in retrainer.differences(connection, candidates, min(cores(), max(1, len(candidates)))):
        yield Check(
            f"trial {stored.name}, trained again for {_epochs(stored.epochs)}, is the same, bit for bit{draw}", problems
        )
    if whole:
        samples, problems = whole_differences(retrainer, whole)
        again = f"{ON_ALL}, trained again on all {samples:,} samples for {_epochs(whole.epochs)}"
        yield Check(f"{again}, is the same, bit for bit{draw}", problems)


def _chosen(
    candidates: list[tuple[StageRow, TrialRow]], whole: StoredWhole | None, name: str
) -> tuple[list[tuple[StageRow, TrialRow]], StoredWhole | None]:
    """The trial of this name, or the model that was trained on all samples. Raises StorageError if there is none."""
    if whole and name == ON_ALL:
        return [], whole
    return [retraining.chosen(candidates, name)], None


def _epochs(number: int) -> str:
    return f"{number} epoch{'s' * (number != 1)}"
