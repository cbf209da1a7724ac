"""`doctor`: whether this machine is all right, and what to fix. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.options import data_dir_option, storage_option
from hpsearch.cli.output import json_option


@click.command()
@data_dir_option
@storage_option
@json_option
def doctor(storage: str, data_dir: Path | None, as_json: bool) -> int:
    """Check this machine: cores, BLAS and its speed, memory, disks, database, optional packages; say what to fix."""
    from hpsearch.cli.doctor.checks import examine

    return examine(storage, data_dir, as_json=as_json)
