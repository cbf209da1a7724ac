"""Commands about this terminal and this machine. Each imports what it needs itself."""

from pathlib import Path

import click

from hpsearch.cli.commands.arguments import study_names
from hpsearch.cli.commands.group import cli
from hpsearch.cli.commands.options import data_dir_option, storage_option
from hpsearch.cli.telling import json_option


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script with which SHELL completes commands, options, studies and study files."""
    from hpsearch.cli.completing import script

    click.echo(script(shell))


@cli.command()
@data_dir_option
@storage_option
@json_option
def doctor(storage: str, data_dir: Path | None, as_json: bool) -> int:
    """Check this machine: cores, BLAS and its speed, memory, disks, database, optional packages; say what to fix."""
    from hpsearch.cli.examining import examine

    return examine(storage, data_dir, as_json=as_json)


@cli.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option("--once", is_flag=True, help="Print how it stands now, and end.")
@storage_option
@json_option
def top(name: str | None, storage: str, once: bool, as_json: bool) -> None:
    """Watch study NAME, or the one that is running, live: stages, curves of the best, the cohorts under way."""
    from hpsearch.cli.top import top as run

    run(name, storage, once=once, as_json=as_json)
