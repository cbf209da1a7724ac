"""`status`: the state of studies, and why trials failed. Imports what it needs late."""

import click

from hpsearch.cli.options import storage_option, study_names
from hpsearch.cli.output import json_option
from hpsearch.errors import InputError


@click.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option("--trial", metavar="STAGE:NUMBER", help="Show this trial of NAME, with its traceback if it failed.")
@click.option("--failures", is_flag=True, help="Show all failed trials of NAME, with their tracebacks.")
@storage_option
@json_option
def status(name: str | None, trial: str | None, failures: bool, storage: str, as_json: bool) -> None:
    """List all studies, or the stages and the failed trials of NAME."""
    from hpsearch.cli.status.text import show_overview, show_study

    if name is not None:
        show_study(name, storage, trial, failures=failures, as_json=as_json)
    elif trial is not None or failures:
        raise InputError(f"{'--trial' if trial is not None else '--failures'} needs a study: hpsearch status NAME …")
    else:
        show_overview(storage, as_json=as_json)
