"""`data`: download datasets, and clear the cache of their prepared splits. Imports what it needs late."""

import os
from pathlib import Path

import click

from hpsearch.cli.group import Group
from hpsearch.cli.output import json_option, print_json


@click.group(cls=Group)
def data() -> None:
    """Download datasets; clear the cache of prepared splits."""


@data.command()
@click.argument("dataset")
@click.option("--layout", type=click.Choice(["python", "binary", "matlab"]), default="python", show_default=True)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The directory to unpack it in [default: $HPSEARCH_DATA, or the user's cache].",
)
@click.option("--url", metavar="URL", help="The address of the archive, to use a mirror.")
@json_option
def fetch(dataset: str, layout: str, data_dir: Path | None, url: str | None, as_json: bool) -> None:
    """Download DATASET, check it, and unpack it."""
    from hpsearch import data as datasets

    directory = datasets.data_directory(data_dir)
    folder = datasets.fetch(dataset, directory, layout=layout, url=url, progress=os.isatty(2))
    return print_json({"dataset": dataset, "layout": layout, "folder": folder}) if as_json else click.echo(folder)


@data.command()
@json_option
def clean(as_json: bool) -> None:
    """Delete the cached splits; a study that needs them makes them again."""
    from hpsearch import data as datasets

    freed = datasets.clean()
    return print_json({"bytes_freed": freed}) if as_json else click.echo(f"{freed / 1e6:,.0f} MB freed")
