"""`data`: datasets, and what was prepared from them. Imports what it needs late."""

import os
from pathlib import Path

import click

from hpsearch.cli.group import Group
from hpsearch.cli.output import json_option, tell


@click.group(cls=Group)
def data() -> None:
    """Fetch datasets; see and clear what was prepared from them."""


@data.command()
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
    from hpsearch import data as datasets

    directory = datasets.data_directory(data_dir)
    folder = datasets.fetch(dataset, directory, layout=layout, url=url, progress=os.isatty(2))
    return tell({"dataset": dataset, "layout": layout, "folder": folder}) if as_json else click.echo(folder)


@data.command()
@json_option
def clean(as_json: bool) -> None:
    """Delete the prepared splits; they are made again when a study needs them."""
    from hpsearch import data as datasets

    freed = datasets.clean()
    return tell({"bytes_freed": freed}) if as_json else click.echo(f"{freed / 1e6:,.0f} MB freed")
