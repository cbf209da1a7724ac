"""`mcp`: the studies for a program that speaks the Model Context Protocol. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.options import reports_option, storage_option


@click.command()
@click.option("--allow-launch", is_flag=True, help="Permit to launch study files, and so to run their model files.")
@reports_option
@storage_option
def mcp(storage: str, reports: Path, *, allow_launch: bool) -> None:
    """Serve studies, rankings, comparisons and reports to an assistant, by the Model Context Protocol on stdio.

    It only reads, unless it may launch. Needs the extra mcp.
    """
    from hpsearch.cli.mcp.server import serve

    serve(storage, reports, allow_launch=allow_launch)
