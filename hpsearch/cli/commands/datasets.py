"""Commands about datasets. Each imports what it needs itself."""

import os
from pathlib import Path

import click

from hpsearch.cli.commands.group import Group, cli
from hpsearch.cli.telling import json_option, tell


@cli.group(name="data", cls=Group)
def data_group() -> None:
    """Fetch datasets; see and clear what was prepared from them."""


@data_group.command()
@click.argument("dataset")
@click.option("--layout", type=click.Choice(["python", "binary", "matlab"]), default="python", show_default=True)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to put it [default: $HPSEARCH_DATA, or the user's cache].",
)
@click.option("--url", metavar="URL", help="The archive's address, for a mirror.")
@json_option
def fetch(dataset: str, layout: str, data_dir: Path | None, url: str | None, as_json: bool) -> None:
    """Download DATASET, check it, and unpack it."""
    from hpsearch import data

    directory = data.data_directory(data_dir)
    folder = data.fetch(dataset, directory, layout=layout, url=url, progress=os.isatty(2))
    return tell({"dataset": dataset, "layout": layout, "folder": folder}) if as_json else click.echo(folder)


@data_group.command()
@json_option
def clean(as_json: bool) -> None:
    """Delete the prepared splits; they are made again when a study needs them."""
    from hpsearch import data

    freed = data.clean()
    return tell({"bytes_freed": freed}) if as_json else click.echo(f"{freed / 1e6:,.0f} MB freed")
