"""`top`: a running study, live in the terminal. Imports what it needs late."""

import click

from hpsearch.cli.arguments import study_names
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option


@click.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option("--once", is_flag=True, help="Print how it stands now, and end.")
@storage_option
@json_option
def top(name: str | None, storage: str, once: bool, as_json: bool) -> None:
    """Watch study NAME, or the one that is running, live: stages, curves of the best, the cohorts under way."""
    from hpsearch.cli.top.live import top as run

    run(name, storage, once=once, as_json=as_json)
