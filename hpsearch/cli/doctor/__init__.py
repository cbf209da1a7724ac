"""`doctor`: check this machine and what is installed on it. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.options import data_dir_option, storage_option
from hpsearch.cli.output import json_option


@click.command()
@data_dir_option
@storage_option
@json_option
def doctor(storage: str, data_dir: Path | None, as_json: bool) -> int:
    """Check this machine and the installation, and say what to fix.

    Checks the cores, BLAS and its speed, memory, disks, the database, datasets and optional packages.
    """
    from hpsearch.cli.doctor.checks import run_checks

    return run_checks(storage, data_dir, as_json=as_json)
