"""`top`: a running study, live in the terminal. Imports what it needs late."""

import click

from hpsearch.cli.options import storage_option, study_names
from hpsearch.cli.output import json_option


@click.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option("--once", is_flag=True, help="Print the current state once, and exit.")
@storage_option
@json_option
def top(name: str | None, storage: str, once: bool, as_json: bool) -> None:
    """Show a running study live in the terminal. Without NAME it is the one that runs, or the newest."""
    from hpsearch.cli.top.live import top as run

    run(name, storage, once=once, as_json=as_json)
